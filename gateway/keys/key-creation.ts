import { generateKeyPairSync, randomBytes } from "node:crypto";
import { KeyError } from "./errors.ts";
import {
  changeKeyFile,
  type KeyAlgorithm,
  type KeyFile,
  type KeyRole,
  readKeyFile,
  type StoredKey,
} from "./key-file.ts";

export interface KeyRequest {
  readonly account: number;
  readonly role: KeyRole;
  readonly algorithm: KeyAlgorithm;
  /** Viewers only: the events of every account. */
  readonly allAccounts: boolean;
}

/** What the owner of a key gets, once. The secret or private key is nowhere else. */
export interface IssuedKey {
  readonly keyId: string;
  /** hmac: 43 characters; their UTF-8 bytes are the HMAC key. */
  readonly secret?: string;
  /** ed25519: PKCS #8 in base64. */
  readonly privateKey?: string;
  readonly account: number;
  readonly role: KeyRole;
  readonly algorithm: KeyAlgorithm;
}

/** Creates a key; it holds as soon as this resolves. Throws a KeyError. */
export function createKey(dataDir: string, request: KeyRequest, nowUs: number): Promise<IssuedKey> {
  return changeKeyFile(dataDir, (file) => {
    const { account, role, algorithm } = request;
    const keyNumber = file.nextKeyNumber++;
    const keyId = unusedKeyId(file.keys);
    const common = {
      keyId,
      keyNumber,
      account,
      role,
      allAccounts: role === "admin" || (role === "viewer" && request.allAccounts),
      created: nowUs,
      revoked: null,
    };
    if (algorithm === "hmac") {
      const secret = randomBytes(32).toString("base64url");
      file.keys.push({ ...common, algorithm, secret });
      return { keyId, secret, account, role, algorithm };
    }
    const { privateKey, publicKey } = generateKeyPairSync("ed25519", {
      privateKeyEncoding: { type: "pkcs8", format: "der" },
      publicKeyEncoding: { type: "spki", format: "der" },
    });
    file.keys.push({ ...common, algorithm, publicKey: publicKey.toString("base64") });
    return { keyId, privateKey: privateKey.toString("base64"), account, role, algorithm };
  });
}

/** Revoked keys stay in the file. Revoking twice keeps the first time. */
export async function revokeKey(dataDir: string, keyId: string, nowUs: number): Promise<StoredKey> {
  const find = ({ keys }: KeyFile) => {
    const key = keys.find((candidate) => candidate.keyId === keyId);
    if (key === undefined) throw new KeyError("unknownKey", `there is no key ${keyId}`);
    return key;
  };
  find(readKeyFile(dataDir)); // a change would make a directory that is not there
  return changeKeyFile(dataDir, (file) => {
    const key = find(file);
    key.revoked ??= nowUs;
    return key;
  });
}

// Lower case without 0, 1, l and o: people read these to each other.
const ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz";

function unusedKeyId(keys: readonly StoredKey[]): string {
  for (;;) {
    let keyId = "";
    for (const byte of randomBytes(12)) keyId += ALPHABET[byte & 31];
    if (!keys.some((key) => key.keyId === keyId)) return keyId;
  }
}
