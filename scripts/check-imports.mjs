// @ts-check
// Imports flow one way, and the deterministic core reads no clock. Biome finds cycles; the direction
// of each folder and the words the core may not use are checked here, on the text of the sources.

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * What a folder may import besides itself. The longest matching folder decides. Tests are not
 * listed: they may import everything.
 * @type {Record<string, readonly string[]>}
 */
const MAY_IMPORT = {
  protocol: [],
  engine: ["protocol"],
  replay: ["protocol", "engine"],
  gateway: ["protocol"],
  // The one place that wires the process together.
  "gateway/server": ["protocol", "engine", "replay", "gateway"],
  bench: ["protocol", "engine", "replay", "gateway", "gateway/server"],
};

/** `import()` and types only: a command line that offers benchmarks must not load them to serve. */
const MAY_LOAD_LATER = { "gateway/server": ["bench"] };

/** Replay rests on these: same commands in, same events out, wherever and whenever they run. */
const DETERMINISTIC = ["engine/book", "engine/matching", "engine/auctions", "engine/ledger"];
const NOT_DETERMINISTIC =
  /\bDate\b|\bperformance\b|\bMath\s*\.\s*random\b|\bhrtime\b|\bset(?:Timeout|Interval|Immediate)\b/g;

/** Here every order passes: no hashing of objects, no allocation, no big integers. */
const HOT = ["engine/book", "engine/matching"];
const NOT_HOT = /\b(?:Weak)?(?:Map|Set)\b|\b\w*Big(?:Int|Uint)\w*|\bbigint\b|\b\d[\d_]*n\b/g;

const IMPORT =
  /\b(?<kind>import|export)\b(?<names>[^"'`;()]*?)(?:\bfrom\b\s*)?(?<quote>["'])(?<target>[^"']+)\k<quote>/g;
