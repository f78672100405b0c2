// Publishing of an event log that lies there, as fast as it goes.
import { z } from "zod";
import { eventsPath } from "../../engine/journal/data-directory.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { RedisPublisher } from "../../gateway/redis/publisher.ts";
import { LogEventSource } from "../../gateway/server/log-event-source.ts";

export const publishRunSchema = z.strictObject({
  /** A data directory with an event log. */
  directory: z.string(),
  url: z.string(),
  batchBytes: z.number().int().positive(),
  keepEntries: z.number().int().min(0),
});
export type PublishRunOptions = z.infer<typeof publishRunSchema>;

export interface PublishRun {
  readonly events: number;
  readonly trades: number;
  readonly batches: number;
  readonly seconds: number;
  /** Of this process while it published. */
  readonly cpuSeconds: number;
}

const POLL_MS = 2;

/** From the claim of the streams to the last answer. Throws where publishing halts. */
export async function runPublish(options: PublishRunOptions): Promise<PublishRun> {
  const publisher = new RedisPublisher({
    access: { url: options.url, prefix: "crossbook" },
    source: new LogEventSource(new NodeDisk(), eventsPath(options.directory)),
    identity: { directoryId: "bench", epoch: 1 },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    batchBytes: options.batchBytes,
    keepEntries: options.keepEntries,
  });
  const { status } = publisher;
  publisher.start();
  while (status.connections === 0 && status.reason === null) await pause();
  const startMs = performance.now();
  const cpuBefore = process.cpuUsage();
  while (!status.caughtUp && status.reason === null) await pause();
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  if (status.reason !== null) throw new Error(status.reason);
  const { events, trades, batches } = status;
  await publisher.stop(0);
  return { events, trades, batches, seconds, cpuSeconds: (user + system) / 1e6 };
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
