// Loaded into a server by --import: on SIGUSR2 it collects garbage and writes a heap snapshot beside the
// file that HOSTILE_HEAP_FILE names, then that file with the rest. No part of the product.
import fs from "node:fs";
import v8 from "node:v8";
import { isMainThread } from "node:worker_threads";

const file = process.env.HOSTILE_HEAP_FILE;

if (isMainThread && file !== undefined) {
  process.on("SIGUSR2", () => {
    v8.writeHeapSnapshot(`${file}.heapsnapshot`); // begins with a collection
    const { external, rss } = process.memoryUsage();
    fs.writeFileSync(`${file}.new`, JSON.stringify({ external, rss }));
    fs.renameSync(`${file}.new`, file);
  });
}
