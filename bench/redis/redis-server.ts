import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const START_TIMEOUT_MS = 10_000;

/** A redis-server on a socket, set up as the one that `redis: own` starts; with an empty directory. */
export class BenchRedis {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(child: ChildProcess, directory: string, socketPath: string) {
    this.#child = child;
    this.#directory = directory;
    this.url = `unix://${socketPath}`;
  }

  /** Rejects where there is no redis-server on the PATH. */
  static async start(parentDirectory: string): Promise<BenchRedis> {
    const directory = fs.mkdtempSync(path.join(parentDirectory, "crossbook-bench-redis-"));
    const socketPath = path.join(directory, "redis.sock");
    const settings = ["--port", "0", "--unixsocket", socketPath, "--dir", directory];
    const files = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""];
    const child = spawn("redis-server", [...settings, ...files], { stdio: "ignore" });
    const failed = once(child, "error").then(([error]) => {
      throw new Error("this bench needs a redis-server on the PATH", { cause: error });
    });
    failed.catch(() => undefined);
    const server = new BenchRedis(child, directory, socketPath);
    await Promise.race([server.#answers(socketPath), failed]);
    return server;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** It stands still, as a server that hangs. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    this.resume();
    if (this.#child.exitCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exited;
    }
    fs.rmSync(this.#directory, { recursive: true, force: true });
  }

  async #answers(socketPath: string): Promise<void> {
    const deadlineMs = performance.now() + START_TIMEOUT_MS;
    while (!fs.existsSync(socketPath)) {
      if (performance.now() > deadlineMs) throw new Error("redis-server does not start");
      await sleep(10);
    }
  }
}
