import { once } from "node:events";
import fs from "node:fs";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { compiledFile } from "../../protocol/compiled-file.ts";
import { monotonicNs } from "../../protocol/monotonic.ts";

const file = compiledFile("protocol/monotonic.js");
/** Each thread has measured what it lacks to a fraction of a microsecond. */
const ERROR_NS = 2_000;

test("a thread that starts later tells the same time", async () => {
  const code = `import("${file.href}").then(({ monotonicNs }) => {
    require("node:worker_threads").parentPort.postMessage(monotonicNs());
  });`;
  const before = monotonicNs();
  const [there] = (await once(new Worker(code, { eval: true, execArgv: [] }), "message")) as [
    number,
  ];
  expect(there).toBeGreaterThan(before - ERROR_NS);
  expect(there).toBeLessThan(monotonicNs() + ERROR_NS);
});

test("where there is no process, as in a browser, it still loads and rises", () => {
  const code = fs.readFileSync(file, "utf8").replace("export function", "function");
  const clock = runInNewContext(`${code}\nmonotonicNs`, { performance }) as () => number;
  const first = clock();
  expect(first).toBeGreaterThan(0);
  expect(clock()).toBeGreaterThanOrEqual(first);
});
