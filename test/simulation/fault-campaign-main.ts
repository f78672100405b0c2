// npm run campaign:faults -- --calls N --seed S [--from CALL] [--every N]: each of the first N file
// calls goes wrong in each way.
import { parseArgs } from "node:util";
import { emptyFaultCounts, FAULT_CODES, FaultCampaign } from "./fault-campaign.ts";

const EXIT_USAGE = 64;
const PROGRESS_MS = 10_000;

function main(): void {
  const { values } = parseArgs({
    options: {
      calls: { type: "string", default: "10000" },
      seed: { type: "string", default: "1" },
      from: { type: "string", default: "1" },
      every: { type: "string", default: "1" },
    },
  });
  for (const [name, text] of Object.entries(values)) {
    if (/^[1-9]\d{0,8}$/.test(text)) continue;
    process.stderr.write(`--${name} must be a whole number from 1, not ${text}\n`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const calls = Number(values.calls);
  const every = Number(values.every);
  const campaign = new FaultCampaign(Number(values.seed), calls);
  const counts = emptyFaultCounts();
  const startMs = Date.now();
  let toldAtMs = startMs;
  for (let call = Number(values.from); call <= calls; call += every) {
    for (const code of FAULT_CODES) campaign.check(call, code, counts);
    if (Date.now() - toldAtMs < PROGRESS_MS) continue;
    toldAtMs = Date.now();
    const rate = Math.round((counts.cases / (toldAtMs - startMs)) * 1000);
    process.stderr.write(`  call ${call} of ${calls}, ${rate} cases/s\n`);
  }
  const seconds = ((Date.now() - startMs) / 1000).toFixed(0);
  process.stdout.write(`faults in the first ${calls} file calls, ${seconds} s\n`);
  for (const name of [
    "cases",
    "stopped",
    "stoppedAgain",
    "looks",
    "unacknowledgedFound",
  ] as const) {
    line(name, counts[name]);
  }
  table("first faults, by what they hit", counts.fired);
  table("second faults, in recovery", counts.firedAgain);
  process.stdout.write("\nNothing acknowledged is lost, doubled or different.\n");
}

function table(title: string, fired: ReadonlyMap<string, number>): void {
  process.stdout.write(`${title}\n`);
  for (const [name, count] of [...fired].sort()) line(name, count);
}

function line(name: string, count: number): void {
  process.stdout.write(`  ${name.padEnd(32)}${String(count).padStart(12)}\n`);
}

main();
