import { DEFAULT_CAPACITY, Engine } from "../../engine/engine.ts";
import { Side } from "../../protocol/generated/enums.ts";
import { EventRingWriter } from "../../protocol/rings/event-ring.ts";
import { createPipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import { type BookStream, MID_TICKS, StreamWriter } from "../books/streams.ts";
import type { Operation } from "./operations.ts";

/** Orders at a price, about. */
const DEPTH = 20;
/** Different orders that an operation takes in turn: more than a small cache holds. */
const PICKED = 16_384;

type Resting = readonly [id: number, side: Side, price: number];

/**
 * What a client does to a book with so many resting orders, as two commands that leave the book as it
 * was. The operations share one engine, so they are to run in a process of their own.
 */
export function bookOperations(resting: number): Operation[] {
  const memory = createPipelineMemory({ commandSlots: 64, eventSlots: 1 << 10, riskWorkers: 1 });
  const writer = new EventRingWriter(memory, [], () => undefined);
  const engine = new Engine(DEFAULT_CAPACITY, writer);
  const stream = new StreamWriter(resting + 8 * PICKED, 1);
  const orders = Array.from({ length: resting }, () => placeSomewhere(stream, resting));
  const starts: number[] = [stream.count];
  const pick = () => orders[stream.below(resting)] as Resting;
  for (let i = 0; i < PICKED; i++) stream.cancel(placeSomewhere(stream, resting)[0]);
  starts.push(stream.count);
  for (let i = 0; i < PICKED; i++) {
    const [id, side, price] = pick();
    stream.cancel(id);
    stream.limit(side, price, 5, id);
  }
  starts.push(stream.count);
  for (let i = 0; i < PICKED; i++) {
    const [id, side, price] = pick();
    stream.replacePrice(id, side === Side.buy ? price - 1 : price + 1);
    stream.replacePrice(id, price);
  }
  starts.push(stream.count);
  for (let i = 0; i < PICKED; i++) {
    stream.limit(Side.sell, MID_TICKS, 1);
    stream.market(Side.buy, 1);
  }
  const { view, offsets } = stream.build();
  for (let i = 0; i < (starts[0] as number); i++) engine.apply(view, offsets[i] as number);
  writer.publish();
  return [
    "place an order and cancel it",
    "cancel a random order and place it again",
    "replace the price of a random order, twice",
    "place the best price and take it",
  ].map((name, kind) => ({
    name: `${resting.toLocaleString("en-US")} resting: ${name}`,
    run: pairs(engine, writer, { view, offsets }, starts[kind] as number),
  }));
}

function pairs(
  engine: Engine,
  writer: EventRingWriter,
  { view, offsets }: Pick<BookStream, "view" | "offsets">,
  first: number,
): (times: number) => void {
  let at = 0;
  return (times) => {
    for (let i = 0; i < times; i++) {
      engine.apply(view, offsets[first + at] as number);
      engine.apply(view, offsets[first + at + 1] as number);
      writer.publish();
      at = (at + 2) % (2 * PICKED);
    }
  };
}

function placeSomewhere(stream: StreamWriter, resting: number): Resting {
  const side = stream.random() < 0.5 ? Side.buy : Side.sell;
  const away = 1 + stream.below(Math.max(10, resting / DEPTH / 2));
  const price = side === Side.buy ? MID_TICKS - away : MID_TICKS + away;
  return [stream.limit(side, price, 5), side, price];
}
