import { describe, expect, test } from "vitest";
import { latencyHistogram, summarize } from "../../bench/latency.ts";
import { MAX_COMMAND_BYTES, OrderFlow } from "../../bench/load/flow.ts";
import {
  clientHeaderBytes,
  FrameReader,
  Opcode,
  writeClientHeader,
} from "../../bench/load/frame-reader.ts";
import { jsonCommand } from "../../bench/load/json-command.ts";
import { DEFAULT_LOAD, type LoadOptions } from "../../bench/load/options.ts";
import {
  BURST_EVERY_NS,
  BURST_FACTOR,
  BURST_NS,
  fillSchedule,
  SCHEDULES,
} from "../../bench/load/schedule.ts";
import { StageTimes } from "../../bench/load/stage-times.ts";
import { measureEcho } from "../../bench/yardsticks/echo.ts";
import {
  CANCEL_ORDER_TEMPLATE_ID,
  CancelOrder,
  NEW_ORDER_TEMPLATE_ID,
  NewOrder,
} from "../../protocol/generated/commands.ts";
import { TimeInForce } from "../../protocol/generated/enums.ts";
import { decodeCommand } from "../../protocol/json/decode-command.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import { checkRecord } from "../../protocol/record-check.ts";
import { testDirectory } from "../protocol/json/instruments.ts";

describe("schedule", () => {
  test.each(SCHEDULES)("%s keeps the rate, rises, and is the same for the same seed", (kind) => {
    const due = new Float64Array(200_000);
    fillSchedule(due, kind, 50_000, 7);
    const seconds = (due.at(-1) as number) / 1e9;
    expect(due.length / seconds).toBeGreaterThan(50_000 * 0.95);
    expect(due.length / seconds).toBeLessThan(50_000 * 1.05);
    expect(due.every((at, i) => i === 0 || at >= (due[i - 1] as number))).toBe(true);
    const again = new Float64Array(200_000);
    fillSchedule(again, kind, 50_000, 7);
    expect(Buffer.from(again.buffer).equals(Buffer.from(due.buffer))).toBe(true);
  });

  test("constant has even distances, poisson distances that vary like their mean", () => {
    const distancesOf = (kind: "constant" | "poisson") => {
      const due = new Float64Array(100_000);
      fillSchedule(due, kind, 1e6, 1);
      return Array.from(due.subarray(1), (at, i) => at - (due[i] as number));
    };
    const deviation = (values: number[]) => {
      const mean = values.reduce((a, b) => a + b) / values.length;
      return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length) / mean;
    };
    expect(deviation(distancesOf("constant"))).toBeLessThan(0.01);
    expect(deviation(distancesOf("poisson"))).toBeCloseTo(1, 1);
  });

  test("bursts come ten times as fast for 5 ms, and hold a tenth of all commands", () => {
    const rate = 10_000;
    const due = new Float64Array(1_000_000); // 200 bursts
    fillSchedule(due, "bursts", rate, 3);
    const inBurst = due.filter((at) => at % BURST_EVERY_NS < BURST_NS).length;
    expect(inBurst / due.length).toBeCloseTo(0.1, 2);
    const bursts = (due.at(-1) as number) / BURST_EVERY_NS;
    const burstRate = inBurst / ((bursts * BURST_NS) / 1e9);
    expect(burstRate / rate).toBeGreaterThan(0.97 * BURST_FACTOR);
    expect(burstRate / rate).toBeLessThan(1.03 * BURST_FACTOR);
  });

  test("outside of its bursts the schedule is even: right before one and right after it too", () => {
    const due = new Float64Array(2_000_000);
    fillSchedule(due, "bursts", 10_000, 5);
    const countIn = (fromNs: number, toNs: number) =>
      due.filter((at) => at % BURST_EVERY_NS >= fromNs && at % BURST_EVERY_NS < toNs).length;
    const middle = countIn(BURST_EVERY_NS / 2, BURST_EVERY_NS / 2 + BURST_NS);
    expect(countIn(BURST_EVERY_NS - BURST_NS, BURST_EVERY_NS) / middle).toBeCloseTo(1, 1);
    expect(countIn(BURST_NS, 2 * BURST_NS) / middle).toBeCloseTo(1, 1);
    expect(countIn(0, BURST_NS) / middle).toBeGreaterThan(9);
  });
});

