// npm run campaign:redis -- --faults 500 --seed 1 [--kind TEXT] [--keep] [--dir DIR]
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { FAULT_KINDS, runCampaign } from "./campaign.ts";
import { formatReport } from "./report.ts";

const EXIT_USAGE = 64;

function usage(text: string): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = EXIT_USAGE;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      faults: { type: "string", default: "40" },
      seed: { type: "string", default: "1" },
      kind: { type: "string", default: "" },
      keep: { type: "boolean", default: false },
      dir: { type: "string", default: os.tmpdir() },
    },
  });
  const faults = Number(values.faults);
  const seed = Number(values.seed);
  if (!Number.isInteger(faults) || faults < 1) return usage("--faults: an integer from 1");
  if (!Number.isInteger(seed) || seed < 0) return usage("--seed: an integer from 0");
  const kinds = FAULT_KINDS.filter(({ name }) => name.includes(values.kind));
  if (kinds.length === 0) {
    return usage(
      `--kind: part of one of\n${FAULT_KINDS.map(({ name }) => `  ${name}`).join("\n")}`,
    );
  }
  const directory = fs.mkdtempSync(path.join(values.dir, "crossbook-redis-campaign-"));
  process.stderr.write(`${faults} faults, seed ${seed}, in ${directory}\n`);
  const onProgress = (text: string) => process.stderr.write(`${text}\n`);
  const report = await runCampaign({ faults, seed, directory, kinds, onProgress });
  process.stdout.write(formatReport(report));
  const failed = report.findings.length > 0;
  // What a failure is to be understood from stays.
  if (values.keep || failed) process.stderr.write(`kept: ${directory}\n`);
  else fs.rmSync(directory, { recursive: true, force: true });
  if (failed) process.exitCode = 1;
}

await main();
