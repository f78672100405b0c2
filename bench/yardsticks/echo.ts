import { compiledFile } from "../../protocol/compiled-file.ts";
import type { LoadResult } from "../load/load.ts";
import type { LoadOptions } from "../load/options.ts";
import { cpuSeconds } from "../machine.ts";
import { runProcess, ServerProcess } from "../processes.ts";

export interface EchoResult {
  readonly transport: string;
  readonly load: LoadResult;
  /** CPU seconds of the server for a message in and out. */
  readonly serverCpuUsPerMessage: number;
}

/**
 * The same load against a server that only echoes: the floor under every other figure. warmUpSeconds:
 * of a load before, whose CPU does not count. threads: each message goes from thread to thread as an order
 * does before it is sent back, and nothing is done to it there.
 */
export async function measureEcho(
  options: LoadOptions,
  { warmUpSeconds = 0, threads = false } = {},
): Promise<EchoResult> {
  const file = compiledFile("bench/yardsticks/echo-server.process.js");
  const [server, line] = await ServerProcess.start(file, threads ? ["threads"] : []);
  try {
    const { transport, port } = JSON.parse(line) as { transport: string; port: number };
    const run = (seconds: number) =>
      runProcess<LoadResult>("bench/load/load.process.js", {
        ...options,
        seconds,
        url: `ws://127.0.0.1:${port}/`,
        protocol: "echo",
        keys: [],
      });
    if (warmUpSeconds > 0) await run(warmUpSeconds);
    const cpuBefore = cpuSeconds(server.pid);
    const load = await run(options.seconds);
    const cpuS = cpuSeconds(server.pid) - cpuBefore;
    return { transport, load, serverCpuUsPerMessage: (cpuS * 1e6) / load.answered };
  } finally {
    await server.stop();
  }
}
