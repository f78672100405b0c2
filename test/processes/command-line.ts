// bin/crossbook as what it is for everybody: a program with arguments, streams and an exit status.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";

/** The same file runs as a source under vitest and compiled below dist. */
export const ROOT = findRoot(path.dirname(fileURLToPath(import.meta.url)));
export const CROSSBOOK = path.join(ROOT, "bin", "crossbook");

function findRoot(from: string): string {
  if (fs.existsSync(path.join(from, "package.json"))) return from;
  const parent = path.dirname(from);
  if (parent === from) throw new Error("no package.json above this file");
  return findRoot(parent);
}

export class CommandFailed extends Error {
  readonly code = "commandFailed";
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(args: readonly string[], exitCode: number | null, stderr: string) {
    super(`crossbook ${args.join(" ")}: exit status ${exitCode}\n${stderr.slice(-4000)}`);
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** Nothing of the caller's configuration: the command line alone decides. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !name.startsWith("CROSSBOOK_") && name !== "REDIS_URL" && !name.startsWith("VITEST"),
  );
  return Object.fromEntries(kept);
}

export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. Throws CommandFailed where it does not end with status 0. */
export async function crossbook(args: readonly string[]): Promise<CommandOutput> {
  const child = start(args);
  let stdout = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  const stderr = collect(child);
  const exitCode = await exitOf(child);
  if (exitCode !== 0) throw new CommandFailed(args, exitCode, stderr());
  return { stdout, stderr: stderr() };
}

/** As `crossbook`, with the output in a file. */
export async function crossbookInto(file: string, args: readonly string[]): Promise<string> {
  const child = start(args);
  const stderr = collect(child);
  const output = fs.createWriteStream(file);
  child.stdout?.pipe(output);
  const [exitCode] = await Promise.all([exitOf(child), once(output, "close")]);
  if (exitCode !== 0) throw new CommandFailed(args, exitCode, stderr());
  return stderr();
}

/**
 * The objects that a command prints, one a line, as they come: for output that is larger than memory
 * should be. Throws CommandFailed after the last line where the command did not end well.
 */
export async function* crossbookObjects<Value>(args: readonly string[]): AsyncGenerator<Value> {
  const child = start(args);
  const stderr = collect(child);
  const exited = exitOf(child);
  if (child.stdout === null) throw new Error("stdout is piped");
  try {
    for await (const line of readline.createInterface({ input: child.stdout })) {
      if (line !== "") yield JSON.parse(line) as Value;
    }
  } finally {
    if (child.exitCode === null) child.kill("SIGTERM"); // the reader has had enough
  }
  const exitCode = await exited;
  if (exitCode !== 0) throw new CommandFailed(args, exitCode, stderr());
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [CROSSBOOK, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: cleanEnvironment(),
  });
}

function collect(child: ChildProcess): () => string {
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  return () => text;
}

/** null: ended by a signal. */
async function exitOf(child: ChildProcess): Promise<number | null> {
  const [exitCode] = (await once(child, "close")) as [number | null];
  return exitCode;
}
