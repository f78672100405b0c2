// npm run campaign:feed -- [--cases 10000] [--seed 1]
import { parseArgs } from "node:util";
import { runCampaign } from "./campaign.ts";

const { values } = parseArgs({
  options: { cases: { type: "string", default: "10000" }, seed: { type: "string", default: "1" } },
});
const cases = Number(values.cases);
let told = 0;
const tally = runCampaign(cases, Number(values.seed), (progress) => {
  if (!process.stderr.isTTY || progress.cases - told < 100) return;
  told = progress.cases;
  process.stderr.write(`\r${progress.cases} of ${cases} cases`);
});
if (told > 0) process.stderr.write("\n");
console.log(JSON.stringify({ seed: Number(values.seed), ...tally }));
