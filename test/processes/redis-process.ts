// A real redis-server that a test may stop, kill and start again.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";

/** Settings of redis-server by name, over those that a test needs. */
export type RedisSettings = Readonly<Record<string, string>>;

export class RedisProcess {
  readonly directory: string;
  readonly port: number;
  readonly #settings: RedisSettings;
  #child: ChildProcess | null = null;
  #client: Redis | null = null;

  private constructor(directory: string, port: number, settings: RedisSettings) {
    this.directory = directory;
    this.port = port;
    this.#settings = settings;
  }

  static async start(settings: RedisSettings = {}): Promise<RedisProcess> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-redis-"));
    const server = new RedisProcess(directory, await freePort(), settings);
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Starts the server on the data that is there, and waits until it answers. */
  async restart(settings: RedisSettings = {}): Promise<void> {
    this.launch(settings);
    await this.answers();
  }

  /** Starts the server, which may take its time to load its data. */
  launch(settings: RedisSettings = {}): void {
    const all = {
      port: String(this.port),
      bind: "127.0.0.1",
      dir: this.directory,
      appendonly: "yes",
      save: "",
      "enable-debug-command": "yes",
      logfile: path.join(this.directory, "redis.log"),
      ...this.#settings,
      ...settings,
    };
    const flags = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
    this.#child = spawn("redis-server", flags, { stdio: "ignore" });
    this.#child.once("error", (error) => {
      throw new Error("these tests need a redis-server on the PATH", { cause: error });
    });
  }

  async answers(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.client.ping();
        return;
      } catch (error) {
        if (attempt > 300) throw error;
        this.#client?.disconnect();
        this.#client = null;
        await sleep(20);
      }
    }
  }

  /** For the test's own questions; made anew where the last one is gone. */
  get client(): Redis {
    if (this.#client === null) {
      this.#client = new Redis(this.port, "127.0.0.1", {
        protocol: 2,
        maxRetriesPerRequest: 0,
        retryStrategy: () => null,
      });
      this.#client.on("error", () => undefined);
      this.#client.once("end", () => {
        this.#client = null;
      });
    }
    return this.#client;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#client?.disconnect();
    this.#client = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  async remove(): Promise<void> {
    await this.kill();
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
