import path from "node:path";
import { ServerProcess } from "../processes/server-process.ts";
import { type AckTrace, readAckTrace } from "./ack-trace.ts";
import { readTrace, straceWrapper } from "./strace.ts";
import { Trader } from "./trader.ts";
import { checkWhole } from "./wholeness.ts";

export interface TraceRunOptions {
  /** Empty; data, log and trace go there. */
  readonly folder: string;
  /** Of each of the two customers. */
  readonly commands: number;
  /** Commands without an answer, of each. */
  readonly window: number;
  /** Further flags of `crossbook serve`. */
  readonly flags: readonly string[];
}

/** More than one send of the server is long: a trace with cut buffers proves nothing. */
const BUFFER_BYTES = 1 << 17;
const CALLS = [
  ...["pwrite64", "pwritev", "pwritev2", "fdatasync", "fsync", "close"],
  ...["write", "writev", "sendto", "sendmsg", "sendmmsg"],
];

/** A server under strace and load: what left on its sockets, and when. */
export async function traceAcks(options: TraceRunOptions): Promise<AckTrace & { told: number }> {
  const { folder } = options;
  const dataDir = path.join(folder, "data");
  const output = path.join(folder, "trace");
  const wrapper = straceWrapper({ output, calls: CALLS, bufferBytes: BUFFER_BYTES });
  const rates = ["session", "key", "address"].flatMap((who) => [`--${who}-rate-per-second`, "0"]);
  const flags = ["--redis", "off", "--demo", ...rates, ...options.flags];
  const server = new ServerProcess(dataDir, path.join(folder, "log"), flags, [], wrapper);
  try {
    const { url } = await server.ready(60_000);
    const traders = await Promise.all(
      ["trader-1", "trader-2"].map((name) => Trader.logOn(url, dataDir, name)),
    );
    await Promise.all(traders.map((trader) => trader.trade(options.commands, options.window)));
    for (const trader of traders) await trader.close();
    await server.stop(60_000);
    const told = traders.flatMap((trader) => trader.told);
    const trace = readAckTrace(await readTrace(output));
    await checkWhole(dataDir, told);
    return { ...trace, told: told.length };
  } finally {
    await server.kill();
  }
}
