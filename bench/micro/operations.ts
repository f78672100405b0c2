import type { Histogram } from "hdr-histogram-js";
import { crc32c } from "../../engine/journal/checksum.ts";
import { RunningHash } from "../../protocol/event-hash.ts";
import { NewOrder } from "../../protocol/generated/commands.ts";
import { OrderField, OrderType, Side, TimeInForce } from "../../protocol/generated/enums.ts";
import { ACCEPTED_LENGTH, Accepted, Instrument } from "../../protocol/generated/events.ts";
import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeEvent } from "../../protocol/json/decode-event.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import { checkRecord } from "../../protocol/record-check.ts";
import { CommandRing } from "../../protocol/rings/command-ring.ts";
import { EventRingReader, EventRingWriter } from "../../protocol/rings/event-ring.ts";
import {
  ControlWord,
  createPipelineMemory,
  RECORD_BYTES,
} from "../../protocol/rings/pipeline-memory.ts";
import { latencyHistogram } from "../latency.ts";

/** A small operation of the order path, repeated `times` times by one call. */
export interface Operation {
  readonly name: string;
  run(times: number): void;
}

/** Results go in here, so that the compiler cannot leave the work out. */
export const sink = { value: 0 };

const SYMBOL = "BENCH-USD";

export function codecOperations(): Operation[] {
  const view = new DataView(new ArrayBuffer(RECORD_BYTES));
  const order = new NewOrder();
  const accepted = new Accepted();
  const acceptedView = new DataView(new ArrayBuffer(RECORD_BYTES));
  const directory = directoryWithOne();
  writeOrder(order, view, 1);
  accepted.wrap(acceptedView, 0);
  accepted.clear();
  accepted.instrumentId = 1;
  accepted.account = 7;
  accepted.orderId = 42;
  accepted.side = Side.buy;
  accepted.orderType = OrderType.limit;
  accepted.timeInForce = TimeInForce.gtc;
  accepted.quantityLots = 5;
  accepted.priceTicks = 100;
  accepted.present = OrderField.price | OrderField.quantity;
  const json = {
    type: "newOrder",
    account: 7,
    symbol: SYMBOL,
    side: "buy",
    orderType: "limit",
    quantity: "1.5",
    price: "64000.25",
    clientOrderId: 1,
  };
  const text = JSON.stringify(json);
  const options = { admin: false, accountRequired: true };
  const scratch = new DataView(new ArrayBuffer(RECORD_BYTES));
  const hash = new RunningHash();
  const words = new Int32Array(acceptedView.buffer);
  return [
    {
      name: "write a newOrder record",
      run(times) {
        for (let i = 0; i < times; i++) writeOrder(order, view, i);
      },
    },
    {
      name: "read seven fields of a newOrder record",
      run(times) {
        let sum = 0;
        for (let i = 0; i < times; i++) {
          order.wrap(view, 0);
          sum += order.clientOrderId + order.quantityLots + order.priceTicks + order.account;
          sum += order.side + order.orderType + order.timeInForce;
        }
        sink.value += sum;
      },
    },
    {
      name: "check a newOrder record from outside",
      run(times) {
        for (let i = 0; i < times; i++) if (checkRecord(view, 0) !== null) sink.value++;
      },
    },
    {
      name: "JSON text to a newOrder record",
      run(times) {
        for (let i = 0; i < times; i++) {
          sink.value += encodeCommand(JSON.parse(text), directory, scratch, 0, options);
        }
      },
    },
    {
      name: "accepted record to JSON text",
      run(times) {
        for (let i = 0; i < times; i++) {
          sink.value += JSON.stringify(decodeEvent(acceptedView, 0, directory)).length;
        }
      },
    },
    {
      name: "hash an accepted record (112 bytes)",
      run(times) {
        for (let i = 0; i < times; i++) hash.update(acceptedView, 0, ACCEPTED_LENGTH);
        sink.value += hash.word(0);
      },
    },
    {
      name: "crc32c of a sector (508 bytes)",
      run(times) {
        const sector = new Int32Array(128);
        sector.set(words.subarray(0, 28));
        for (let i = 0; i < times; i++) sink.value += crc32c(sector, 0, 127, i);
      },
    },
  ];
}

export function ringOperations(): Operation[] {
  const memory = createPipelineMemory({ commandSlots: 1024, eventSlots: 1024, riskWorkers: 1 });
  const control = new Int32Array(memory.control);
  const commands = new CommandRing(memory);
  const consumer = ControlWord.eventsGateway;
  const writer = new EventRingWriter(memory, [consumer], () => {
    throw new Error("the ring is read after every event, it cannot be full");
  });
  const reader = new EventRingReader(memory, consumer);
  const order = new NewOrder();
  const accepted = new Accepted();
  let seq = 0;
  return [
    {
      name: "command ring: write, publish, free a newOrder",
      run(times) {
        for (let i = 0; i < times; i++) {
          sink.value += commands.free(seq);
          seq++;
          writeOrder(order, commands.view, seq, commands.offsetOf(seq));
          commands.publish(seq);
          Atomics.store(control, ControlWord.riskChecked, seq | 0);
          Atomics.store(control, ControlWord.matched, seq | 0);
          Atomics.store(control, ControlWord.journaled, seq | 0);
        }
      },
    },
    {
      name: "event ring: claim, write, publish, read an accepted",
      run(times) {
        for (let i = 0; i < times; i++) {
          const offset = writer.claim();
          accepted.wrap(writer.view, offset);
          accepted.writeHeader();
          accepted.seq = i;
          accepted.orderId = i;
          accepted.quantityLots = 5;
          writer.commit();
          writer.publish();
          if (reader.available() > 0) {
            accepted.wrap(reader.view, reader.offsetOf(0));
            sink.value += accepted.orderId;
            reader.advance(1);
          }
        }
      },
    },
  ];
}

export function benchOperations(): Operation[] {
  const histogram: Histogram = latencyHistogram();
  return [
    {
      name: "record a latency",
      run(times) {
        for (let i = 0; i < times; i++) histogram.recordValue(1_000 + i);
      },
    },
  ];
}

function writeOrder(order: NewOrder, view: DataView, id: number, offset = 0): void {
  order.wrap(view, offset);
  order.clear();
  order.account = 7;
  order.instrumentId = 1;
  order.clientOrderId = id;
  order.quantityLots = 5;
  order.priceTicks = 100;
  order.side = Side.buy;
  order.orderType = OrderType.limit;
  order.timeInForce = TimeInForce.gtc;
  order.present = OrderField.price | OrderField.quantity | OrderField.clientOrderId;
}

function directoryWithOne(): InstrumentDirectory {
  const directory = new InstrumentDirectory();
  const view = new DataView(new ArrayBuffer(RECORD_BYTES));
  const instrument = new Instrument();
  instrument.wrap(view, 0);
  instrument.clear();
  instrument.instrumentId = 1;
  instrument.symbol = SYMBOL;
  instrument.tickSize = 1;
  instrument.tickSizeScale = 2;
  instrument.lotSize = 1;
  instrument.lotSizeScale = 3;
  directory.onEvent(view, 0);
  return directory;
}
