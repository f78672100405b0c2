// npm run campaign:disk -- --count N --seed S [--engine]: N power losses; with the real engine, or with
// a stand-in for it that costs nothing.
import { parseArgs } from "node:util";
import { emptyCounts, LIVES_UNTIL_POWER_LOSS, runSeries } from "./disk-campaign.ts";
import { emptyEngineCounts, runEngineSeries } from "./engine-campaign.ts";

const EXIT_USAGE = 64;
const PROGRESS_MS = 10_000;

function main(): void {
  const { values } = parseArgs({
    options: {
      count: { type: "string", default: "20000" },
      seed: { type: "string", default: "1" },
      engine: { type: "boolean", default: false },
    },
  });
  const { count, seed: firstSeed, engine } = values;
  for (const [name, text] of Object.entries({ count, seed: firstSeed })) {
    if (/^\d{1,9}$/.test(text)) continue;
    process.stderr.write(`--${name} must be a whole number, not ${text}\n`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const wanted = Number(count);
  const plain = emptyCounts();
  const withEngine = emptyEngineCounts();
  const counts = engine ? withEngine : plain;
  const startMs = Date.now();
  let toldAtMs = startMs;
  let seed = Number(firstSeed);
  for (; counts.powerLosses < wanted; seed++) {
    if (engine) runEngineSeries(seed, LIVES_UNTIL_POWER_LOSS, withEngine);
    else runSeries(seed, LIVES_UNTIL_POWER_LOSS, plain, "power");
    if (Date.now() - toldAtMs < PROGRESS_MS) continue;
    toldAtMs = Date.now();
    const rate = Math.round((counts.powerLosses / (toldAtMs - startMs)) * 1000);
    process.stderr.write(
      `  ${counts.powerLosses} of ${wanted}, ${rate}/s, next seed ${seed + 1}\n`,
    );
  }
  const seconds = ((Date.now() - startMs) / 1000).toFixed(0);
  process.stdout.write(`power losses, seeds ${firstSeed} to ${seed - 1}, ${seconds} s\n`);
  for (const [name, count] of Object.entries(counts)) {
    process.stdout.write(`  ${name.padEnd(24)}${String(count).padStart(12)}\n`);
  }
  process.stdout.write("\nNothing acknowledged is lost, doubled or different.\n");
}

main();
