import { describeMachine, type Machine } from "../machine.ts";
import type { PeerResult } from "../peers/nodejs-order-book.ts";
import { runProcess } from "../processes.ts";
import type { BareRun } from "../yardsticks/bare-book.ts";
import type { EngineRun, EngineRunOptions } from "./engine.ts";

export interface EngineBenchOptions extends Omit<EngineRunOptions, "verify" | "engine"> {
  readonly runs: number;
  /** A module with another bare book for b32 streams (class Oracle); null: our own. */
  readonly simulator: string | null;
  /** Seconds for nodejs-order-book on the same b32 stream; 0: leave it out. */
  readonly peerSeconds: number;
}

export interface EngineBenchResult {
  readonly bench: "engine";
  readonly machine: Machine;
  readonly options: EngineBenchOptions;
  /** Each in a fresh process. */
  readonly runs: readonly EngineRun[];
  readonly medianPerSecond: number;
  readonly isRight: boolean | null;
  /** Over all events: the same commands through `run --journal` leave the same. */
  readonly eventHash: string;
  /** The bare book on the same b32 stream, before each of the runs. */
  readonly bare: BareComparison | null;
  readonly peer: PeerResult | null;
  /** An engine that matches nothing, after each of the runs; null with drain. */
  readonly empty: EmptyComparison | null;
}

export interface EmptyComparison {
  readonly runs: readonly EngineRun[];
  readonly medianPerSecond: number;
  /** Median over the pairs of the engine's time for a command to the empty one's. */
  readonly medianTimeRatio: number;
}

export interface BareComparison {
  readonly runs: readonly BareRun[];
  readonly medianPerSecond: number;
  /** Median over the pairs of the engine's rate to the bare book's. */
  readonly medianRatio: number;
  readonly differences: readonly string[];
}

/** The engine alone: how many commands a second it matches. */
export async function runEngineBench(
  options: EngineBenchOptions,
  onStep: (what: string) => void,
): Promise<EngineBenchResult> {
  const { runs: count, peerSeconds, simulator, ...run } = options;
  const file = run.workload?.format === "b32" && !run.drain ? run.workload.file : null;
  onStep("outcome");
  const { isRight, eventHash } = await runProcess<EngineRun>("bench/engine/engine.process.js", {
    ...run,
    engine: "real",
    verify: true,
  });
  const runs: EngineRun[] = [];
  const empty: EngineRun[] = [];
  const bare: BareRun[] = [];
  for (let n = 1; n <= count; n++) {
    onStep(`run ${n} of ${count}`);
    if (file !== null) {
      const input = { file, warmUp: run.warmUp, simulator };
      bare.push(await runProcess<BareRun>("bench/yardsticks/bare-book.process.js", input));
    }
    const input = { ...run, engine: "real", verify: false };
    runs.push(await runProcess<EngineRun>("bench/engine/engine.process.js", input));
    if (run.drain) continue;
    const emptyInput = { ...input, engine: "empty" };
    empty.push(await runProcess<EngineRun>("bench/engine/engine.process.js", emptyInput));
  }
  let peer: PeerResult | null = null;
  if (peerSeconds > 0 && run.workload?.format === "b32") {
    onStep("nodejs-order-book");
    const input = { file: run.workload.file, limitSeconds: peerSeconds };
    peer = await runProcess<PeerResult>("bench/peers/nodejs-order-book.process.js", input);
  }
  return {
    bench: "engine",
    machine: describeMachine(),
    options,
    runs,
    medianPerSecond: median(runs.map((one) => one.commandsPerSecond)),
    isRight,
    eventHash,
    bare: bare.length === 0 ? null : compare(runs, bare),
    peer,
    empty: empty.length === 0 ? null : compareEmpty(runs, empty),
  };
}

function compareEmpty(runs: readonly EngineRun[], empty: readonly EngineRun[]): EmptyComparison {
  const perSecond = empty.map((run) => run.commandsPerSecond);
  return {
    runs: empty,
    medianPerSecond: median(perSecond),
    medianTimeRatio: median(runs.map((run, i) => (perSecond[i] as number) / run.commandsPerSecond)),
  };
}

function compare(runs: readonly EngineRun[], bare: readonly BareRun[]): BareComparison {
  const ratios = runs.map(
    (run, i) => run.commandsPerSecond / (bare[i] as BareRun).commandsPerSecond,
  );
  return {
    runs: bare,
    medianPerSecond: median(bare.map((run) => run.commandsPerSecond)),
    medianRatio: median(ratios),
    differences: bare[0]?.differences ?? [],
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export function formatEngineBench(result: EngineBenchResult): string {
  const { machine, runs, options, bare, peer, empty } = result;
  const rates = runs.map((run) => run.commandsPerSecond);
  const [first] = runs;
  const lines = [
    `engine alone, ${first?.workload ?? "no run"}: ${first?.commands ?? 0} commands, ${first?.trades ?? 0} trades, ${first?.events ?? 0} events`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    options.drain
      ? "events handed to a second thread through the ring, until the last one is there"
      : "events written into the ring, nobody reads them",
    `${options.warmUp} commands played before, to warm up`,
    "",
    `median of ${runs.length}: ${millions(result.medianPerSecond)} commands/s (${millions(Math.min(...rates))} to ${millions(Math.max(...rates))})`,
    `${outcomeLine(result.isRight)}; hash over all events ${result.eventHash}`,
  ];
  if (empty !== null) {
    lines.push(
      `an empty engine, run in turn with it: ${millions(empty.medianPerSecond)} commands/s; matching takes ${empty.medianTimeRatio.toFixed(1)} × its time`,
    );
  }
  if (bare !== null) {
    const { medianPerSecond, medianRatio, differences } = bare;
    const name = options.simulator === null ? "bare book" : options.simulator;
    const wrong = differences.length === 0 ? "" : ` (WRONG: ${differences.join("; ")})`;
    lines.push(
      `${name}, run in turn with it: ${millions(medianPerSecond)} commands/s${wrong}; the engine does ${(100 * medianRatio).toFixed(0)} % of that`,
    );
  }
  if (peer !== null) {
    const state = !peer.isComplete
      ? `the first ${peer.commands} commands, outcome not compared`
      : peer.differences.length === 0
        ? "the same outcome"
        : `another outcome: ${peer.differences.join("; ")}`;
    const ratio = (result.medianPerSecond / peer.commandsPerSecond).toFixed(1);
    lines.push(
      `${peer.engine}: ${millions(peer.commandsPerSecond)} commands/s (${state}); ${ratio} × that`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function outcomeLine(isRight: boolean | null): string {
  if (isRight === null) return "outcome: nothing to compare it with";
  return isRight ? "outcome: as published" : "outcome: WRONG, differs from the published one";
}

function millions(perSecond: number): string {
  return `${(perSecond / 1e6).toFixed(3)} M`;
}