const LATER = /\bimport\s*\(\s*(?<quote>["'`])(?<target>[^"'`]+)\k<quote>/g;
const WORKER = /\bnew\s+URL\s*\(\s*(?<quote>["'`])(?<target>\.[^"'`]+\.[mc]?[jt]s)\k<quote>/g;

/** @typedef {{ path: string, line: number, message: string }} Finding */

/**
 * @param {string} file path below the root, with forward slashes
 * @param {string} text
 * @returns {Finding[]} in the order of their lines
 */
export function checkSource(file, text) {
  const code = blank(text, { strings: false });
  const bare = blank(text, { strings: true });
  /** @type {Finding[]} */
  const findings = [];
  const report = (/** @type {number} */ index, /** @type {string} */ message) =>
    findings.push({ path: file, line: lineOf(text, index), message });

  for (const { index, target, later } of importsOf(code, bare)) {
    if (target.startsWith("node:") && isBelow(file, DETERMINISTIC)) {
      report(index, `${target} has no place in the deterministic core`);
    }
    if (!target.startsWith(".")) continue;
    const resolved = path.posix.join(path.posix.dirname(file), target);
    if (target.endsWith(".js") && !resolved.startsWith("dist/")) {
      report(index, `write ${target.replace(/js$/, "ts")}: sources are imported by their own name`);
    }
    const message = checkDirection(file, resolved.replace(/^dist\//, ""), later);
    if (message !== undefined) report(index, message);
  }
  if (isBelow(file, DETERMINISTIC)) {
    for (const match of bare.matchAll(NOT_DETERMINISTIC)) {
      report(match.index, `${match[0]} differs from run to run: replay would differ too`);
    }
  }
  if (isBelow(file, HOT)) {
    for (const match of bare.matchAll(NOT_HOT)) {
      report(match.index, `${match[0]} is too slow for the path of every order`);
    }
  }
  return findings.sort((a, b) => a.line - b.line);
}

/**
 * @param {string} from
 * @param {string} to
 * @param {boolean} later
 */
function checkDirection(from, to, later) {
  const source = roomOf(from);
  if (source === undefined) return undefined; // tests and tools
  const target = roomOf(to) ?? to.split("/")[0] ?? to;
  if (target === source || MAY_IMPORT[source]?.includes(target)) return undefined;
  const loadable = /** @type {Record<string, readonly string[]>} */ (MAY_LOAD_LATER)[source];
  if (later && loadable?.includes(target)) return undefined;
  return `${source} may not import ${target} (${to})`;
}

/** @param {string} file */
function roomOf(file) {
  return Object.keys(MAY_IMPORT)
    .filter((room) => isBelow(file, [room]))
    .sort((a, b) => b.length - a.length)[0];
}

/**
 * @param {string} file
 * @param {readonly string[]} folders
 */
function isBelow(file, folders) {
  return folders.some((folder) => file.startsWith(`${folder}/`));
}

/**
 * Places are found where the keyword is still there once strings are blanked: the word "import"
 * inside a string imports nothing.
 * @param {string} code without comments
 * @param {string} bare without comments and strings
 */
function* importsOf(code, bare) {
  for (const pattern of [IMPORT, LATER, WORKER]) {
    for (const match of code.matchAll(pattern)) {
      const target = match.groups?.target;
      if (target === undefined || bare[match.index] === " ") continue;
      // `export const name = "text"` is no import; only `export … from` is one.
      if (match.groups?.kind === "export" && !/\bfrom\s*["']/.test(match[0])) continue;
      // Types are gone when the program runs.
      const isType = /^\s*type\s+[{*\w]/.test(match.groups?.names ?? "");
      yield { index: match.index, target, later: pattern === LATER || isType };
    }
  }
}

/**
 * The text with comments (and, if asked, the insides of strings) replaced by spaces, so that
 * positions stay. Code inside a template's `${}` stays code.
 * @param {string} text
 * @param {{ strings: boolean }} what
 */
export function blank(text, { strings }) {
  const out = text.split("");
  /** @type {number[]} depth of open braces in each template we are inside of */
  const templates = [];
  const erase = (/** @type {number} */ from, /** @type {number} */ to) => {
    for (let i = from; i < to; i++) if (out[i] !== "\n") out[i] = " ";
  };
  let i = 0;
  let lastSolid = ""; // last character that was code: tells a regular expression from a division
  const templatePart = () => {
    const start = i;
    while (i < text.length && text[i] !== "`" && !(text[i] === "$" && text[i + 1] === "{")) {
      i += text[i] === "\\" ? 2 : 1;
    }
    if (strings) erase(start, i);
    if (text[i] === "$") {
      templates.push(0);
      i += 2;
    } else {
      i += 1;
    }
  };
  while (i < text.length) {
    const c = text[i] ?? "";
    const start = i;
    if (c === "/" && (text[i + 1] === "/" || text[i + 1] === "*")) {
      const end = text[i + 1] === "/" ? text.indexOf("\n", i) : text.indexOf("*/", i + 2) + 2;
      i = end <= 1 ? text.length : end;
      erase(start, i);
      continue;
    }
    if (c === '"' || c === "'") {
      i += 1;
      while (i < text.length && text[i] !== c && text[i] !== "\n") i += text[i] === "\\" ? 2 : 1;
      if (strings) erase(start + 1, i);
      i += 1;
    } else if (c === "`") {
      i += 1;
      templatePart();
    } else if (c === "/" && /[(,=:[!&|?{};+*~^<>%-]|^$/.test(lastSolid)) {
      let inClass = false;
      i += 1;
      while (i < text.length && text[i] !== "\n" && (inClass || text[i] !== "/")) {
        if (text[i] === "[") inClass = true;
        if (text[i] === "]") inClass = false;
        i += text[i] === "\\" ? 2 : 1;
      }
      erase(start + 1, i);
      i += 1;
    } else {
      const depth = templates.length - 1;
      i += 1;
      if (depth >= 0 && c === "{") templates[depth] = (templates[depth] ?? 0) + 1;
      if (depth >= 0 && c === "}") {
        if (templates[depth] === 0) {
          templates.pop();
          templatePart();
        } else {
          templates[depth] = (templates[depth] ?? 0) - 1;
        }
      }
    }
    if (c.trim() !== "") lastSolid = c;
  }
  return out.join("");
}

/**
 * @param {string} text
 * @param {number} index
 */
function lineOf(text, index) {
  return text.slice(0, index).split("\n").length;
}

/** @param {string} root */
function checkTree(root) {
  /** @type {Finding[]} */
  const findings = [];
  let fileCount = 0;
  for (const folder of Object.keys(MAY_IMPORT).filter((room) => !room.includes("/"))) {
    const start = path.join(root, folder);
    if (!fs.existsSync(start)) continue;
    for (const entry of fs.readdirSync(start, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
      const absolute = path.join(entry.parentPath, entry.name);
      const file = path.relative(root, absolute).split(path.sep).join("/");
      findings.push(...checkSource(file, fs.readFileSync(absolute, "utf8")));
      fileCount += 1;
    }
  }
  return { findings, fileCount };
}

if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  const { findings, fileCount } = checkTree(fileURLToPath(new URL("..", import.meta.url)));
  for (const { path: file, line, message } of findings) {
    process.stderr.write(`${file}:${line}: ${message}\n`);
  }
  if (findings.length > 0) process.exitCode = 1;
  else process.stdout.write(`Imports of ${fileCount} files flow one way.\n`);
}
