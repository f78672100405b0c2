// npm run day -- FILE [--out DIR] [--durability fsync|os] [--readers N]
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { runDay } from "./day.ts";
import { formatDay } from "./report.ts";

const EXIT_USAGE = 64;
const EXIT_NO_INPUT = 66;
const USAGE = "usage: npm run day -- FILE [--out DIR] [--durability fsync|os] [--readers N]";

interface Arguments {
  readonly file: string;
  readonly out: string | undefined;
  readonly durability: "fsync" | "os";
  readonly readers: number;
}

function readArguments(): Arguments {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: "string" },
      durability: { type: "string", default: "fsync" },
      readers: { type: "string", default: "0" },
    },
  });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) throw new TypeError(USAGE);
  const { durability, out } = values;
  if (durability !== "fsync" && durability !== "os") throw new TypeError(USAGE);
  const readers = Number(values.readers);
  if (!Number.isInteger(readers) || readers < 0) throw new TypeError(USAGE);
  return { file, out, durability, readers };
}

async function main(): Promise<void> {
  let found: Arguments;
  try {
    found = readArguments();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const { file, out, durability, readers } = found;
  if (!fs.existsSync(file)) {
    process.stderr.write(`${file} is not there\n`);
    process.exitCode = EXIT_NO_INPUT;
    return;
  }
  const directory = out ?? fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-day-"));
  fs.mkdirSync(directory, { recursive: true });
  if (fs.readdirSync(directory).length > 0) {
    process.stderr.write(`${directory} is not empty\n`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  try {
    const onProgress = (text: string) => process.stderr.write(`${text} …\n`);
    const report = await runDay({ file, directory, durability, readers, onProgress });
    process.stdout.write(formatDay(report));
    if (report.findings.length > 0) process.exitCode = 1;
  } finally {
    // A recording is its owner's: nothing made of it stays behind unless asked for.
    if (out === undefined) fs.rmSync(directory, { recursive: true, force: true });
    else process.stderr.write(`kept: ${directory}\n`);
  }
}

await main();
