import { describeMachine, type Machine } from "../machine.ts";
import type { PeerResult } from "../peers/nodejs-order-book.ts";
import { runProcess } from "../processes.ts";
import type { EngineRun, EngineRunOptions } from "./engine.ts";

export interface EngineBenchOptions extends Omit<EngineRunOptions, "verify"> {
  readonly runs: number;
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
  readonly peer: PeerResult | null;
}

/** The engine alone: how many commands a second it matches. */
export async function runEngineBench(
  options: EngineBenchOptions,
  onStep: (what: string) => void,
): Promise<EngineBenchResult> {
  const { runs: count, peerSeconds, ...run } = options;
  onStep("outcome");
  const { isRight } = await runProcess<EngineRun>("bench/engine/engine.process.js", {
    ...run,
    verify: true,
  });
  const runs: EngineRun[] = [];
  for (let n = 1; n <= count; n++) {
    onStep(`run ${n} of ${count}`);
    const input = { ...run, verify: false };
    runs.push(await runProcess<EngineRun>("bench/engine/engine.process.js", input));
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
    peer,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export function formatEngineBench(result: EngineBenchResult): string {
  const { machine, runs, options, peer } = result;
  const rates = runs.map((run) => run.commandsPerSecond);
  const [first] = runs;
  const lines = [
    `engine alone, ${first?.workload ?? "no run"}: ${first?.commands ?? 0} commands, ${first?.trades ?? 0} trades, ${first?.events ?? 0} events`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    options.drain
      ? "events handed to a second thread through the ring, until the last one is there"
      : "events written into the ring, nobody reads them",
    "",
    `median of ${runs.length}: ${millions(result.medianPerSecond)} commands/s (${millions(Math.min(...rates))} to ${millions(Math.max(...rates))})`,
    outcomeLine(result.isRight),
  ];
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
