// npm run campaign:kill -- --count 200 --seed 1 [--keep] [--dir DIR] [--minutes 60]
// --minutes: no further fault after so long; what has been done by then is examined as ever.
import fs from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import { makeDirectory, runCampaign } from "./campaign.ts";
import { formatReport } from "./report.ts";

const EXIT_USAGE = 64;

interface Arguments {
  readonly count: number;
  readonly seed: number;
  readonly mostMs: number;
  readonly keep: boolean;
  readonly parent: string;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      count: { type: "string", default: "10" },
      seed: { type: "string", default: "1" },
      minutes: { type: "string" },
      keep: { type: "boolean", default: false },
      dir: { type: "string", default: os.tmpdir() },
    },
  });
  const count = Number(values.count);
  const seed = Number(values.seed);
  if (!Number.isInteger(count) || count < 1) throw new TypeError("--count: an integer from 1");
  if (!Number.isInteger(seed) || seed < 0) throw new TypeError("--seed: an integer from 0");
  const minutes = Number(values.minutes ?? Number.POSITIVE_INFINITY);
  if (!(minutes > 0)) throw new TypeError("--minutes: more than 0");
  return { count, seed, mostMs: minutes * 60_000, keep: values.keep, parent: values.dir };
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
  const { count, seed, mostMs, keep, parent } = found;
  const directory = makeDirectory(parent);
  process.stderr.write(`${count} faults, seed ${seed}, in ${directory}\n`);
  let failed = true;
  try {
    const onProgress = (text: string) => process.stderr.write(`${text}\n`);
    const report = await runCampaign({ count, seed, mostMs, directory, onProgress });
    process.stdout.write(formatReport(report));
    failed = report.findings.length > 0;
  } finally {
    // What a failure is to be understood from stays.
    if (keep || failed) process.stderr.write(`kept: ${directory}\n`);
    else fs.rmSync(directory, { recursive: true, force: true });
    if (failed) process.exitCode = 1;
  }
}

await main();
