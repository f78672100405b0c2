// npm run campaign:limits -- --rounds N --seed S [--workers W]: sessions that race for a limit.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { LimitsCampaign } from "./limits-campaign.ts";

const EXIT_USAGE = 64;
const PROGRESS_MS = 10_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "10000" },
      seed: { type: "string", default: "1" },
      workers: { type: "string", default: "2" },
    },
  });
  for (const [name, text] of Object.entries(values)) {
    if (/^\d{1,9}$/.test(text) && (name === "seed" || Number(text) > 0)) continue;
    process.stderr.write(`--${name} must be a whole number, not ${text}\n`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const rounds = Number(values.rounds);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-limits-"));
  const startMs = Date.now();
  let toldAtMs = startMs;
  try {
    const campaign = new LimitsCampaign(directory, Number(values.seed), Number(values.workers));
    const result = await campaign.run(rounds, (done) => {
      if (Date.now() - toldAtMs < PROGRESS_MS) return;
      toldAtMs = Date.now();
      process.stderr.write(`  ${done} of ${rounds} rounds\n`);
    });
    const seconds = ((Date.now() - startMs) / 1000).toFixed(0);
    process.stdout.write(
      `seed ${values.seed}, ${values.workers} risk workers, ${seconds} s\n${Object.entries(result)
        .map(([name, count]) => `  ${name.padEnd(12)}${String(count).padStart(12)}\n`)
        .join("")}\nNo limit was exceeded, no balance fell below zero, nothing was lost.\n`,
    );
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

await main();