describe("frames", () => {
  /** A frame as a server sends it: without a mask. */
  function serverFrame(opcode: number, payload: Buffer): Buffer {
    const { length } = payload;
    const size =
      length < 126
        ? [length]
        : length < 65_536
          ? [126, length >> 8, length & 255]
          : [
              127,
              0,
              0,
              0,
              0,
              (length >>> 24) & 255,
              (length >> 16) & 255,
              (length >> 8) & 255,
              length & 255,
            ];
    return Buffer.concat([Buffer.from([0x80 | opcode, ...size]), payload]);
  }

  test("frames of every size come out whole, however the bytes are cut", () => {
    const payloads = [0, 1, 125, 126, 127, 65_535, 65_536, 100_000].map((n) => Buffer.alloc(n, n));
    const stream = Buffer.concat(payloads.map((payload) => serverFrame(Opcode.binary, payload)));
    for (const step of [1, 7, 1_000, stream.length]) {
      const reader = new FrameReader(64);
      const found: Buffer[] = [];
      for (let at = 0; at < stream.length; at += step) {
        reader.push(stream.subarray(at, at + step));
        while (reader.next()) {
          expect(reader.opcode).toBe(Opcode.binary);
          found.push(
            Buffer.from(reader.bytes.subarray(reader.start, reader.start + reader.length)),
          );
        }
      }
      expect(found.map((frame) => frame.length)).toEqual(payloads.map((frame) => frame.length));
      expect(Buffer.concat(found).equals(Buffer.concat(payloads))).toBe(true);
    }
  });

  test("the head of the upgrade is taken off before the first frame", () => {
    const reader = new FrameReader(64);
    reader.push(Buffer.from("HTTP/1.1 101 Switching\r\nA: b\r"));
    expect(reader.takeThrough("\r\n\r\n")).toBeNull();
    reader.push(Buffer.concat([Buffer.from("\n\r\n"), serverFrame(Opcode.text, Buffer.from("x"))]));
    expect(reader.takeThrough("\r\n\r\n")).toMatch(/^HTTP\/1.1 101/);
    expect(reader.next()).toBe(true);
    expect(reader.opcode).toBe(Opcode.text);
  });

  test.each([0, 125, 126, 5_000])("a client's header of %i bytes is masked with zero", (length) => {
    const bytes = Buffer.alloc(8, 0xff);
    writeClientHeader(bytes, 0, Opcode.binary, length);
    const headerBytes = clientHeaderBytes(length);
    expect(bytes[0]).toBe(0x82);
    expect((bytes[1] as number) & 0x80).toBe(0x80);
    expect(bytes.subarray(headerBytes - 4, headerBytes)).toEqual(Buffer.alloc(4));
  });
});

describe("order flow", () => {
  test("commands are valid, the book stays at its depth, every tenth trades", () => {
    const flow = new OrderFlow({ ...DEFAULT_LOAD.flow, depth: 20 }, 1, 1_000);
    const view = new DataView(new ArrayBuffer(MAX_COMMAND_BYTES));
    const order = new NewOrder();
    const cancel = new CancelOrder();
    order.wrap(view, 0);
    cancel.wrap(view, 0);
    const open = new Set<number>();
    let takers = 0;
    for (let n = 1; n <= 5_000; n++) {
      const length = flow.write(view, 0, n);
      expect(checkRecord(view, 0)).toBeNull();
      expect(length).toBe(order.blockLength);
      expect(order.requestId).toBe(n);
      if (order.templateId === NEW_ORDER_TEMPLATE_ID) {
        if (order.timeInForce === TimeInForce.ioc) takers++;
        else open.add(order.clientOrderId);
      } else {
        expect(order.templateId).toBe(CANCEL_ORDER_TEMPLATE_ID);
        expect(open.delete(cancel.clientOrderId)).toBe(true);
      }
      expect(open.size).toBeLessThanOrEqual(21);
    }
    expect(takers).toBe(500);
    expect(open.size).toBeGreaterThanOrEqual(20);
  });
});

