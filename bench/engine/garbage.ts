import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { compiledFile } from "../../protocol/compiled-file.ts";

export const LOOP_BEGINS = "the loop begins";
export const LOOP_ENDS = "the loop ends";

export interface GarbageResult {
  readonly bench: "garbage";
  readonly seconds: number;
  readonly commands: number;
  /** What V8 printed about collections while the engine ran; empty as it should be. */
  readonly collections: readonly string[];
}

/**
 * Runs the engine on an ordinary book of 10,000 orders and counts garbage collections meanwhile.
 * allocate: the harness leaves an object for every command, to show that the count can be more than 0.
 */
export async function runGarbageBench(seconds: number, allocate = false): Promise<GarbageResult> {
  const file = fileURLToPath(compiledFile("bench/engine/garbage.process.js"));
  const child = spawn(process.execPath, [file], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin?.end(JSON.stringify({ seconds, allocate }));
  const [output, [code]] = await Promise.all([
    text(child.stdout as Readable),
    once(child, "close"),
  ]);
  const [, loop] = output.split(`${LOOP_BEGINS}\n`);
  const [collections, commands] = loop?.split(`${LOOP_ENDS}\n`) ?? [];
  if (code !== 0 || collections === undefined || commands === undefined) {
    throw new Error(`the engine's loop ended with ${String(code)}: ${output}`);
  }
  return {
    bench: "garbage",
    seconds,
    commands: Number(commands.split("\n")[0]),
    collections: collections.split("\n").filter((line) => line !== ""),
  };
}

export function formatGarbage({ seconds, commands, collections }: GarbageResult): string {
  const found = collections.length === 0 ? "no garbage collection" : collections.join("\n");
  return `${commands.toLocaleString("en-US")} commands in ${seconds} seconds of the engine's loop: ${found}\n`;
}
