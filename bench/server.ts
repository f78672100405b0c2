import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { systemClock } from "../gateway/clock.ts";
import { createKey } from "../gateway/keys/key-creation.ts";
import { compiledFile } from "../protocol/compiled-file.ts";
import { LoadConnection } from "./load/connection.ts";
import type { LoadKey } from "./load/options.ts";
import { measuredEnvironment } from "./processes.ts";

const START_TIMEOUT_MS = 120_000;
const KEPT_LOG_BYTES = 4_096;

const serveFileSchema = z.object({ url: z.string() });

export const BENCH_SYMBOL = "BENCH-USD";
/** The only instrument, and so the first. */
export const BENCH_INSTRUMENT_ID = 1;

export interface BenchServerOptions {
  readonly durability: "fsync" | "os" | "none";
  /** Keys for so many clients, each of an account of its own. */
  readonly clients: number;
  /** Where the data directory is made; the disk that is measured. */
  readonly parentDirectory: string;
  /** Further flags of `crossbook serve`. */
  readonly flags: readonly string[];
  /** Admin commands for each client's account, before anything is measured. */
  readonly setUp?: (account: number) => readonly object[];
  /** Fills the data directory before the server starts, with instruments of its own. */
  readonly fill?: (directory: string) => Promise<void>;
  /** Of the first client; default 1. */
  readonly firstAccount?: number;
}

/** A server of our own in a fresh directory, in a process of its own, for one measurement. */
export class BenchServer {
  readonly url: string;
  readonly directory: string;
  readonly keys: readonly LoadKey[];
  readonly admin: LoadKey;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(
    url: string,
    directory: string,
    keys: readonly LoadKey[],
    admin: LoadKey,
    child: ChildProcess,
    exited: Promise<unknown>,
  ) {
    this.url = url;
    this.directory = directory;
    this.keys = keys;
    this.admin = admin;
    this.#child = child;
    this.#exited = exited;
  }

  /** Resolves when the server takes orders (for BENCH_SYMBOL, where nothing was filled in). Rejects with the end of its log. */
  static async start(options: BenchServerOptions): Promise<BenchServer> {
    const directory = fs.mkdtempSync(path.join(options.parentDirectory, "crossbook-bench-"));
    const keys: LoadKey[] = [];
    const first = options.firstAccount ?? 1;
    for (let i = 0; i < options.clients; i++) {
      keys.push(await hmacKey(directory, first + i, "trader"));
    }
    const admin = await hmacKey(directory, first + options.clients, "admin");
    await options.fill?.(directory);
    const main = fileURLToPath(compiledFile("gateway/server/cli/main.js"));
    const flags = [
      ...["--data", directory, "--port", "0", "--durability", options.durability],
      ...["--session-rate-per-second", "0", "--key-rate-per-second", "0"],
      ...["--address-rate-per-second", "0", "--log-format", "json", "--log-level", "warn"],
      ...options.flags,
    ];
    const child = spawn(process.execPath, [main, "serve", ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      env: measuredEnvironment(),
    });
    const exited = once(child, "exit");
    const log = keepTail(child);
    try {
      const url = await readyUrl(path.join(directory, "serve.json"), child);
      const { setUp = () => [] } = options;
      if (options.fill === undefined) {
        await prepare(
          `${url}/v1/trade`,
          admin,
          keys.flatMap(({ account }) => setUp(account)),
        );
      }
      return new BenchServer(`${url}/v1/trade`, directory, keys, admin, child, exited);
    } catch (error) {
      child.kill("SIGKILL");
      await exited;
      fs.rmSync(directory, { recursive: true, force: true });
      throw new Error(`the server does not start: ${log.text}`, { cause: error });
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Ends the server in good order and removes its directory. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#exited;
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Not the directory for temporary files where that is in memory: it is a disk that is measured. */
export function defaultParentDirectory(): string {
  return os.tmpdir();
}

async function hmacKey(
  directory: string,
  account: number,
  role: "trader" | "admin",
): Promise<LoadKey> {
  const request = { account, role, algorithm: "hmac", allAccounts: false } as const;
  const { keyId, secret } = await createKey(directory, request, systemClock.nowUs());
  return { keyId, secret: secret ?? "", account };
}

/** What an admin command is answered with. */
const ANSWERS = new Map([
  ["setAccount", "account"],
  ["adjustBalance", "balance"],
]);

async function prepare(url: string, admin: LoadKey, commands: readonly object[]): Promise<void> {
  const connection = await LoadConnection.open(url);
  try {
    await connection.logOn(admin);
    const command = {
      type: "defineInstrument",
      symbol: BENCH_SYMBOL,
      tickSize: "0.01",
      lotSize: "0.001",
    };
    await connection.request(command, "instrument");
    for (const more of commands) {
      await connection.request(more, ANSWERS.get((more as { type: string }).type) ?? "");
    }
  } finally {
    connection.close();
  }
}

async function readyUrl(file: string, child: ChildProcess): Promise<string> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    if (fs.existsSync(file)) {
      const { url } = serveFileSchema.parse(JSON.parse(fs.readFileSync(file, "utf8")));
      return url.replace(/^http/, "ws").replace(/\/$/, "");
    }
    await sleep(20);
  }
  throw new Error("it was not ready in time");
}

function keepTail(child: ChildProcess): { text: string } {
  const log = { text: "" };
  for (const stream of [child.stdout, child.stderr] as Readable[]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      log.text = (log.text + text).slice(-KEPT_LOG_BYTES);
    });
  }
  return log;
}
