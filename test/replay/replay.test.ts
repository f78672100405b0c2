import { describe, expect, it } from "vitest";
import { LogKind } from "../../engine/journal/block-format.ts";
import { EventLogReader } from "../../engine/journal/event-log-reader.ts";
import { JournalReader } from "../../engine/journal/journal-reader.ts";
import { segmentName } from "../../engine/journal/segment-format.ts";
import { Verdict } from "../../protocol/generated/enums.ts";
import { COMMAND_HEADER_VERDICT_OFFSET } from "../../protocol/generated/headers.ts";
import { decodeEvent } from "../../protocol/json/decode-event.ts";
import { bookJson } from "../../replay/book-json.ts";
import { isWanted } from "../../replay/event-filter.ts";
import { replayDirectory } from "../../replay/replay.ts";
import { Random } from "../simulation/random.ts";
import { SimulatedDisk } from "../simulation/simulated-disk.ts";
import { RecordingServer, sendDay } from "./recorded-directory.ts";

const DIRECTORY = "/data";

function record(orders: number, end: "close" | "abandon" = "close") {
  const disk = new SimulatedDisk(new Random(1));
  const server = new RecordingServer(disk, DIRECTORY);
  sendDay(server, orders);
  server[end]();
  return { disk, server };
}

const day = record(1500);

describe("a replay", () => {
  it("comes to the events, hash and checkpoints that were recorded, and the same verdicts", () => {
    const { result } = replayDirectory(day.disk, DIRECTORY, { verify: true });
    expect(result).toMatchObject({
      lastSeq: day.server.lastSeq,
      events: day.server.eventLog.eventCount,
      eventHash: day.server.eventLog.eventHash,
      journal: "closed",
    });
    expect(result.trades).toBeGreaterThan(100);
    expect(result.verified).toMatchObject({ unrecorded: 0, checkpoints: 7 });
    expect(result.verified?.events).toBe(result.events + 7);
    const { checkpoint } = day.server.eventLog.status.read();
    const then = replayDirectory(day.disk, DIRECTORY, { toSeq: checkpoint.seq }).result;
    expect(then).toMatchObject({
      stateHash: checkpoint.stateHash,
      eventHash: checkpoint.eventHash,
      events: checkpoint.eventCount,
      trades: checkpoint.tradeCount,
    });
  });

  it("has refused and passed verdicts to check", () => {
    const reader = JournalReader.open(day.disk, `${DIRECTORY}/journal`);
    const seen = new Set<number>();
    while (reader.next()) {
      seen.add(reader.view.getUint8(reader.offset + COMMAND_HEADER_VERDICT_OFFSET));
    }
    reader.close();
    const all = [Verdict.passed, Verdict.refusedByRisk, Verdict.refusedAtEntry];
    expect([...seen].sort()).toEqual(all);
  });

  it("stops where it is told, and says where there is no such seq", () => {
    const { result } = replayDirectory(day.disk, DIRECTORY, { toSeq: 700, verify: true });
    expect(result.lastSeq).toBe(700);
    expect(result.journal).toBeUndefined();
    expect(replayDirectory(day.disk, DIRECTORY, { toSeq: 0 }).result.lastSeq).toBe(0);
    expect(() => replayDirectory(day.disk, DIRECTORY, { toSeq: 1e6 })).toThrow(/no seq 1000000/);
  });

  it("replays a journal that a crash has cut off", () => {
    const { disk, server } = record(100, "abandon");
    const { result } = replayDirectory(disk, DIRECTORY, { verify: true });
    expect(result).toMatchObject({ lastSeq: server.lastSeq, journal: "open" });
  });

  it("gives the life of one order and the events of one account", () => {
    const orders = new Map<number, string[]>();
    const accountEvents: number[] = [];
    replayDirectory(day.disk, DIRECTORY, {
      onEvent: (view, offset, run) => {
        const event = decodeEvent(view, offset, run.instruments);
        if (event === null) return;
        const ids = [event.orderId, event.buyOrderId, event.sellOrderId];
        for (const id of ids) {
          if (typeof id !== "number") continue;
          expect(isWanted({ order: id }, view, offset)).toBe(true);
          orders.set(id, [...(orders.get(id) ?? []), String(event.type)]);
        }
        const isOfThree = [event.account, event.buyAccount, event.sellAccount].includes(3);
        expect(isWanted({ account: 3 }, view, offset)).toBe(isOfThree);
        if (isOfThree) accountEvents.push(event.seq as number);
      },
    });
    expect(accountEvents.length).toBeGreaterThan(100);
    const traded = [...orders.values()].filter((types) => types.includes("trade"));
    expect(traded.length).toBeGreaterThan(50);
    expect(traded.every((types) => types[0] === "accepted")).toBe(true);
  });

  it("shows the book as it stands", () => {
    const { run } = replayDirectory(day.disk, DIRECTORY);
    const book = bookJson(run, "ABC-USD");
    expect(book.bids.length + book.asks.length).toBeGreaterThan(0);
    expect(book.bids[0]?.[0]).toMatch(/^\d+(\.\d+)?$/);
    expect(() => bookJson(run, "NONE")).toThrow(/no NONE/);
  });
});

describe("verification", () => {
  const events = `${DIRECTORY}/events`;

  it("finds an event log in which one byte was changed and every checksum made right again", () => {
    // Written anew by the real writer, so that only the comparison can find it.
    const disk = day.disk.copy();
    const other = new SimulatedDisk(new Random(2));
    const server = new RecordingServer(other, DIRECTORY);
    sendDay(server, 1500, 2);
    server.close();
    const name = `${events}/${segmentName(LogKind.events, 1)}`;
    expect(disk.bytesAt(name)).not.toEqual(other.bytesAt(name));
    for (const file of disk.list(events)) disk.unlink(`${events}/${file}`);
    for (const file of other.list(events)) {
      disk.replace(`${events}/${file}`, other.bytesAt(`${events}/${file}`).slice());
    }
    expect(() => replayDirectory(disk, DIRECTORY, { verify: true })).toThrow(/differ/);
  });

  it("finds a flipped bit in the event log", () => {
    const disk = day.disk.copy();
    const bytes = disk.bytesAt(`${events}/${segmentName(LogKind.events, 1)}`);
    bytes[9000] = (bytes[9000] as number) ^ 1;
    expect(() => replayDirectory(disk, DIRECTORY, { verify: true })).toThrow(/damaged/);
    expect(() => replayDirectory(disk, DIRECTORY)).not.toThrow();
  });

  it("counts what is not logged yet, and finds what is logged too much", () => {
    const disk = day.disk.copy();
    const last = `${events}/${disk.list(events).at(-1)}`;
    disk.unlink(last);
    const { result } = replayDirectory(disk, DIRECTORY, { verify: true });
    expect(result.verified?.unrecorded).toBeGreaterThan(0);

    const shorter = record(100, "abandon").disk;
    for (const file of shorter.list(events)) shorter.unlink(`${events}/${file}`);
    const reader = new EventLogReader(day.disk, events);
    reader.close();
    for (const file of day.disk.list(events)) {
      shorter.replace(`${events}/${file}`, day.disk.bytesAt(`${events}/${file}`).slice());
    }
    expect(() => replayDirectory(shorter, DIRECTORY, { verify: true })).toThrow(
      /goes on after the journal|damaged|differ/,
    );
  });
});
