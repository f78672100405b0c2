// A real `crossbook serve`, which a test may stop, kill and start again on the same directory.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CROSSBOOK, cleanEnvironment, ROOT } from "./command-line.ts";

export interface ServeFile {
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  readonly readySince: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const POLL_MS = 1;

export class ServerProcess {
  readonly dataDir: string;
  readonly logFile: string;
  readonly startedMs = performance.now();
  /** The same moment by the clock that files are stamped with, milliseconds since 1970. */
  readonly startedAtMs = Date.now();
  readonly exited: Promise<Exit>;
  exit: Exit | null = null;
  readonly #child: ChildProcess;

  /**
   * The log goes to a file of its own for each start, in JSON lines. nodeFlags: for Node itself, in
   * all threads. wrapper: a program and its arguments that runs Node in the same process.
   */
  constructor(
    dataDir: string,
    logFile: string,
    flags: readonly string[],
    nodeFlags: readonly string[] = [],
    wrapper: readonly string[] = [],
  ) {
    this.dataDir = dataDir;
    this.logFile = logFile;
    const log = fs.openSync(logFile, "a");
    const args = ["serve", "--data", dataDir, "--port", "0", "--log-format", "json", ...flags];
    const [program, ...command] = [...wrapper, process.execPath, ...nodeFlags, CROSSBOOK, ...args];
    this.#child = spawn(program as string, command, {
      cwd: ROOT,
      stdio: ["ignore", log, log],
      env: cleanEnvironment(),
    });
    fs.closeSync(log);
    this.exited = this.#waitForExit();
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get isAlive(): boolean {
    return this.exit === null;
  }

  /** serve.json of this very process; one that a killed server has left behind does not count. */
  readServeFile(): ServeFile | null {
    try {
      const text = fs.readFileSync(path.join(this.dataDir, "serve.json"), "utf8");
      const content = JSON.parse(text) as ServeFile;
      return content.pid === this.pid ? content : null;
    } catch {
      return null;
    }
  }

  /** Whether this process has taken the data directory: from then on it opens and recovers. */
  holdsDirectory(): boolean {
    try {
      const holders = fs.readdirSync(path.join(this.dataDir, "lock"));
      return holders.some((name) => name.startsWith(`${this.pid}-`));
    } catch {
      return false;
    }
  }

  /** Throws where the server ends before it is ready, or takes longer. */
  async ready(timeoutMs = 30_000): Promise<ServeFile> {
    const found = await this.waitFor(() => this.readServeFile(), timeoutMs);
    if (found !== null) return found;
    const what =
      this.exit === null ? `not ready after ${timeoutMs} ms` : "ended before it was ready";
    throw new Error(`the server ${what} (${JSON.stringify(this.exit)})\n${this.logTail()}`);
  }

  /** Polls until there is a value; null where the process ended or the time is up. */
  async waitFor<Value>(look: () => Value | null, timeoutMs: number): Promise<Value | null> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const value = look();
      if (value !== null) return value;
      if (!this.isAlive || performance.now() > deadline) return null;
      await sleep(POLL_MS);
    }
  }

  signal(name: "SIGTERM" | "SIGKILL"): void {
    if (this.isAlive) this.#child.kill(name);
  }

  async kill(): Promise<Exit> {
    this.signal("SIGKILL");
    return this.exited;
  }

  /** As an operator does it. Throws where it takes longer or does not end with status 0. */
  async stop(timeoutMs = 30_000): Promise<void> {
    this.signal("SIGTERM");
    const exit = await Promise.race([this.exited, sleep(timeoutMs, null, { ref: false })]);
    if (exit === null) {
      await this.kill();
      throw new Error(`the server did not end within ${timeoutMs} ms\n${this.logTail()}`);
    }
    if (exit.code !== 0) {
      throw new Error(`the server ended with ${JSON.stringify(exit)}\n${this.logTail()}`);
    }
  }

  /** The objects of the log; lines that are none (a crash of the runtime) under `text`. */
  log(): Record<string, unknown>[] {
    const lines = fs.readFileSync(this.logFile, "utf8").split("\n");
    return lines.filter((line) => line !== "").map(parseLogLine);
  }

  logTail(lines = 30): string {
    return fs.readFileSync(this.logFile, "utf8").split("\n").slice(-lines).join("\n");
  }

  async #waitForExit(): Promise<Exit> {
    const [code, signal] = (await once(this.#child, "exit")) as [number | null, NodeJS.Signals];
    this.exit = { code, signal };
    return this.exit;
  }
}

function parseLogLine(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return { text: line };
  }
}
