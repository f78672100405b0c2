import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { addCounts, type Counts, commandsIn, neverReached } from "./coverage.ts";
import type { ChallengerFactory } from "./duel.ts";
import { run } from "./run.ts";

/** Below this many commands a campaign may miss a feature by bad luck. */
export const COMMANDS_FOR_FULL_COVERAGE = 300_000;

export interface Progress {
  readonly seed: number;
  runs: number;
  commands: number;
  counts: Counts;
}

export interface CampaignOptions {
  readonly seed: number;
  /** Runs go on until that many commands are done. */
  readonly commands: number;
  /** Called after each run. */
  readonly onRun?: (progress: Progress) => void;
}

/** The seed of run `index` of a campaign. */
export function runSeed(seed: number, index: number): number {
  return seed * 1_000_000 + index;
}

/** Goes on from `progress`. Throws a FailedRun at the first difference. */
export function campaign(
  create: ChallengerFactory,
  options: CampaignOptions,
  progress: Progress = { seed: options.seed, runs: 0, commands: 0, counts: {} },
): Progress {
  while (progress.commands < options.commands) {
    const seed = runSeed(options.seed, progress.runs);
    const counts = run(create, seed);
    addCounts(progress.counts, counts);
    progress.runs++;
    progress.commands += commandsIn(counts);
    options.onRun?.(progress);
  }
  return progress;
}

/** Features that the campaign was long enough to reach and did not. */
export function missing(progress: Progress): string[] {
  if (progress.commands < COMMANDS_FOR_FULL_COVERAGE) return [];
  return neverReached(progress.counts);
}

/** The progress written there by an earlier campaign with this seed, if any. */
export function loadProgress(path: string, seed: number): Progress | undefined {
  if (!existsSync(path)) return undefined;
  const progress = JSON.parse(readFileSync(path, "utf8")) as Progress;
  return progress.seed === seed ? progress : undefined;
}

export function saveProgress(path: string, progress: Progress): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(progress, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}
