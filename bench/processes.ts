import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { compiledFile } from "../protocol/compiled-file.ts";

/** Of everything that is measured: large blocks in huge pages, as bin/crossbook asks for them. */
export function measuredEnvironment(): NodeJS.ProcessEnv {
  return { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1", ...process.env };
}

/**
 * Runs a compiled module in a process of its own, with JSON in and JSON out. Rejects with what it
 * wrote to standard error where it fails.
 */
export async function runProcess<T>(
  name: string,
  input: unknown,
  nodeFlags: readonly string[] = [],
): Promise<T> {
  const file = fileURLToPath(compiledFile(name));
  const child = spawn(process.execPath, [...nodeFlags, file], {
    stdio: ["pipe", "pipe", "pipe"],
    env: measuredEnvironment(),
  });
  child.stdin?.end(JSON.stringify(input));
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout as Readable),
    text(child.stderr as Readable),
    once(child, "close"),
  ]);
  if (code !== 0) throw new Error(`${name} ended with ${String(code)}: ${errors}`);
  return JSON.parse(output) as T;
}

/** A process that runs until it is told to stop. */
export class ServerProcess {
  readonly child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.child = child;
    this.#exited = once(child, "exit");
  }

  /** Resolves with the process and the first line that it prints. */
  static async start(file: URL, args: readonly string[]): Promise<[ServerProcess, string]> {
    const child = spawn(process.execPath, [fileURLToPath(file), ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: measuredEnvironment(),
    });
    const server = new ServerProcess(child);
    const lines = createInterface({ input: child.stdout as Readable });
    const [line] = (await Promise.race([
      once(lines, "line"),
      server.#exited.then(() => {
        throw new Error(`${file.pathname} ended before it was ready`);
      }),
    ])) as [string];
    return [server, line];
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.#exited;
  }
}
