import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DirectoryLock, isDirectoryLocked } from "../../../engine/journal/directory-lock.ts";
import { DirectoryBusyError } from "../../../engine/journal/errors.ts";

const MODULE = new URL("../../../dist/engine/journal/directory-lock.js", import.meta.url).href;
/** Says what came of it, then holds the lock until it is killed. */
const HOLDER = `
  import { DirectoryLock } from ${JSON.stringify(MODULE)};
  try {
    DirectoryLock.acquire(process.argv[1]);
    console.log("held");
    setInterval(() => {}, 1000);
  } catch (error) {
    console.log(error.code);
    process.exitCode = error.exitStatus ?? 1;
  }
`;

let directory: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "crossbook-lock-"));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

function start(): { child: ChildProcess; said: Promise<string>; exited: Promise<number | null> } {
  const child = spawn(process.execPath, ["--input-type=module", "-e", HOLDER, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const said = new Promise<string>((resolve) => {
    child.stdout?.once("data", (data: Buffer) => resolve(data.toString().trim()));
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { child, said, exited };
}

describe("the lock of a data directory", () => {
  it("is refused to a second process while the first lives, and free when that is killed", async () => {
    const first = start();
    expect(await first.said).toBe("held");
    expect(isDirectoryLocked(directory)).toBe(true);
    const second = start();
    expect(await second.said).toBe("directoryBusy");
    expect(await second.exited).toBe(75);
    expect(() => DirectoryLock.acquire(directory)).toThrow(DirectoryBusyError);
    first.child.kill("SIGKILL");
    await first.exited;
    expect(isDirectoryLocked(directory)).toBe(false);
    const third = start();
    expect(await third.said).toBe("held");
    expect(readdirSync(join(directory, "lock"))).toHaveLength(1);
  });

  it("is given to at most one of many that start at once", async () => {
    const all = Array.from({ length: 4 }, start);
    const said = await Promise.all(all.map((one) => one.said));
    expect(said.filter((word) => word === "held").length).toBeLessThanOrEqual(1);
    expect(said.filter((word) => word !== "held" && word !== "directoryBusy")).toEqual([]);
  });

  it("is refused to the same process, until it is released", () => {
    const lock = DirectoryLock.acquire(directory);
    expect(() => DirectoryLock.acquire(directory)).toThrow(/in use by process/);
    lock.release();
    DirectoryLock.acquire(directory).release();
    expect(isDirectoryLocked(directory)).toBe(false);
  });

  it("is not kept by a process that has the pid of a dead holder", () => {
    const lock = DirectoryLock.acquire(directory);
    const [name] = readdirSync(join(directory, "lock")) as [string];
    lock.release();
    const [pid, , namespace, boot] = name.split("-");
    mkdirSync(join(directory, "lock"), { recursive: true });
    writeFileSync(join(directory, "lock", `${pid}-1-${namespace}-${boot}`), "");
    writeFileSync(join(directory, "lock", `${pid}-1-${namespace}-ffff`), ""); // before a reboot
    DirectoryLock.acquire(directory).release();
    expect(readdirSync(join(directory, "lock"))).toEqual([]);
  });

  it("is not taken from a holder that cannot be seen from here", () => {
    const lock = DirectoryLock.acquire(directory);
    const [name] = readdirSync(join(directory, "lock")) as [string];
    lock.release();
    const [pid, ticks, , boot] = name.split("-");
    writeFileSync(join(directory, "lock", `${pid}-${ticks}-1-${boot}`), "");
    expect(() => DirectoryLock.acquire(directory)).toThrow(/remove /);
  });
});
