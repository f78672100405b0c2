// DIR/keys.json: readable by its owner alone, replaced as a whole, never edited in place.
import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { MAX_ACCOUNT, MAX_INTEGER } from "../../protocol/terms.ts";
import { KeyError } from "./errors.ts";

export const KEY_ROLES = ["trader", "marketMaker", "viewer", "admin"] as const;
export type KeyRole = (typeof KEY_ROLES)[number];
export const KEY_ALGORITHMS = ["hmac", "ed25519"] as const;
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

const common = {
  /** What clients name. At most 16 characters, so that it fits into a record. */
  keyId: z.string().regex(/^[A-Za-z0-9_-]{1,16}$/),
  /** What commands carry. Unique, and never given again. */
  keyNumber: z.int().min(1).max(4294967295),
  account: z.int().min(1).max(MAX_ACCOUNT),
  role: z.enum(KEY_ROLES),
  /** Sees the events of every account. Always so for an admin, never for one who trades. */
  allAccounts: z.boolean(),
  /** Microseconds since 1970. */
  created: z.int().min(0).max(MAX_INTEGER),
  revoked: z.int().min(0).max(MAX_INTEGER).nullable(),
};

const storedKey = z.discriminatedUnion("algorithm", [
  // HMAC is symmetric: to check a signature takes the secret itself.
  z.strictObject({ ...common, algorithm: z.literal("hmac"), secret: z.string().min(32).max(256) }),
  /** SPKI in base64. */
  z.strictObject({ ...common, algorithm: z.literal("ed25519"), publicKey: z.base64() }),
]);

const keyFile = z.strictObject({
  version: z.literal(1),
  nextKeyNumber: z.int().min(1).max(4294967296),
  keys: z.array(storedKey),
});

export type StoredKey = z.infer<typeof storedKey>;
export type KeyFile = z.infer<typeof keyFile>;

export function keyFilePath(dataDir: string): string {
  return path.join(dataDir, "keys.json");
}

/** An empty file where there is none. Throws a KeyError where it is not what we write. */
export function readKeyFile(dataDir: string): KeyFile {
  const file = keyFilePath(dataDir);
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return { version: 1, nextKeyNumber: 1, keys: [] };
    }
    throw new KeyError("keysDamaged", `${file}: ${(error as Error).message}`, error);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Without the parser's words: they quote the file, and the file holds secrets.
    throw new KeyError("keysDamaged", `${file}: not JSON`);
  }
  const result = keyFile.safeParse(json);
  if (!result.success) {
    const places = result.error.issues.map((issue) => issue.path.join(".") || "the whole file");
    throw new KeyError("keysDamaged", `${file}: not as expected: ${places.join(", ")}`);
  }
  const { keys, nextKeyNumber } = result.data;
  const numbers = new Set(keys.map(({ keyNumber }) => keyNumber));
  const ids = new Set(keys.map(({ keyId }) => keyId));
  if (numbers.size !== keys.length || ids.size !== keys.length) {
    throw new KeyError("keysDamaged", `${file}: a keyId or keyNumber is there twice`);
  }
  if (keys.some(({ keyNumber }) => keyNumber >= nextKeyNumber)) {
    throw new KeyError("keysDamaged", `${file}: nextKeyNumber is not above all keyNumbers`);
  }
  return result.data;
}

/**
 * Reads, changes and replaces the file, alone: other processes wait up to five seconds, then get a
 * KeyError ("keysBusy"). Returns what `change` returns, once it is on disk.
 */
export async function changeKeyFile<T>(dataDir: string, change: (file: KeyFile) => T): Promise<T> {
  makeDirectory(path.resolve(dataDir));
  const lock = await takeLock(`${keyFilePath(dataDir)}.lock`);
  try {
    const content = readKeyFile(dataDir);
    const result = change(content);
    replaceFile(keyFilePath(dataDir), `${JSON.stringify(content, null, 2)}\n`);
    return result;
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

/** As mkdirSync with `recursive`, which never returns where /proc refuses a folder (Node 20). */
function makeDirectory(directory: string): void {
  if (fs.existsSync(directory)) return;
  makeDirectory(path.dirname(directory));
  try {
    fs.mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw new KeyError("keysUnwritable", `${directory}: ${(error as Error).message}`, error);
  }
}

const LOCK_WAIT_MS = 5000;
const LOCK_POLL_MS = 20;
/** A change takes milliseconds: an older lock was left behind. */
const LOCK_STALE_MS = 60_000;

async function takeLock(lock: string): Promise<string> {
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      fs.writeFileSync(lock, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
      return lock;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw new KeyError("keysUnwritable", `${lock}: ${(error as Error).message}`, error);
      }
    }
    const madeAt = fs.statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
    if (madeAt !== undefined && Date.now() - madeAt > LOCK_STALE_MS) {
      fs.rmSync(lock, { force: true });
    } else if (Date.now() > deadline) {
      throw new KeyError("keysBusy", `${lock}: another process is changing the keys`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
}

/** Old content or new, never a mixture, whatever happens meanwhile. */
function replaceFile(file: string, text: string): void {
  const fresh = `${file}.new`;
  try {
    const fd = fs.openSync(fresh, "w", 0o600);
    try {
      fs.fchmodSync(fd, 0o600);
      const bytes = Buffer.from(text, "utf8");
      // A full disk shows as a short count.
      if (fs.writeSync(fd, bytes) !== bytes.length) throw new Error("the disk is full");
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(fresh, file);
    const directory = fs.openSync(path.dirname(file), "r");
    try {
      fs.fsyncSync(directory);
    } finally {
      fs.closeSync(directory);
    }
  } catch (error) {
    throw new KeyError("keysUnwritable", `${file}: ${(error as Error).message}`, error);
  }
}
