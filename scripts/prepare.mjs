// @ts-check
// Makes a fresh clone ready: dependencies, build, tools. `npm start` and `npm test` run it first, so
// it may import nothing that has to be installed. What is in order already costs some milliseconds.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The folders that the build takes its files from: tsconfig.build.json names these, or parts of them. */
export const SOURCE_FOLDERS = [
  "protocol",
  "engine",
  "gateway",
  "replay",
  "bench",
  "test/crash",
  "test/damage",
  "test/day",
  "test/disk",
  "test/engine/journal",
  "test/feed",
  "test/hostile",
  "test/processes",
  "test/protocol",
  "test/redis",
  "test/reference",
  "test/risk",
  "test/simulation",
];

const INSTALL_STAMP = "node_modules/.crossbook-install.json";
const BUILD_STAMP = "dist/.build-stamp";
const LOCK = ".prepare-lock";
const LOCK_WITHOUT_OWNER_MS = 10_000; // the owner's number is written right after the folder
const LOCK_WAIT_MS = 10 * 60_000;

/**
 * Programs of the system, as Debian's packages are called. Only a part of the project needs them, so
 * what cannot be had is said and the rest goes on.
 */
const REDIS = {
  program: "redis-server",
  without: "trades are not published to Redis, and the tests that need it fail",
};
const STRACE = {
  program: "strace",
  without: "the tests that make a disk fail, or watch what is asked of it, fail",
};

/**
 * What an installation was made from. The binaries of some packages fit one Node major on one
 * platform only, so both belong to it.
 * @typedef {{ lockfile: string, runtime: string }} InstallStamp
 * @typedef {{ packages: Record<string, { version?: string, integrity?: string, optional?: boolean }> }} Lockfile
 */

/**
 * @param {string} lockfileText
 * @param {{ versions: { node: string }, platform: string, arch: string }} runtime
 * @returns {InstallStamp}
 */
export function installStamp(lockfileText, runtime) {
  const nodeMajor = runtime.versions.node.split(".")[0];
  return {
    lockfile: createHash("sha256").update(lockfileText).digest("hex"),
    runtime: `node-${nodeMajor} ${runtime.platform}-${runtime.arch}`,
  };
}

/**
 * The stamp decides where it can. Where it is missing or tells of another lockfile, someone ran npm
 * by hand: then npm's own record of what it installed decides, which saves a second install.
 * @param {InstallStamp} expected
 * @param {InstallStamp | undefined} found
 * @param {Lockfile} wanted package-lock.json
 * @param {Lockfile | undefined} installed node_modules/.package-lock.json
 */
export function isInstallCurrent(expected, found, wanted, installed) {
  if (installed === undefined) return false;
  if (found !== undefined && found.runtime !== expected.runtime) return false;
  if (found !== undefined && found.lockfile === expected.lockfile) return true;
  return Object.entries(wanted.packages).every(([location, entry]) => {
    if (location === "") return true; // the project itself
    const present = installed.packages[location];
    // npm leaves out an optional package that does not fit this machine.
    if (present === undefined) return entry.optional === true;
    return present.version === entry.version && present.integrity === entry.integrity;
  });
}

/**
 * Contents, not times: a checkout of another branch makes files look newer or older than they are.
 * @param {Iterable<readonly [name: string, content: string | Uint8Array]>} files
 */
export function hashFiles(files) {
  const hash = createHash("sha256");
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, content] of sorted) {
    // Lengths keep a byte from moving between a name, a content and the next name unnoticed.
    hash.update(`${name.length}:${name}:${content.length}:`).update(content);
  }
  return hash.digest("hex");
}

/** @param {string} root */
export function buildHash(root) {
  const names = ["tsconfig.json", "tsconfig.build.json", "package-lock.json"];
  for (const folder of SOURCE_FOLDERS) {
    names.push(...filesUnder(root, folder).filter((name) => name.endsWith(".ts")));
  }
  return hashFiles(names.map((name) => [name, fs.readFileSync(path.join(root, name))]));
}

/** @param {string} root */
export function isBuildCurrent(root) {
  return readText(path.join(root, BUILD_STAMP)) === buildHash(root);
}

/**
 * Compiled files whose source is gone. The compiler leaves them, and a worker started by its old
 * name would then work here and nowhere else.
 * @param {string[]} outputs paths below dist
 * @param {(source: string) => boolean} sourceExists
 */
export function orphanedOutputs(outputs, sourceExists) {
  return outputs.filter((output) => {
    const source = output.replace(/\.js(\.map)?$/, ".ts");
    return source !== output && !sourceExists(source);
  });
}

/**
 * Holds a folder as a lock while `work` runs, since two npm commands may start at once.
 * @template T
 * @param {string} lockPath
 * @param {() => T} work
 * @returns {T}
 */
export function withLock(lockPath, work) {
  takeLock(lockPath);
  try {
    return work();
  } finally {
    fs.rmSync(lockPath, { recursive: true, force: true });
  }
}