test("what a flow writes says the same in JSON", () => {
  const flow = new OrderFlow({ ...DEFAULT_LOAD.flow, instrumentId: 1, symbol: "BTC-USD" }, 1, 1);
  const directory = testDirectory();
  const records = [0, 1].map(() => new DataView(new ArrayBuffer(192)));
  const [own, other] = records as [DataView, DataView];
  const options = { admin: false, accountRequired: false };
  for (let n = 1; n <= 500; n++) {
    new Uint8Array(own.buffer).fill(0);
    const length = flow.write(own, 0, n);
    const json = JSON.parse(jsonCommand(own, 0, "BTC-USD", n % 2 === 0)) as Record<string, unknown>;
    expect(json.receipt).toBe(n % 2 === 0 ? true : undefined);
    // The instrument of the test has another tick and lot.
    const terms = { price: json.price, quantity: json.quantity };
    if (json.type === "newOrder") Object.assign(json, { price: "1", quantity: "1" });
    encodeCommand(json, directory, other, 0, options);
    expect(decodeCommand(other, 0, directory)).toMatchObject(json.receipt === true ? {} : json);
    if (json.type !== "newOrder") {
      const [a, b] = [other, own].map((view) => Buffer.from(view.buffer, 0, length));
      expect(a).toEqual(b);
      continue;
    }
    const order = new NewOrder();
    order.wrap(own, 0);
    expect(length).toBe(order.blockLength);
    expect(Number(terms.price)).toBeCloseTo(order.priceTicks / 100, 9);
    expect(Number(terms.quantity)).toBeCloseTo(order.quantityLots / 1_000, 9);
  }
});

test("the parts of an order's time are those between its stamps", () => {
  const times = new StageTimes();
  const stamps = {
    sequencedNs: 10e3,
    checkedNs: 30e3,
    matchedNs: 35e3,
    durableNs: 230e3,
    sentNs: 250e3,
  };
  times.add(stamps, 300e3);
  times.add({ ...stamps, durableNs: 0 }, 300e3); // not known: counted nowhere
  const us = Object.fromEntries(times.result().map(({ stage, latency }) => [stage, latency.p50Us]));
  expect(times.count).toBe(1);
  const expected = { entry: 10, risk: 20, engine: 5, journal: 200, reply: 20, server: 250 };
  for (const [stage, value] of Object.entries({ ...expected, outside: 50 })) {
    expect(us[stage]).toBeCloseTo(value, 0);
  }
});

test("a summary is in microseconds", () => {
  const histogram = latencyHistogram();
  for (let us = 1; us <= 1_000; us++) histogram.recordValue(us * 1_000);
  const summary = summarize(histogram);
  expect(summary.count).toBe(1_000);
  expect(summary.p50Us).toBeCloseTo(500, -1);
  expect(summary.p99Us).toBeCloseTo(990, -1);
  expect(summary.maxUs).toBeCloseTo(1_000, -1);
  expect(summarize(latencyHistogram())).toMatchObject({ count: 0, minUs: 0, maxUs: 0 });
});

test.each([
  ["spin", "binary", false],
  ["sleep", "binary", false],
  ["spin", "json", false],
  ["sleep", "binary", true],
] as const)(
  "an echo server answers every command (%s, %s, through threads: %s)",
  async (pacing, encoding, threads) => {
    const load: LoadOptions = {
      ...DEFAULT_LOAD,
      encoding,
      url: "",
      pacing,
      connections: 3,
      ratePerSecond: 2_000,
      seconds: 0.5,
      warmUpSeconds: 0.25,
    };
    const { load: result } = await measureEcho(load, { threads });
    expect(result).toMatchObject({ sent: 1_500, answered: 1_500, lost: 0, errors: 0 });
    expect(result.latency.count).toBeGreaterThan(900);
    expect(result.latency.count).toBeLessThan(1_100);
    expect(result.latency.minUs).toBeGreaterThan(1);
    expect(result.latency.minUs).toBeGreaterThanOrEqual(result.sendDelay.minUs);
    expect(result.generatorCpuUsPerCommand).toBeGreaterThan(1);
    expect(result.complaints).toEqual({});
  },
);

test("a generator that sleeps sends together what is due so often that it could not sleep", async () => {
  const load: LoadOptions = {
    ...DEFAULT_LOAD,
    url: "",
    pacing: "sleep",
    ratePerSecond: 60_000,
    seconds: 0.5,
    warmUpSeconds: 0.25,
  };
  const { load: result } = await measureEcho(load, { threads: false });
  expect(result).toMatchObject({ sent: 45_000, answered: 45_000, lost: 0, errors: 0 });
  // A rest of 0.1 ms and a wake-up; how late that is, is part of each latency.
  expect(result.sendDelay.p50Us).toBeGreaterThan(40);
  expect(result.latency.p50Us).toBeGreaterThan(result.sendDelay.p50Us);
});
