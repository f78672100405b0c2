import { DEFAULT_CAPACITY, Engine } from "../../engine/engine.ts";
import { EventRingWriter } from "../../protocol/rings/event-ring.ts";
import { createPipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import { nowNs } from "../clock.ts";
import { seededRandom } from "../random.ts";
import { BOOK_STREAMS, type BookStream, ordinary } from "./streams.ts";

export interface BookRun {
  readonly stream: string;
  /** Timed ones. */
  readonly commands: number;
  readonly events: number;
  readonly nsPerCommand: number;
  readonly nsPerEvent: number;
}

/** The compiler's time: commands of an ordinary book before the stream. */
const WARM_UP = 300_000;
const BATCH = 16;

/**
 * Plays a stream of BOOK_STREAMS: an ordinary one and itself once, not timed, then itself again on
 * the empty book. Throws a RangeError for an unknown name.
 */
export function runBookStream(name: string): BookRun {
  const make = BOOK_STREAMS[name];
  if (make === undefined) throw new RangeError(`no book stream is called ${name}`);
  const memory = createPipelineMemory({ commandSlots: 64, eventSlots: 1 << 10, riskWorkers: 1 });
  const writer = new EventRingWriter(memory, [], () => undefined);
  const engine = new Engine(DEFAULT_CAPACITY, writer);
  const rounds = [ordinary(10_000, WARM_UP), make()];
  for (const stream of rounds) {
    play(engine, writer, stream, 0, stream.count);
    clear(engine, writer, stream);
  }
  const stream = rounds[1] as BookStream;
  play(engine, writer, stream, 0, stream.untimed);
  const events = engine.eventCount;
  const startNs = nowNs();
  play(engine, writer, stream, stream.untimed, stream.count);
  const ns = nowNs() - startNs;
  const commands = stream.count - stream.untimed;
  return {
    stream: name,
    commands,
    events: engine.eventCount - events,
    nsPerCommand: ns / commands,
    nsPerEvent: ns / (engine.eventCount - events),
  };
}

function play(
  engine: Engine,
  writer: EventRingWriter,
  { view, offsets }: BookStream,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) {
    engine.apply(view, offsets[i] as number);
    if (i % BATCH === 0) writer.publish();
  }
  writer.publish();
}

/** Cancels all orders. */
function clear(engine: Engine, writer: EventRingWriter, stream: BookStream): void {
  for (const offset of stream.massCancels) {
    engine.apply(stream.view, offset);
    writer.publish();
  }
}

/**
 * What memory alone costs at that size: nanoseconds to read one word of a random cache line among as
 * many lines as a book of so many orders has, where no read waits for the one before (`free`), and
 * where each does (`chained`). No engine in any language goes below that.
 */
export function memoryCost(resting: number): { freeNs: number; chainedNs: number } {
  const lines = resting * 2; // an order's line, and its share of sums, buckets and levels
  const words = new Int32Array(new SharedArrayBuffer(lines * 64));
  const random = seededRandom(resting);
  const order = Int32Array.from({ length: lines }, (_, i) => i);
  for (let i = lines - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const kept = order[i] as number;
    order[i] = order[j] as number;
    order[j] = kept;
  }
  for (let i = 0; i < lines; i++) {
    words[(order[i] as number) * 16] = (order[(i + 1) % lines] as number) * 16;
  }
  const reads = 2_000_000;
  let sum = 0;
  const free = () => {
    for (let i = 0; i < reads; i++) {
      sum = (sum + (words[(order[i % lines] as number) * 16] as number)) | 0;
    }
  };
  let at = 0;
  const chained = () => {
    for (let i = 0; i < reads; i++) at = words[at] as number;
  };
  const freeNs = bestOf(free) / reads;
  const chainedNs = bestOf(chained) / reads;
  if (!Number.isInteger(sum + at)) throw new Error("used, so that the loops are not left out");
  return { freeNs, chainedNs };
}

function bestOf(loop: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 4; round++) {
    const startNs = nowNs();
    loop();
    best = Math.min(best, nowNs() - startNs);
  }
  return best;
}
