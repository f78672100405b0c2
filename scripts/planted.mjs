// @ts-check
// npm run planted [-- NAME …] [--write]: puts known bugs into a copy of the sources, one at a time, and
// runs the tests that should see them. A bug that no test sees is a failure. --write: brings
// docs/planted-bugs.md up to date.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

export const PATCHES = "test/planted";
export const TABLE = "docs/planted-bugs.md";
const TABLE_START = "| bug | in | seen by |\n|---|---|---|\n";
/** What the tests of the journal need. */
const COPIED = ["protocol", "engine", "gateway", "replay", "bench", "test", "scripts", "bin"];
const COPIED_FILES = [
  "package.json",
  "package-lock.json",
  "vitest.config.ts",
  "tsconfig.json",
  "tsconfig.build.json",
];
const LINKED = ["node_modules", "dist"];
const EXIT_USAGE = 64;

/**
 * @typedef {{ file: string, before: string[], after: string[] }} Hunk
 * @typedef {{ name: string, bug: string, tests: string[], hunks: Hunk[] }} Plant
 * @typedef {{ failed: string[], passed: number, seconds: number, output: string }} Outcome
 */

/**
 * A patch: lines `Bug:` and `Test:`, then a unified diff.
 * @param {string} name
 * @param {string} text
 * @returns {Plant}
 */
export function parsePlant(name, text) {
  const lines = text.split("\n");
  const value = (/** @type {string} */ key) =>
    lines.filter((line) => line.startsWith(`${key}: `)).map((line) => line.slice(key.length + 2));
  const [bug = ""] = value("Bug");
  /** @type {Hunk[]} */
  const hunks = [];
  let file = "";
  for (const line of lines) {
    if (line.startsWith("+++ b/")) file = line.slice("+++ b/".length);
    else if (line.startsWith("@@")) hunks.push({ file, before: [], after: [] });
    const hunk = hunks.at(-1);
    if (hunk === undefined || line.startsWith("---") || line.startsWith("+++")) continue;
    const rest = line.slice(1);
    if (line.startsWith(" ") || line.startsWith("-")) hunk.before.push(rest);
    if (line.startsWith(" ") || line.startsWith("+")) hunk.after.push(rest);
  }
  return { name, bug, tests: value("Test"), hunks };
}

/** @param {string} root */
export function readPlants(root) {
  return fs
    .readdirSync(path.join(root, PATCHES))
    .filter((file) => file.endsWith(".patch"))
    .sort()
    .map((file) => {
      const text = fs.readFileSync(path.join(root, PATCHES, file), "utf8");
      return parsePlant(path.basename(file, ".patch"), text);
    });
}

/**
 * The files as the bug leaves them. A hunk goes where its lines stand, wherever that is by now, but
 * there must be exactly one such place.
 * @param {Plant} plant
 * @param {(file: string) => string} read
 * @returns {Map<string, string>}
 */
export function applyPlant(plant, read) {
  /** @type {Map<string, string>} */
  const changed = new Map();
  for (const { file, before, after } of plant.hunks) {
    const text = `\n${changed.get(file) ?? read(file)}`;
    const from = `\n${before.join("\n")}\n`;
    // Two places may share the line break between them, so the second may begin within the first.
    const places = [text.indexOf(from), text.lastIndexOf(from)];
    if (places[0] === -1 || places[0] !== places[1]) {
      throw new Error(`${plant.name}: not one place in ${file} for\n${before.join("\n")}`);
    }
    // A function, since the text may hold what a replacement string gives a meaning to.
    changed.set(file, text.replace(from, () => `\n${after.join("\n")}\n`).slice(1));
  }
  return changed;
}

/**
 * The rows of the table, without what has to be run to be known.
 * @param {Plant} plant
 */
export function rowStart(plant) {
  const files = [...new Set(plant.hunks.map(({ file }) => path.basename(file)))];
  return `| ${plant.bug} | ${files.join(", ")} |`;
}

/** @param {string} root */
function makeCopy(root) {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-planted-"));
  for (const folder of COPIED) {
    fs.cpSync(path.join(root, folder), path.join(copy, folder), { recursive: true });
  }
  for (const file of COPIED_FILES) fs.copyFileSync(path.join(root, file), path.join(copy, file));
  for (const name of LINKED) fs.symlinkSync(path.join(root, name), path.join(copy, name), "dir");
  return copy;
}

