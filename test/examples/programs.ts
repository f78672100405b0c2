// Programs in other languages against a real server.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { crossbook, ROOT } from "../processes/command-line.ts";
import { ServerProcess } from "../processes/server-process.ts";

/** Where nothing may be left out, as in the pipeline before a merge, a missing tool is a failure. */
export const MUST_RUN = process.env.CROSSBOOK_ALL_EXAMPLES === "1";

export function hasProgram(name: string, argument = "--version"): boolean {
  return spawnSync(name, [argument], { stdio: "ignore" }).status === 0;
}

export function example(...parts: string[]): string {
  return path.join(ROOT, "examples", ...parts);
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function run(program: string, args: readonly string[], cwd: string): Promise<Outcome> {
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"], timeout: 30_000 });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (part: string) => {
      text[name] += part;
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...text };
}

/** A demo server with a key for a trader of account 77. */
export class ExampleServer {
  readonly folder: string;
  readonly keyFile: string;
  readonly #server: ServerProcess;

  private constructor(folder: string, server: ServerProcess) {
    this.folder = folder;
    this.keyFile = path.join(folder, "key.json");
    this.#server = server;
  }

  static async start(folder: string): Promise<ExampleServer> {
    const flags = ["--redis", "off", "--demo"];
    const data = path.join(folder, "data");
    const server = new ServerProcess(data, path.join(folder, "server.log"), flags);
    const made = new ExampleServer(folder, server);
    await server.ready();
    const create = ["keys", "create", "--account", "77", "--role", "trader", "--data", data];
    fs.writeFileSync(made.keyFile, (await crossbook(create)).stdout);
    // The server looks at the file twice a second.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    return made;
  }

  get url(): Promise<string> {
    return this.#server.ready().then(({ url }) => url);
  }

  async stop(): Promise<void> {
    await this.#server.kill();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
