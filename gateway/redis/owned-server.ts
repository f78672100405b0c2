import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endLeftover, forgetProcess, recordProcess } from "./leftover.ts";
import type { PublisherLog } from "./publisher.ts";
import { Wakeup } from "./wakeup.ts";

/** Longest path of a Unix socket that every platform takes. */
const MAX_SOCKET_PATH_BYTES = 100;
const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 10_000;
const RESTART_DELAY_MS = { first: 100, most: 30_000 };
/** A server that ran for so long has not failed to start. */
const RUN_WELL_MS = 60_000;
const SOCKET_FILE = "redis.sock";
const LOG_FILE = "redis.log";

/**
 * The server becomes the process that was started, so that its end is our child's end. Beside it a
 * subshell reads from descriptor 3, whose other end we hold: when that closes without a word, we
 * are gone, however suddenly, and the server is told to end too.
 */
const START_SCRIPT = `
( read -r word <&3 || kill -TERM $$ ) &
exec 3<&-
exec "$0" "$@"
`;

export interface OwnedRedisOptions {
  /** Holds the server's data, its log and its socket. Made where it is not there. */
  readonly directory: string;
  readonly log: PublisherLog;
  /** Where to look for redis-server; the PATH by default. */
  readonly searchPath?: string;
}

/** The file of that name on the search path that may be run; null: there is none. */
export function findProgram(name: string, searchPath: string): string | null {
  for (const folder of searchPath.split(path.delimiter)) {
    if (folder === "") continue;
    const file = path.join(folder, name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return file;
    } catch {
      // Not here: look in the next folder.
    }
  }
  return null;
}

/**
 * A redis-server that belongs to this process: it listens on a Unix socket that only its user can
 * reach, keeps its data in the directory, is started again where it dies, and ends with us.
 */
export class OwnedRedis {
  readonly socketPath: string;
  readonly #program: string;
  readonly #directory: string;
  readonly #log: PublisherLog;
  readonly #stopped = new Wakeup();
  #child: ChildProcess | null = null;
  #supervising: Promise<void> = Promise.resolve();
  #stopping = false;

  private constructor(program: string, options: OwnedRedisOptions) {
    this.#program = program;
    this.#directory = path.resolve(options.directory);
    this.#log = options.log;
    this.socketPath = socketPathFor(this.#directory);
  }

  /**
   * null: there is no redis-server to be found. Resolves when the server answers, which may still
   * be loading its data. Where it does not start, the end of its log is logged and it is tried again
   * and again: whoever publishes to it waits, and nobody else should. A server that a process before
   * us has left behind is ended first; throws where that cannot be done.
   */
  static async start(options: OwnedRedisOptions): Promise<OwnedRedis | null> {
    const program = findProgram("redis-server", options.searchPath ?? process.env.PATH ?? "");
    if (program === null) return null;
    fs.mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    await endLeftover(options.directory, options.log);
    const server = new OwnedRedis(program, options);
    server.#supervising = server.#supervise();
    await server.#firstAnswer();
    return server;
  }

  get url(): string {
    return `unix://${encodeURI(this.socketPath)}`;
  }

  /** 0: not running at the moment. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Ends the server in good order; it gets ten seconds to write its data. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopped.signal();
    const child = this.#child;
    child?.kill("SIGTERM");
    const timer = setTimeout(() => {
      this.#log.warn({ pid: child?.pid }, "redis-server did not end when asked to: it is killed");
      child?.kill("SIGKILL");
    }, STOP_TIMEOUT_MS);
    await this.#supervising;
    clearTimeout(timer);
    forgetProcess(this.#directory);
    fs.rmSync(this.socketPath, { force: true });
    const folder = path.dirname(this.socketPath);
    if (folder !== this.#directory) fs.rmSync(folder, { recursive: true, force: true });
  }

  /** Runs the server again and again until it is to stop. */
  async #supervise(): Promise<void> {
    let delayMs = RESTART_DELAY_MS.first;
    while (!this.#stopping) {
      const startedMs = performance.now();
      const end = await this.#run();
      if (this.#stopping) return;
      const hasRunWell = performance.now() - startedMs > RUN_WELL_MS;
      delayMs = hasRunWell ? RESTART_DELAY_MS.first : Math.min(delayMs * 2, RESTART_DELAY_MS.most);
      this.#log.warn(end, "redis-server has ended unexpectedly: it is started again");
      await this.#stopped.wait(delayMs);
    }
  }

  /** Resolves when the server has ended. */
  #run(): Promise<{ code: number | null; signal: string | null }> {
    fs.rmSync(this.socketPath, { force: true });
    // A session of its own: Ctrl-C in a terminal must not end it before we have finished with it.
    const child = spawn("/bin/sh", ["-c", START_SCRIPT, this.#program, ...this.#settings()], {
      cwd: this.#directory,
      detached: true,
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    this.#child = child;
    if (child.pid !== undefined) recordProcess(this.#directory, child.pid, this.socketPath);
    const lifeline = child.stdio[3] as net.Socket;
    lifeline.on("error", () => undefined); // the subshell may be gone before us
    return new Promise((resolve) => {
      const onEnd = (code: number | null, signal: string | null) => {
        lifeline.end("ended\n");
        this.#child = null;
        resolve({ code, signal });
      };
      child.once("exit", onEnd);
      child.once("error", () => onEnd(null, null));
    });
  }

  #settings(): string[] {
    const settings = {
      port: "0",
      unixsocket: this.socketPath,
      unixsocketperm: "700",
      dir: this.#directory,
      appendonly: "yes",
      appendfsync: "everysec",
      save: "",
      daemonize: "no",
      "protected-mode": "yes",
      logfile: path.join(this.#directory, LOG_FILE),
    };
    return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  }

  /** Waits for the first answer, or for what stands in its way. */
  async #firstAnswer(): Promise<void> {
    const deadlineMs = performance.now() + START_TIMEOUT_MS;
    while (this.#child !== null && performance.now() < deadlineMs) {
      if (await answersPing(this.socketPath)) return;
      await sleep(10);
    }
    const reason = lastLine(path.join(this.#directory, LOG_FILE));
    this.#log.error({ program: this.#program, reason }, "redis-server does not start");
  }
}

/** In the directory, or in one of our own below the system's, where that makes the path too long. */
function socketPathFor(directory: string): string {
  const socketPath = path.join(directory, SOCKET_FILE);
  if (Buffer.byteLength(socketPath) <= MAX_SOCKET_PATH_BYTES) return socketPath;
  return path.join(fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-redis-")), SOCKET_FILE);
}

/** Any answer counts: a server that is loading its data says so. */
function answersPing(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    const end = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once("error", () => end(false));
    socket.once("data", () => end(true));
    socket.write("PING\r\n");
  });
}

function lastLine(file: string): string {
  try {
    return fs.readFileSync(file, "utf8").trimEnd().split("\n").at(-1) ?? "";
  } catch {
    return "it wrote no log";
  }
}
