import type { KeyObject } from "node:crypto";
import fs from "node:fs";
import { type KeyRole, keyFilePath, readKeyFile, type StoredKey } from "./key-file.ts";
import { checkSignature, publicKeyOf } from "./signature.ts";

/** A key that may log on. */
export interface Key {
  readonly keyId: string;
  readonly keyNumber: number;
  readonly account: number;
  readonly role: KeyRole;
  /** Sees the events of every account. */
  readonly allAccounts: boolean;
}

interface KnownKey extends Key {
  readonly secret: string | null;
  readonly publicKey: KeyObject | null;
}

/** Notices of file changes get lost on some file systems; a look twice a second does not. */
const POLL_MS = 500;

/** The keys of a running server: follows DIR/keys.json. Revoked keys are not in it. */
export class KeyDirectory {
  readonly #dataDir: string;
  readonly #onRevoked: (keyNumber: number) => void;
  readonly #onProblem: (error: Error) => void;
  #keys = new Map<string, KnownKey>();
  #stamp = "";
  #timer: NodeJS.Timeout | null = null;

  /**
   * Throws a KeyError where the file cannot be read. onRevoked: a key that could log on no longer
   * may. onProblem: the file was changed and cannot be read; the keys stay as they were.
   */
  constructor(
    dataDir: string,
    onRevoked: (keyNumber: number) => void,
    onProblem: (error: Error) => void,
  ) {
    this.#dataDir = dataDir;
    this.#onRevoked = onRevoked;
    this.#onProblem = onProblem;
    this.#stamp = this.#fileStamp();
    this.#keys = knownKeys(readKeyFile(dataDir).keys);
  }

  watch(): void {
    this.#timer = setInterval(() => this.poll(), POLL_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  get count(): number {
    return this.#keys.size;
  }

  /** The key whose signature over `text` this is; null for an unknown key and a wrong one alike. */
  verify(keyId: string, text: string, signature: Uint8Array): Key | null {
    const key = this.#keys.get(keyId);
    const good = checkSignature(key?.secret ?? null, key?.publicKey ?? null, text, signature);
    return good && key !== undefined ? key : null;
  }

  /** Looks whether the file has changed. */
  poll(): void {
    const stamp = this.#fileStamp();
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    let fresh: Map<string, KnownKey>;
    try {
      fresh = knownKeys(readKeyFile(this.#dataDir).keys);
    } catch (error) {
      this.#onProblem(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    const before = this.#keys;
    this.#keys = fresh;
    for (const [keyId, { keyNumber }] of before) {
      if (fresh.get(keyId)?.keyNumber !== keyNumber) this.#onRevoked(keyNumber);
    }
  }

  #fileStamp(): string {
    const stat = fs.statSync(keyFilePath(this.#dataDir), { throwIfNoEntry: false, bigint: true });
    // The file is replaced as a whole, so the inode changes where the clock is too coarse.
    return stat === undefined ? "" : `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
  }
}

function knownKeys(stored: readonly StoredKey[]): Map<string, KnownKey> {
  const keys = new Map<string, KnownKey>();
  for (const key of stored) {
    if (key.revoked !== null) continue;
    const { keyId, keyNumber, account, role, allAccounts } = key;
    keys.set(keyId, {
      keyId,
      keyNumber,
      account,
      role,
      allAccounts,
      secret: key.algorithm === "hmac" ? key.secret : null,
      publicKey: key.algorithm === "ed25519" ? publicKeyOf(key.publicKey) : null,
    });
  }
  return keys;
}
