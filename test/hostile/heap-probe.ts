// Loaded into a server by --import, together with --expose-gc: on SIGUSR2 it collects garbage and
// writes what is left into the file that HOSTILE_HEAP_FILE names. No part of the product.
import fs from "node:fs";
import { isMainThread } from "node:worker_threads";
import { compiledBytes } from "./heap.ts";

const file = process.env.HOSTILE_HEAP_FILE;
const collect = (globalThis as { gc?: () => void }).gc;

if (isMainThread && file !== undefined && collect !== undefined) {
  process.on("SIGUSR2", () => {
    collect();
    collect(); // what the first one has finalized
    const { heapUsed, external, rss } = process.memoryUsage();
    const compiled = compiledBytes();
    fs.writeFileSync(
      `${file}.new`,
      JSON.stringify({ heapBytes: heapUsed - compiled, compiled, external, rss }),
    );
    fs.renameSync(`${file}.new`, file);
  });
}