/** @param {string} lockPath */
function takeLock(lockPath) {
  const deadlineMs = Date.now() + LOCK_WAIT_MS;
  let announced = false;
  for (;;) {
    try {
      fs.mkdirSync(lockPath);
      fs.writeFileSync(path.join(lockPath, "owner"), String(process.pid));
      return;
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
    if (isLockStale(lockPath)) {
      // A rename succeeds for one process only, so two cannot both clear the way.
      const aside = `${lockPath}-${process.pid}`;
      try {
        fs.renameSync(lockPath, aside);
        fs.rmSync(aside, { recursive: true, force: true });
      } catch (error) {
        if (errorCode(error) !== "ENOENT") throw error;
      }
      continue;
    }
    if (Date.now() > deadlineMs) {
      throw new Error(`${lockPath} has been held for too long: remove it if nothing is running.`);
    }
    if (!announced) say("Waiting for another npm command to finish its preparations …");
    announced = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

/** @param {string} lockPath */
export function isLockStale(lockPath) {
  const owner = readText(path.join(lockPath, "owner"));
  if (owner) return !isAlive(Number(owner));
  const stat = fs.statSync(lockPath, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > LOCK_WITHOUT_OWNER_MS;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM"; // alive, but someone else's
  }
}

/**
 * @param {string} program
 * @param {string | undefined} searchPath
 */
export function findOnPath(program, searchPath) {
  for (const folder of (searchPath ?? "").split(path.delimiter)) {
    const candidate = path.join(folder, program);
    try {
      fs.accessSync(candidate, fs.constants.X_OK);
      if (folder !== "" && fs.statSync(candidate).isFile()) return candidate;
    } catch {
      // Not here: the next folder.
    }
  }
  return undefined;
}

/** @param {string} root */
function prepareDependencies(root) {
  const lockfileText = fs.readFileSync(path.join(root, "package-lock.json"), "utf8");
  const expected = installStamp(lockfileText, process);
  const stampPath = path.join(root, INSTALL_STAMP);
  const found = readJson(stampPath);
  const installed = readJson(path.join(root, "node_modules/.package-lock.json"));
  if (!isInstallCurrent(expected, found, JSON.parse(lockfileText), installed)) {
    say("Installing dependencies (npm ci) …");
    // No package of ours needs an install script, so none gets to run. The compiler is a dev
    // dependency, hence --include=dev even where NODE_ENV says production.
    npm(root, ["ci", "--include=dev", "--ignore-scripts", "--no-progress", "--loglevel=error"]);
  }
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    fs.writeFileSync(stampPath, JSON.stringify(expected));
  }
}

/** @param {string} root */
function prepareBuild(root) {
  const hash = buildHash(root);
  if (readText(path.join(root, BUILD_STAMP)) === hash) return;
  say("Building …");
  fs.rmSync(path.join(root, BUILD_STAMP), { force: true });
  npm(root, ["run", "--silent", "build"]);
  const dist = path.join(root, "dist");
  const exists = (/** @type {string} */ source) => fs.existsSync(path.join(root, source));
  for (const orphan of orphanedOutputs(filesUnder(dist, "."), exists)) {
    fs.rmSync(path.join(dist, orphan), { force: true });
  }
  fs.mkdirSync(dist, { recursive: true });
  fs.writeFileSync(path.join(root, BUILD_STAMP), hash);
}

function prepareTools() {
  // What only tests need is no business of someone who starts a server.
  const isForTests = /^pre(test|trace)/.test(process.env.npm_lifecycle_event ?? "");
  for (const { program, without } of isForTests ? [REDIS, STRACE] : [REDIS]) {
    const isThere = () => findOnPath(program, process.env.PATH) !== undefined;
    if (isThere() || (install(program) && isThere())) continue;
    say(`${program} is not available (not on PATH, and it could not be installed): ${without}.`);
  }
}

/**
 * Debian and its children only; elsewhere the machine's owner knows better than we do.
 * @param {string} name of a package
 */
function install(name) {
  if (process.env.CROSSBOOK_NO_APT || !fs.existsSync("/etc/debian_version")) return false;
  if (findOnPath("apt-get", process.env.PATH) === undefined) return false;
  const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  if (asRoot.length > 0 && !succeeds([...asRoot, "true"])) return false;

  say(`Installing ${name} (apt-get; CROSSBOOK_NO_APT=1 leaves it out) …`);
  // Debian starts a service as soon as it is installed, unless this file forbids it. We only want
  // the program: the server and the tests start their own on a port of their own.
  const policy = "/usr/sbin/policy-rc.d";
  const forbid = `[ -e ${policy} ] && exit 3; printf '#!/bin/sh\\nexit 101\\n' > ${policy} && chmod 755 ${policy}`;
  const forbidden = succeeds([...asRoot, "sh", "-c", forbid]);
  try {
    const aptGet = [...asRoot, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"];
    const patience = ["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::http::Timeout=20"];
    const installing = [...aptGet, ...patience, "install", "-y", "--no-install-recommends", name];
    if (succeeds(installing)) return true;
    // A fresh machine has no package lists yet.
    return succeeds([...aptGet, ...patience, "update"]) && succeeds(installing);
  } finally {
    if (forbidden) succeeds([...asRoot, "rm", "-f", policy]);
  }
}

/** @param {string[]} command */
function succeeds([program = "", ...args]) {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

/**
 * @param {string} root
 * @param {string[]} args
 */
function npm(root, args) {
  // Inside an npm command, the same npm; called by hand, the one on PATH.
  const execPath = process.env.npm_execpath;
  const [program, first] = execPath ? [process.execPath, [execPath]] : ["npm", []];
  const { status, error } = spawnSync(program, [...first, ...args], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`npm ${args[0]} failed.`);
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {string[]} paths below root, with forward slashes
 */
function filesUnder(root, folder) {
  const start = path.join(root, folder);
  if (!fs.existsSync(start)) return [];
  return fs
    .readdirSync(start, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .map((name) => name.split(path.sep).join("/"));
}

/** @param {string} file */
function readText(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** @param {string} file */
function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return undefined; // missing or half-written: as good as not there
  }
}

/** @param {unknown} error */
function errorCode(error) {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** @param {string} line */
function say(line) {
  process.stderr.write(`${line}\n`);
}

function main() {
  const root = fileURLToPath(new URL("..", import.meta.url));
  withLock(path.join(root, LOCK), () => {
    prepareDependencies(root);
    prepareBuild(root);
    prepareTools();
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  try {
    main();
  } catch (error) {
    say(`Cannot get ready: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
