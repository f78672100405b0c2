// The engine's loop for some seconds, in a process of its own that V8 tells about its collections:
// options as JSON on standard input. Two lines mark the loop, whatever stands between them is V8's.
import { writeSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setFlagsFromString } from "node:v8";
import { z } from "zod";
import { DEFAULT_CAPACITY, Engine } from "../../engine/engine.ts";
import { raiseInliningBudget } from "../../engine/inlining.ts";
import { EventRingWriter } from "../../protocol/rings/event-ring.ts";
import { createPipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import { type BookStream, ordinary } from "../books/streams.ts";
import { nowNs } from "../clock.ts";
import { LOOP_BEGINS, LOOP_ENDS } from "./garbage.ts";

raiseInliningBudget();
const { seconds, allocate } = z
  .strictObject({ seconds: z.number().positive(), allocate: z.boolean() })
  .parse(JSON.parse(await text(process.stdin)));
const memory = createPipelineMemory({ commandSlots: 64, eventSlots: 1 << 10, riskWorkers: 1 });
const writer = new EventRingWriter(memory, [], () => undefined);
const engine = new Engine(DEFAULT_CAPACITY, writer);
const stream = ordinary(10_000, 500_000);
const kept: object[] = [];

/** The whole stream once; the book is empty before and after. */
function play({ view, offsets, count, massCancels }: BookStream): void {
  for (let i = 0; i < count; i++) {
    engine.apply(view, offsets[i] as number);
    if (i % 16 === 0) writer.publish();
    if (allocate) kept[i % 1_000] = { i };
  }
  for (const offset of massCancels) engine.apply(view, offset);
  writer.publish();
}

for (let round = 0; round < 5; round++) play(stream);
setFlagsFromString("--trace-gc");
writeSync(1, `${LOOP_BEGINS}\n`);
let rounds = 0;
const endNs = nowNs() + seconds * 1e9;
while (nowNs() < endNs) {
  play(stream);
  rounds++;
}
writeSync(1, `${LOOP_ENDS}\n${rounds * stream.count}\n`);
