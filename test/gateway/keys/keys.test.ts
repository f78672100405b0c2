import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createKey, revokeKey } from "../../../gateway/keys/key-creation.ts";
import { KeyDirectory } from "../../../gateway/keys/key-directory.ts";
import { keyFilePath, readKeyFile } from "../../../gateway/keys/key-file.ts";
import { signEd25519, signedText, signHmac } from "../../../gateway/keys/signature.ts";

let dir: string;
const revoked: number[] = [];
const problems: Error[] = [];

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-keys-"));
  revoked.length = 0;
  problems.length = 0;
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

function open(): KeyDirectory {
  return new KeyDirectory(
    dir,
    (keyNumber) => revoked.push(keyNumber),
    (error) => problems.push(error),
  );
}

const trader = { account: 7, role: "trader", algorithm: "hmac", allAccounts: false } as const;
const text = signedText("challenge", "someone", 1_700_000_000_000_000);

describe("key file", () => {
  test("is readable by its owner alone, and holds no private key", async () => {
    const issued = await createKey(dir, { ...trader, algorithm: "ed25519" }, 1);
    expect(fs.statSync(keyFilePath(dir)).mode & 0o777).toBe(0o600);
    const content = fs.readFileSync(keyFilePath(dir), "utf8");
    expect(content).not.toContain(issued.privateKey);
    expect(issued.secret).toBeUndefined();
    expect(fs.readdirSync(dir)).toEqual(["keys.json"]);
  });

  test("ids fit into a record, numbers rise and are never given again", async () => {
    const first = await createKey(dir, trader, 1);
    await revokeKey(dir, first.keyId, 2);
    await createKey(dir, trader, 3);
    const { keys } = readKeyFile(dir);
    expect(keys.map(({ keyNumber }) => keyNumber)).toEqual([1, 2]);
    for (const { keyId } of keys) expect(keyId).toMatch(/^[a-z0-9]{1,16}$/);
  });

  test("changes made at the same time are all kept", async () => {
    await Promise.all(Array.from({ length: 20 }, () => createKey(dir, trader, 1)));
    const { keys } = readKeyFile(dir);
    expect(new Set(keys.map(({ keyNumber }) => keyNumber)).size).toBe(20);
  });

  test("revoking keeps the key and the first time; an unknown one is an error", async () => {
    const { keyId } = await createKey(dir, trader, 1);
    await revokeKey(dir, keyId, 5);
    expect((await revokeKey(dir, keyId, 9)).revoked).toBe(5);
    await expect(revokeKey(dir, "nobody", 9)).rejects.toMatchObject({ code: "unknownKey" });
  });

  test("a damaged file is refused without quoting it", async () => {
    const { secret } = await createKey(dir, trader, 1);
    const file = keyFilePath(dir);
    const good = fs.readFileSync(file, "utf8");
    for (const bad of [good.slice(0, -3), good.replace('"trader"', '"king"'), "[]"]) {
      fs.writeFileSync(file, bad);
      let message = "";
      try {
        readKeyFile(dir);
      } catch (error) {
        expect(error).toMatchObject({ code: "keysDamaged" });
        message = (error as Error).message;
      }
      expect(message).toContain(file);
      expect(message).not.toContain((secret as string).slice(0, 8));
    }
  });

  test("a lock held by another process makes the change wait", async () => {
    const lock = `${keyFilePath(dir)}.lock`;
    fs.writeFileSync(lock, "1\n");
    let done = false;
    const change = createKey(dir, trader, 1).then(() => {
      done = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(done).toBe(false);
    fs.rmSync(lock);
    await change;
    expect(readKeyFile(dir).keys).toHaveLength(1);
  });
});

describe("key directory", () => {
  test("a right signature names the key, by either algorithm", async () => {
    const hmac = await createKey(dir, trader, 1);
    const ed = await createKey(dir, { ...trader, account: 8, algorithm: "ed25519" }, 1);
    const keys = open();
    expect(keys.verify(hmac.keyId, text, signHmac(hmac.secret as string, text))).toMatchObject({
      account: 7,
      role: "trader",
      allAccounts: false,
    });
    const signature = signEd25519(ed.privateKey as string, text);
    expect(keys.verify(ed.keyId, text, signature)).toMatchObject({ account: 8 });
  });

  test("another text, another key, a cut signature and the other algorithm's length are all refused", async () => {
    const hmac = await createKey(dir, trader, 1);
    const ed = await createKey(dir, { ...trader, algorithm: "ed25519" }, 1);
    const keys = open();
    const good = signHmac(hmac.secret as string, text);
    const goodEd = signEd25519(ed.privateKey as string, text);
    expect(keys.verify(hmac.keyId, `${text} `, good)).toBeNull();
    expect(keys.verify("nobody", text, good)).toBeNull();
    expect(keys.verify("nobody", text, goodEd)).toBeNull();
    expect(keys.verify(ed.keyId, text, good)).toBeNull();
    expect(keys.verify(hmac.keyId, text, goodEd)).toBeNull();
    expect(keys.verify(hmac.keyId, text, good.subarray(1))).toBeNull();
    expect(keys.verify(hmac.keyId, text, new Uint8Array(0))).toBeNull();
    expect(keys.verify("__proto__", text, good)).toBeNull();
  });

  test("a key created or revoked meanwhile counts from the next look on", async () => {
    const keys = open();
    const issued = await createKey(dir, trader, 1);
    const signature = signHmac(issued.secret as string, text);
    expect(keys.verify(issued.keyId, text, signature)).toBeNull();
    keys.poll();
    expect(keys.verify(issued.keyId, text, signature)).not.toBeNull();
    await revokeKey(dir, issued.keyId, 2);
    keys.poll();
    expect(keys.verify(issued.keyId, text, signature)).toBeNull();
    expect(revoked).toEqual([1]);
  });

  test("a file that cannot be read any more is reported and changes nothing", async () => {
    const issued = await createKey(dir, trader, 1);
    const keys = open();
    fs.writeFileSync(keyFilePath(dir), "{");
    keys.poll();
    keys.poll();
    expect(problems).toHaveLength(1);
    expect(revoked).toEqual([]);
    const signature = signHmac(issued.secret as string, text);
    expect(keys.verify(issued.keyId, text, signature)).not.toBeNull();
  });

  test("only viewers ask for all accounts, and admins have them", async () => {
    for (const role of ["trader", "marketMaker", "viewer", "admin"] as const) {
      await createKey(dir, { ...trader, role, allAccounts: true }, 1);
    }
    const seesAll = readKeyFile(dir).keys.map(({ allAccounts }) => allAccounts);
    expect(seesAll).toEqual([false, false, true, true]);
  });
});
