import fs from "node:fs";
import cliProgress from "cli-progress";
import type { Command } from "commander";
import { onProgress } from "./bench-options.ts";
import { documents } from "./bench-output.ts";
import { EXIT_DATA } from "./exit-codes.ts";

const load = {
  document: () => import("../../../bench/report/document.ts"),
  report: () => import("../../../bench/report/report.ts"),
};

interface AllOptions {
  quick: boolean;
  report?: string;
  compare?: string;
  save?: string;
  json: boolean;
  directory?: string;
}

/** A bench of the whole, and about how long it takes. */
interface Step {
  readonly args: readonly string[];
  readonly seconds: number;
}

/** Of each latency figure in a full run. */
const FULL_SECONDS = 60;
const QUICK_SECONDS = 3;
const WARM_UP_SECONDS = 3;
/** A bench with a server: start, stop, and what it says in between. */
const AROUND_SECONDS = 4;
const SHOW_EVERY_MS = 500;

/** `crossbook bench all`, which `npm run bench` runs. */
export function registerAll(bench: Command): void {
  bench
    .command("all")
    .description("everything, one after the other: about an hour, or 6 minutes with --quick")
    .option("--quick", "short runs: to see that everything works, not for figures", false)
    .option("--report <file>", "an HTML page of all of it")
    .option("--compare <file>", "with --report: an earlier run, shown beside this one")
    .option("--save <file>", "keep the documents: one a line")
    .option("--directory <path>", "where files go for the time being: the disk to measure")
    .option("--json", "print the documents, one a line", false)
    .action(async (options: AllOptions) => {
      const { quick, json, directory } = options;
      const common = [
        ...(json ? ["--json"] : []),
        ...(directory === undefined ? [] : ["--directory", directory]),
      ];
      const steps = quick ? stepsOf(QUICK_SECONDS, true) : stepsOf(FULL_SECONDS, false);
      const shown = new AllProgress(steps);
      documents.length = 0;
      try {
        for (const { args } of steps) {
          shown.next(args);
          const extra =
            args[0] === "micro" || args[0] === "engine" ? common.slice(0, json ? 1 : 0) : common;
          try {
            await bench.parseAsync([...args, ...extra], { from: "user" });
          } catch (error) {
            // The others are worth having all the same.
            process.stderr.write(`bench ${args.join(" ")}: ${(error as Error).message}\n`);
            process.exitCode = EXIT_DATA;
          }
          if (!json) process.stdout.write("\n");
          if (options.save !== undefined) save(options.save);
        }
      } finally {
        shown.stop();
      }
      if (options.report !== undefined) await writeReport(options.report, options.compare);
    });
}

function stepsOf(seconds: number, quick: boolean): Step[] {
  const each = seconds + WARM_UP_SECONDS + AROUND_SECONDS;
  const latency = (...args: string[]): Step => ({
    args: ["latency", "--seconds", String(seconds), ...args],
    seconds: 4 * each,
  });
  const pipelineRuns = quick ? 1 : 5;
  const rateSeconds = quick ? 2 : 15;
  const ratePoints = quick ? 6 : 36;
  const search = quick ? ["--factor", "3"] : ["--factor", "1.6", "--search"];
  const clients = quick ? "10" : "1,10,100";
  return [
    { args: ["micro", "--milliseconds", quick ? "50" : "500"], seconds: quick ? 8 : 60 },
    { args: ["engine", "--runs", quick ? "1" : "5"], seconds: quick ? 15 : 60 },
    {
      args: ["pipeline", "--seconds", String(seconds), "--runs", String(pipelineRuns)],
      seconds: (2 * pipelineRuns + 2) * each,
    },
    latency("--durability", "os"),
    latency("--durability", "fsync"),
    latency("--durability", "none"),
    latency("--durability", "fsync", "--connections", "10"),
    latency("--durability", "fsync", "--connections", "100"),
    latency("--durability", "fsync", "--encoding", "json"),
    latency("--durability", "fsync", "--schedule", "bursts"),
    {
      args: [
        ...["throughput", "--seconds", String(rateSeconds), "--connections", clients],
        ...["--encoding", quick ? "binary" : "binary,json", ...search],
      ],
      seconds: ratePoints * (rateSeconds + WARM_UP_SECONDS + AROUND_SECONDS),
    },
    {
      args: [
        "fanout",
        "--seconds",
        String(quick ? 2 : 10),
        "--subscribers",
        quick ? "10" : "1,10,100,1000",
      ],
      seconds: quick ? 30 : 150,
    },
    { args: ["journal", "--seconds", String(quick ? 3 : 20)], seconds: quick ? 8 : 30 },
    {
      args: ["replay", "--commands", quick ? "100000" : "2000000", "--runs", quick ? "1" : "3"],
      seconds: quick ? 8 : 60,
    },
    {
      args: ["restart", "--commands", quick ? "100000" : "1000000", "--runs", quick ? "1" : "3"],
      seconds: quick ? 10 : 60,
    },
    { args: ["idle", "--seconds", String(quick ? 3 : 60)], seconds: quick ? 12 : 70 },
  ];
}

/** One bar for all of it, by time; nothing where standard error is no terminal. */
class AllProgress {
  readonly #steps: readonly Step[];
  readonly #total: number;
  readonly #bar: cliProgress.SingleBar | null;
  readonly #timer: NodeJS.Timeout | null;
  #done = 0; // steps begun
  #before = 0; // seconds of those that are over
  #startedMs = 0;
  #what = "";

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
    this.#total = steps.reduce((sum, { seconds }) => sum + seconds, 0);
    if (process.stderr.isTTY !== true) {
      this.#bar = null;
      this.#timer = null;
      return;
    }
    this.#bar = new cliProgress.SingleBar({
      format: "[{bar}] {percentage} % · {step} of {steps} · {what}",
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: false, // an interrupt would leave it hidden
    });
    this.#bar.start(this.#total, 0, { step: 0, steps: steps.length, what: "" });
    this.#timer = setInterval(() => this.#show(), SHOW_EVERY_MS);
    onProgress((what) => {
      this.#what = what;
    });
  }

  next(args: readonly string[]): void {
    if (this.#done > 0) this.#before += this.#steps[this.#done - 1]?.seconds ?? 0;
    this.#done++;
    this.#startedMs = performance.now();
    this.#what = args.join(" ");
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#bar?.stop();
    onProgress(null);
  }

  #show(): void {
    const most = this.#steps[this.#done - 1]?.seconds ?? 0;
    const since = Math.min(most, (performance.now() - this.#startedMs) / 1000);
    const what = this.#what.slice(0, 60);
    const value = Math.min(this.#total, this.#before + since);
    this.#bar?.update(value, { step: this.#done, steps: this.#steps.length, what });
  }
}

function save(file: string): void {
  fs.writeFileSync(file, documents.map((one) => `${JSON.stringify(one)}\n`).join(""));
}

async function writeReport(file: string, compare: string | undefined): Promise<void> {
  const { reportPage } = await load.report();
  const { readDocuments } = await load.document();
  const base =
    compare === undefined ? [] : readDocuments(fs.readFileSync(compare, "utf8"), compare);
  fs.writeFileSync(file, reportPage(documents, base));
}
