import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const program = fileURLToPath(new URL("../../../../bin/crossbook", import.meta.url));
let dir: string;

beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-keys-"));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

function keys(...words: string[]): { status: number | null; lines: unknown[]; errors: string } {
  const all = [program, "keys", ...words, "--data", dir];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: "utf8" });
  const lines = stdout.split("\n").filter((line) => line !== "");
  return { status, lines: lines.map((line) => JSON.parse(line) as unknown), errors: stderr };
}

describe("crossbook keys", () => {
  test("create prints one object with the secret, list and revoke never do", () => {
    const created = keys("create", "--account", "7", "--role", "trader");
    expect(created.status).toBe(0);
    expect(created.lines).toHaveLength(1);
    const key = created.lines[0] as Record<string, string>;
    expect(Object.keys(key).sort()).toEqual(["account", "algorithm", "keyId", "role", "secret"]);
    expect(key).toMatchObject({ account: 7, role: "trader", algorithm: "hmac" });
    const revoked = keys("revoke", key.keyId as string);
    const listed = keys("list");
    expect([revoked.status, listed.status]).toEqual([0, 0]);
    expect(listed.lines).toEqual(revoked.lines);
    expect(listed.lines).toMatchObject([{ keyId: key.keyId, keyNumber: 1, account: 7 }]);
    expect(JSON.stringify(listed.lines)).not.toContain(key.secret);
  });

  test("a directory that is not there has no keys, and none that cannot be made gets one", () => {
    const missing = path.join(dir, "none");
    const run = (...words: string[]) =>
      spawnSync(process.execPath, [program, "keys", ...words], { timeout: 20_000 }).status;
    expect(run("list", "--data", missing)).toBe(66);
    expect(run("revoke", "nobody", "--data", missing)).toBe(66);
    expect(fs.existsSync(missing)).toBe(false);
    expect(run("create", "--account", "1", "--role", "trader", "--data", "/proc/none")).toBe(74);
  });

  test("an Ed25519 key's private half is printed and not kept", () => {
    const { lines } = keys(
      "create",
      "--account",
      "7",
      "--role",
      "viewer",
      "--algorithm",
      "ed25519",
    );
    const { privateKey } = lines[0] as { privateKey: string };
    expect(privateKey.length).toBeGreaterThan(40);
    expect(fs.readFileSync(path.join(dir, "keys.json"), "utf8")).not.toContain(privateKey);
  });

  test.each([
    [["create", "--account", "0", "--role", "trader"], 64],
    [["create", "--account", "7", "--role", "king"], 64],
    [["create", "--role", "trader"], 64],
    [["create", "--account", "7", "--role", "trader", "--all-accounts"], 64],
    [["revoke", "nobody"], 66],
  ])("%j exits with %i and creates nothing", (words, status) => {
    const result = keys(...words);
    expect(result.status).toBe(status);
    expect(result.errors).not.toBe("");
    expect(keys("list").lines).toEqual([]);
  });

  test("a damaged file is 65", () => {
    fs.writeFileSync(path.join(dir, "keys.json"), "{");
    expect(keys("list").status).toBe(65);
  });
});
