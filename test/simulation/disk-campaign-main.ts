// npm run campaign:disk -- --count N --seed S: N power losses.
import { parseArgs } from "node:util";
import { emptyCounts, LIVES_UNTIL_POWER_LOSS, runSeries } from "./disk-campaign.ts";

const EXIT_USAGE = 64;
const PROGRESS_MS = 10_000;

function main(): void {
  const { values } = parseArgs({
    options: {
      count: { type: "string", default: "20000" },
      seed: { type: "string", default: "1" },
    },
  });
  for (const [name, text] of Object.entries(values)) {
    if (/^\d{1,9}$/.test(text)) continue;
    process.stderr.write(`--${name} must be a whole number, not ${text}\n`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const wanted = Number(values.count);
  const counts = emptyCounts();
  const startMs = Date.now();
  let toldAtMs = startMs;
  let seed = Number(values.seed);
  for (; counts.powerLosses < wanted; seed++) {
    runSeries(seed, LIVES_UNTIL_POWER_LOSS, counts, "power");
    if (Date.now() - toldAtMs < PROGRESS_MS) continue;
    toldAtMs = Date.now();
    const rate = Math.round((counts.powerLosses / (toldAtMs - startMs)) * 1000);
    process.stderr.write(
      `  ${counts.powerLosses} of ${wanted}, ${rate}/s, next seed ${seed + 1}\n`,
    );
  }
  const seconds = ((Date.now() - startMs) / 1000).toFixed(0);
  process.stdout.write(`power losses, seeds ${values.seed} to ${seed - 1}, ${seconds} s\n`);
  for (const [name, count] of Object.entries(counts)) {
    process.stdout.write(`  ${name.padEnd(24)}${String(count).padStart(12)}\n`);
  }
  process.stdout.write("\nNothing acknowledged is lost, doubled or different.\n");
}

main();
