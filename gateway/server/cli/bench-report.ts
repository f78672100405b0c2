import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import type { BenchDocument } from "../../../bench/report/document.ts";
import { PACKAGE_ROOT } from "../../package-root.ts";
import { list, progress, wholePositive } from "./bench-options.ts";
import { EXIT_DATA, EXIT_NO_INPUT, EXIT_USAGE } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";

const load = {
  comparison: () => import("../../../bench/report/comparison.ts"),
  document: () => import("../../../bench/report/document.ts"),
  report: () => import("../../../bench/report/report.ts"),
};

/** Six pairs are the fewest that can give 95 %. */
const DEFAULT_RUNS = 6;

interface ReportOptions {
  out: string;
  compare: string[];
}

interface CompareOptions {
  runs: number;
  base?: string;
  against: string[];
  with: string[];
  save?: string;
  json: boolean;
}

/** `crossbook bench report` and `crossbook bench compare`. */
export function registerReports(bench: Command): void {
  bench
    .command("report")
    .description("one HTML page from what benches have printed with --json")
    .argument("<run...>", "files of one document a line")
    .requiredOption("--out <file>", "where the page goes")
    .option("--compare <file>", "an earlier run, shown beside this one; may be repeated", list, [])
    .action(async (files: string[], { out, compare }: ReportOptions) => {
      const { reportPage } = await load.report();
      const [documents, base] = [await readAll(files), await readAll(compare)];
      fs.writeFileSync(out, reportPage(documents, base));
      process.stdout.write(`${out}: ${documents.length} benches\n`);
    });
  bench
    .command("compare")
    .description("tell a real change from noise: two builds or two settings, in turns")
    .usage("[options] OLD.json NEW.json | [options] -- <bench> [its options]")
    .argument("<arguments...>", "two files of saved runs, or after -- a bench and its options")
    .option("--runs <number>", "of each side, in turns", wholePositive, DEFAULT_RUNS)
    .option("--base <directory>", "another checkout, built: the old side (default: this one)")
    .option("--against <option>", "a further option for the old side; may be repeated", list, [])
    .option("--with <option>", "a further option for the new side; may be repeated", list, [])
    .option("--save <file>", "keep the documents of the new side: one a line")
    .option("--json", "print the comparison as JSON, on one line", false)
    .action(async (args: string[], options: CompareOptions) => {
      const isSaved = args.length === 2 && args.every((name) => name.endsWith(".json"));
      const [old, current] = isSaved
        ? [await readAll(args.slice(0, 1)), await readAll(args.slice(1))]
        : await runInTurns(args, options);
      if (options.save !== undefined) {
        fs.writeFileSync(options.save, current.map((one) => `${JSON.stringify(one)}\n`).join(""));
      }
      await show(old, current, !isSaved, options.json);
    });
}

async function show(
  old: readonly BenchDocument[],
  current: readonly BenchDocument[],
  isPaired: boolean,
  json: boolean,
): Promise<void> {
  const { compareRuns, formatComparison } = await load.comparison();
  const bench = current[0]?.bench ?? "";
  if ([...old, ...current].some((one) => one.bench !== bench)) {
    throw new ExitError(EXIT_USAGE, "both sides must hold runs of one and the same bench");
  }
  const figures = compareRuns(old, current, isPaired);
  process.stdout.write(
    json
      ? `${JSON.stringify({ bench, isPaired, figures })}\n`
      : formatComparison(bench, figures, isPaired),
  );
}

/** Old and new change places from pair to pair: who is first may have the warmer or the quieter machine. */
async function runInTurns(
  args: readonly string[],
  options: CompareOptions,
): Promise<[BenchDocument[], BenchDocument[]]> {
  const oldRoot = path.resolve(options.base ?? PACKAGE_ROOT);
  if (options.base === undefined && options.against.length + options.with.length === 0) {
    throw new ExitError(EXIT_USAGE, "name a difference: --base, --against or --with");
  }
  const sides = {
    old: { root: oldRoot, args: [...args, ...options.against] },
    new: { root: PACKAGE_ROOT, args: [...args, ...options.with] },
  };
  const found: { old: BenchDocument[]; new: BenchDocument[] } = { old: [], new: [] };
  for (let n = 0; n < options.runs; n++) {
    const order = n % 2 === 0 ? (["old", "new"] as const) : (["new", "old"] as const);
    for (const side of order) {
      progress(`pair ${n + 1} of ${options.runs}, ${side}`);
      found[side].push(await runBench(sides[side].root, sides[side].args));
    }
  }
  return [found.old, found.new];
}

async function runBench(root: string, args: readonly string[]): Promise<BenchDocument> {
  const { readDocuments } = await load.document();
  const bin = path.join(root, "bin", "crossbook");
  if (!fs.existsSync(bin)) throw new ExitError(EXIT_NO_INPUT, `${bin} is not there`);
  const child = spawn(process.execPath, [bin, "bench", ...args, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout as Readable),
    text(child.stderr as Readable),
    once(child, "close"),
  ]);
  if (code !== 0) {
    throw new ExitError(EXIT_DATA, `bench ${args.join(" ")} ended with ${String(code)}: ${errors}`);
  }
  if (output.trim() === "") throw new ExitError(EXIT_DATA, `${bin} has printed nothing`);
  return readDocuments(output, bin)[0] as BenchDocument;
}

async function readAll(files: readonly string[]): Promise<BenchDocument[]> {
  const { readDocuments } = await load.document();
  return files.flatMap((file) => {
    let content: string;
    try {
      content = fs.readFileSync(file, "utf8");
    } catch (error) {
      throw new ExitError(EXIT_NO_INPUT, `cannot read ${file}: ${(error as Error).message}`);
    }
    try {
      return readDocuments(content, file);
    } catch (error) {
      throw new ExitError(EXIT_DATA, (error as Error).message);
    }
  });
}