/**
 * @param {string} copy
 * @param {readonly string[]} tests
 * @param {number} bail stop after so many failures; 0: never
 * @returns {Outcome}
 */
function runTests(copy, tests, bail) {
  const report = path.join(copy, "report.json");
  fs.rmSync(report, { force: true });
  const start = Date.now();
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      "node_modules/vitest/vitest.mjs",
      "run",
      ...tests,
      `--bail=${bail}`,
      "--reporter=json",
      `--outputFile=${report}`,
    ],
    { cwd: copy, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
  );
  /** @type {{ testResults: { name: string, message: string, assertionResults: { status: string, fullName: string }[] }[] }} */
  const result = fs.existsSync(report)
    ? JSON.parse(fs.readFileSync(report, "utf8"))
    : { testResults: [] };
  const failed = [];
  let passed = 0;
  let output = `${stdout}${stderr}`;
  for (const { name, message, assertionResults } of result.testResults) {
    output += message;
    for (const { status, fullName } of assertionResults) {
      if (status === "passed") passed++;
      if (status === "failed") failed.push(`${path.basename(name)}: ${fullName.trim()}`);
    }
  }
  return { failed, passed, seconds: (Date.now() - start) / 1000, output };
}

/**
 * @param {string} copy
 * @param {Plant} plant
 */
function tryPlant(copy, plant) {
  const read = (/** @type {string} */ file) => fs.readFileSync(path.join(copy, file), "utf8");
  const changed = applyPlant(plant, read);
  const before = new Map([...changed.keys()].map((file) => [file, read(file)]));
  for (const [file, text] of changed) fs.writeFileSync(path.join(copy, file), text);
  try {
    return runTests(copy, plant.tests, 1);
  } finally {
    for (const [file, text] of before) fs.writeFileSync(path.join(copy, file), text);
  }
}

/**
 * @param {string} root
 * @param {Map<string, string>} rows
 */
function writeTable(root, rows) {
  const file = path.join(root, TABLE);
  const text = fs.readFileSync(file, "utf8");
  const start = text.indexOf(TABLE_START) + TABLE_START.length;
  const rest = text.slice(start).replace(/^(?:\|.*\n)*/, "");
  const table = [...rows.values()].map((row) => `${row}\n`).join("");
  fs.writeFileSync(file, `${text.slice(0, start)}${table}${rest}`);
}

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line}\n`);
}

function main() {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { write: { type: "boolean", default: false } },
  });
  const all = readPlants(root);
  const plants = all.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (plants.length === 0 || (values.write && plants.length !== all.length)) {
    process.stderr.write(`usage: npm run planted -- [--write] or names of ${PATCHES}\n`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const copy = makeCopy(root);
  try {
    const tests = [...new Set(plants.flatMap((plant) => plant.tests))];
    const sound = runTests(copy, tests, 0);
    if (sound.failed.length > 0 || sound.passed === 0) {
      process.stderr.write(`${sound.output}\n`);
      throw new Error(`the tests do not pass as it is: ${sound.failed.join("; ")}`);
    }
    say(`as it is: ${sound.passed} tests pass, ${sound.seconds.toFixed(0)} s\n`);
    /** @type {Map<string, string>} */
    const rows = new Map();
    const unseen = [];
    for (const plant of plants) {
      const { failed, seconds, output } = tryPlant(copy, plant);
      const [seenBy] = failed;
      if (seenBy === undefined) unseen.push(plant.name);
      rows.set(plant.name, `${rowStart(plant)} ${seenBy ?? "**no test**"} |`);
      say(`${seenBy === undefined ? "NOT SEEN" : "seen    "} ${plant.name}: ${plant.bug}`);
      say(`         ${seenBy ?? output.slice(-2000)} (${seconds.toFixed(1)} s)`);
    }
    say(`\n${plants.length} bugs, ${plants.length - unseen.length} seen`);
    if (unseen.length > 0) {
      say(`not seen: ${unseen.join(", ")}`);
      process.exitCode = 1;
    } else if (values.write) writeTable(root, rows);
  } finally {
    fs.rmSync(copy, { recursive: true, force: true });
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  main();
}
