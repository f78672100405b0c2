// npm run campaign:damage -- [--shape one] [--ending crashed] [--kind cut] [--from N] [--every N]
//   [--shard I/N]
import { parseArgs } from "node:util";
import { DamageCampaign, type DamageCounts, emptyDamageCounts } from "./campaign.ts";
import { KINDS, type Kind } from "./cases.ts";
import { ENDINGS, SHAPES } from "./journals.ts";

const EXIT_USAGE = 64;
const PROGRESS_MS = 10_000;

interface Arguments {
  readonly shapes: readonly (typeof SHAPES)[number][];
  readonly endings: readonly (typeof ENDINGS)[number][];
  readonly kinds: readonly string[];
  /** Skips the cases before it, to take up a campaign of one kind again. */
  readonly from: number;
  readonly every: number;
  readonly shard: number;
  readonly shards: number;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      shape: { type: "string" },
      ending: { type: "string" },
      kind: { type: "string" },
      from: { type: "string", default: "0" },
      every: { type: "string", default: "1" },
      shard: { type: "string", default: "1/1" },
    },
  });
  const shard = /^(\d+)\/(\d+)$/.exec(values.shard)?.slice(1).map(Number);
  const [part = 0, parts = 0] = shard ?? [];
  if (part < 1 || part > parts) throw new TypeError("--shard: I/N, I from 1 to N");
  return {
    shapes: chosen("--shape", SHAPES, values.shape),
    endings: chosen("--ending", ENDINGS, values.ending),
    kinds: chosen("--kind", KINDS, values.kind),
    from: wholeNumber("--from", values.from, 0),
    every: wholeNumber("--every", values.every, 1),
    shard: part - 1,
    shards: parts,
  };
}

function chosen<Name extends string>(
  option: string,
  all: readonly Name[],
  text: string | undefined,
): readonly Name[] {
  if (text === undefined) return all;
  const found = all.find((name) => name === text);
  if (found === undefined) throw new TypeError(`${option}: one of ${all.join(", ")}`);
  return [found];
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new TypeError(`${option}: an integer from ${least}`);
}

/** Returns the counts; throws at the first case that goes wrong. */
function runKind(campaign: DamageCampaign, kind: Kind, options: Arguments): DamageCounts {
  const { from, every, shard, shards } = options;
  const counts = emptyDamageCounts();
  let toldAtMs = Date.now();
  for (let index = from + shard * every; index < kind.count; index += every * shards) {
    campaign.check(kind, index, counts);
    if ((counts.cases & 63) !== 0 || Date.now() - toldAtMs < PROGRESS_MS) continue;
    toldAtMs = Date.now();
    process.stderr.write(`  ${kind.name}: ${index} of ${kind.count}\n`);
  }
  return counts;
}

function main(): void {
  let options: Arguments;
  try {
    options = readArguments();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const startMs = Date.now();
  let total = 0;
  row("journal", "spoiled", ["of", "cases", "refused", "taken", "torn", "seconds"]);
  for (const shape of options.shapes) {
    for (const ending of options.endings) {
      const campaign = new DamageCampaign(shape, ending);
      for (const kind of campaign.kinds) {
        if (!options.kinds.includes(kind.name)) continue;
        const kindStartMs = Date.now();
        const { cases, refused, taken, torn } = runKind(campaign, kind, options);
        const seconds = ((Date.now() - kindStartMs) / 1000).toFixed(1);
        row(`${shape}, ${ending}`, kind.name, [kind.count, cases, refused, taken, torn, seconds]);
        total += cases;
      }
    }
  }
  const seconds = ((Date.now() - startMs) / 1000).toFixed(0);
  process.stdout.write(`\n${total} journals in ${seconds} s: each as the table says.\n`);
}

function row(journal: string, spoiled: string, cells: readonly (string | number)[]): void {
  const numbers = cells.map((cell) => String(cell).padStart(9)).join("");
  process.stdout.write(`${journal.padEnd(17)}${spoiled.padEnd(22)}${numbers}\n`);
}

main();
