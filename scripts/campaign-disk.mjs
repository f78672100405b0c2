// @ts-check
// npm run campaign:disk -- --count N --seed S: the power-loss campaign at the length you like.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const EXIT_USAGE = 64;
const { values } = parseArgs({
  options: {
    count: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
  },
});
for (const [name, text] of Object.entries(values)) {
  if (!/^\d{1,9}$/.test(text)) {
    process.stderr.write(`--${name} must be a whole number, not ${text}\n`);
    process.exit(EXIT_USAGE);
  }
}
const run = spawnSync(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "test/simulation/disk-campaign.test.ts"],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      CROSSBOOK_CAMPAIGN_COUNT: values.count,
      CROSSBOOK_CAMPAIGN_SEED: values.seed,
    },
  },
);
process.exitCode = run.status ?? 1;
