import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  buildHash,
  findOnPath,
  hashFiles,
  installStamp,
  isBuildCurrent,
  isInstallCurrent,
  isLockStale,
  orphanedOutputs,
  SOURCE_FOLDERS,
  withLock,
} from "../../scripts/prepare.mjs";

test("what the build compiles is watched for changes", () => {
  const config = JSON.parse(readFileSync("tsconfig.build.json", "utf8")) as { include: string[] };
  const unwatched = config.include.filter(
    (path) => !SOURCE_FOLDERS.some((folder) => path === folder || path.startsWith(`${folder}/`)),
  );
  expect(unwatched).toEqual([]);
});

const node20 = { versions: { node: "20.19.0" }, platform: "linux", arch: "x64" };
const node24 = { versions: { node: "24.1.0" }, platform: "linux", arch: "x64" };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "crossbook-prepare-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("an installation", () => {
  const wanted = {
    packages: {
      "": { version: "0.1.0" },
      "node_modules/left": { version: "1.0.0", integrity: "sha512-left" },
      "node_modules/binary": { version: "2.0.0", integrity: "sha512-binary", optional: true },
    },
  };
  const complete = { packages: { "node_modules/left": wanted.packages["node_modules/left"] } };
  const expected = installStamp("lock", node20);

  test("is current when its stamp matches", () => {
    expect(isInstallCurrent(expected, expected, wanted, complete)).toBe(true);
  });

  test("is out of date when node_modules is missing", () => {
    expect(isInstallCurrent(expected, undefined, wanted, undefined)).toBe(false);
    expect(isInstallCurrent(expected, expected, wanted, undefined)).toBe(false);
  });

  test("is out of date under another Node major, whatever npm recorded", () => {
    const found = installStamp("lock", node24);
    expect(isInstallCurrent(expected, found, wanted, complete)).toBe(false);
  });

  test("is current under another release of the same Node major", () => {
    const later = installStamp("lock", { ...node20, versions: { node: "20.20.2" } });
    expect(later).toEqual(expected);
  });

  test("made by hand is current when npm's record has what the lockfile wants", () => {
    expect(isInstallCurrent(expected, undefined, wanted, complete)).toBe(true);
    const older = installStamp("older lock", node20);
    expect(isInstallCurrent(expected, older, wanted, complete)).toBe(true);
  });

  test("is out of date when a package is missing or another version", () => {
    const older = installStamp("older lock", node20);
    const other = {
      packages: { "node_modules/left": { version: "0.9.0", integrity: "sha512-left" } },
    };
    const swapped = {
      packages: { "node_modules/left": { version: "1.0.0", integrity: "sha512-x" } },
    };
    for (const installed of [{ packages: {} }, other, swapped]) {
      expect(isInstallCurrent(expected, older, wanted, installed)).toBe(false);
    }
  });

  test("is out of date when an optional package is there in another version", () => {
    const older = installStamp("older lock", node20);
    const binary = { version: "1.9.0", integrity: "sha512-old" };
    const installed = { packages: { ...complete.packages, "node_modules/binary": binary } };
    expect(isInstallCurrent(expected, older, wanted, installed)).toBe(false);
  });
});

describe("a build", () => {
  function writeTree(): void {
    for (const name of ["tsconfig.json", "tsconfig.build.json", "package-lock.json"]) {
      writeFileSync(join(folder, name), "{}");
    }
    mkdirSync(join(folder, "engine/book"), { recursive: true });
    writeFileSync(join(folder, "engine/book/level.ts"), "export const level = 1;\n");
    mkdirSync(join(folder, "dist"));
    writeFileSync(join(folder, "dist/.build-stamp"), buildHash(folder));
  }

  test("stays current when only times and unrelated files change", () => {
    writeTree();
    utimesSync(join(folder, "engine/book/level.ts"), 2_000_000_000, 2_000_000_000);
    writeFileSync(join(folder, "engine/book/notes.md"), "a note");
    expect(isBuildCurrent(folder)).toBe(true);
  });

  test.each([
    ["a source changes", "engine/book/level.ts"],
    ["a source appears", "engine/book/order.ts"],
    ["the compiler's settings change", "tsconfig.build.json"],
    ["the lockfile, and so the compiler, changes", "package-lock.json"],
  ])("is out of date when %s", (_case, name) => {
    writeTree();
    writeFileSync(join(folder, name), "export const changed = true;\n");
    expect(isBuildCurrent(folder)).toBe(false);
  });

  test("is out of date when it is missing", () => {
    writeTree();
    rmSync(join(folder, "dist"), { recursive: true });
    expect(isBuildCurrent(folder)).toBe(false);
  });

  test("text moved from a name into the content changes the hash", () => {
    expect(hashFiles([["ab", "c"]])).not.toBe(hashFiles([["a", "bc"]]));
  });

  test("loses the output of a source that is gone, and nothing else", () => {
    const outputs = ["engine/old.js", "engine/old.js.map", "engine/new.js", ".tsbuildinfo"];
    const orphans = orphanedOutputs(outputs, (source) => source === "engine/new.ts");
    expect(orphans).toEqual(["engine/old.js", "engine/old.js.map"]);
  });
});

describe("the lock", () => {
  test("is held during the work and gone after it, even when the work throws", () => {
    const lock = join(folder, "lock");
    expect(withLock(lock, () => existsSync(lock))).toBe(true);
    const failing = () =>
      withLock(lock, () => {
        throw new Error("no work today");
      });
    expect(failing).toThrow("no work today");
    expect(existsSync(lock)).toBe(false);
  });

  test("of a living process is kept, that of a dead one is taken over", () => {
    const lock = join(folder, "lock");
    mkdirSync(lock);
    writeFileSync(join(lock, "owner"), String(process.pid));
    expect(isLockStale(lock)).toBe(false);

    const { pid } = spawnSync(process.execPath, ["--version"]);
    writeFileSync(join(lock, "owner"), String(pid));
    expect(isLockStale(lock)).toBe(true);
    expect(withLock(lock, () => "done")).toBe("done");
  });

  test("without an owner is stale only after a while", () => {
    const lock = join(folder, "lock");
    mkdirSync(lock);
    expect(isLockStale(lock)).toBe(false);
    utimesSync(lock, 1_000_000_000, 1_000_000_000);
    expect(isLockStale(lock)).toBe(true);
  });
});

test("a program is found on PATH only where it may be run", () => {
  const program = join(folder, "redis-server");
  writeFileSync(program, "#!/bin/sh\n");
  chmodSync(program, 0o644);
  expect(findOnPath("redis-server", `/nowhere:${folder}`)).toBeUndefined();
  chmodSync(program, 0o755);
  expect(findOnPath("redis-server", `/nowhere:${folder}`)).toBe(program);
  expect(findOnPath("redis-server", undefined)).toBeUndefined();
});
