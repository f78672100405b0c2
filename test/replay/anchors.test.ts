import { describe, expect, it } from "vitest";
import type { JournalAnchor } from "../../engine/journal/anchor.ts";
import { openMeta } from "../../engine/journal/data-directory.ts";
import { JournalReader } from "../../engine/journal/journal-reader.ts";
import {
  NEW_ORDER_PRICE_TICKS_OFFSET,
  NEW_ORDER_TEMPLATE_ID,
} from "../../protocol/generated/commands.ts";
import { Verdict } from "../../protocol/generated/enums.ts";
import { COMMAND_HEADER_VERDICT_OFFSET } from "../../protocol/generated/headers.ts";
import { anchorsInLine } from "../../replay/anchor-file.ts";
import { locateAnchor } from "../../replay/anchors.ts";
import { checkJournal, describeBlocks } from "../../replay/journal-check.ts";
import { replayDirectory } from "../../replay/replay.ts";
import { Random } from "../simulation/random.ts";
import { SimulatedDisk } from "../simulation/simulated-disk.ts";
import { forgeEventLog, forgeJournal } from "./forger.ts";
import { RecordingServer, sendDay } from "./recorded-directory.ts";

const DIRECTORY = "/data";

function record(): SimulatedDisk {
  const disk = new SimulatedDisk(new Random(1));
  const server = new RecordingServer(disk, DIRECTORY);
  sendDay(server, 400);
  server.close();
  return disk;
}

const original = record();

/** An anchor for every tenth block and for the last one. */
const anchors: JournalAnchor[] = [...describeBlocks(original, DIRECTORY, false)]
  .filter(({ block, closed }) => block % 10 === 0 || closed)
  .map(({ block, lastSeq, chain, timestamp }) => ({ seq: lastSeq, block, chain, timestamp }));

/** A newOrder in the middle of history that was accepted by the risk checks. */
function orderInTheMiddle(): number {
  const reader = JournalReader.open(original, `${DIRECTORY}/journal`, { fromSeq: 200 });
  while (reader.next()) {
    const passed =
      reader.view.getUint8(reader.offset + COMMAND_HEADER_VERDICT_OFFSET) === Verdict.passed;
    if (reader.view.getUint16(reader.offset + 2, true) === NEW_ORDER_TEMPLATE_ID && passed) break;
  }
  reader.close();
  return reader.seq;
}

const editedSeq = orderInTheMiddle();

function forged(): SimulatedDisk {
  const disk = original.copy();
  forgeJournal(disk, DIRECTORY, editedSeq, (view, offset) => {
    const at = offset + NEW_ORDER_PRICE_TICKS_OFFSET;
    view.setInt32(at, view.getInt32(at, true) + 1, true);
  });
  return disk;
}

describe("a journal that was edited by a perfect forger", () => {
  it("passes the checks of checksums and chain, but not the comparison with the events", () => {
    const disk = forged();
    expect(checkJournal(disk, DIRECTORY)).toMatchObject({ state: "closed" });
    expect(() => replayDirectory(disk, DIRECTORY, { verify: true })).toThrow(/differ/);
  });

  it("passes that too once the event log is forged with it", () => {
    const disk = forged();
    forgeEventLog(disk, DIRECTORY);
    const before = replayDirectory(original, DIRECTORY).result;
    const after = replayDirectory(disk, DIRECTORY, { verify: true }).result;
    expect(after.verified?.unrecorded).toBe(0);
    expect(after.eventHash).not.toBe(before.eventHash);
  });

  it("is found by anchors, and the first one that does not hold is named", () => {
    const disk = forged();
    forgeEventLog(disk, DIRECTORY);
    const held = anchors.filter(({ seq }) => seq < editedSeq).at(-1);
    const first = anchors.find(({ seq }) => seq >= editedSeq);
    const message = new RegExp(
      `the anchor of seq ${first?.seq} \\(block ${first?.block}, 2023-\\S+\\) does not hold: ` +
        `the journal has \\w{64} there, ${first?.chain} was noted. ` +
        `The journal is as noted up to seq ${held?.seq} `,
    );
    expect(() => checkJournal(disk, DIRECTORY, { anchors })).toThrow(message);
    expect(() => replayDirectory(disk, DIRECTORY, { verify: true, anchors })).toThrow(message);
    // Those before the edit hold.
    const earlier = anchors.filter(({ seq }) => seq < editedSeq);
    expect(earlier.length).toBeGreaterThan(5);
    expect(checkJournal(disk, DIRECTORY, { anchors: earlier }).anchors).toBe(earlier.length);
    expect(replayDirectory(disk, DIRECTORY, { anchors, toSeq: editedSeq }).result.lastSeq).toBe(
      editedSeq,
    );
  });
});

describe("anchors of the journal itself", () => {
  it("all hold", () => {
    expect(anchors.length).toBeGreaterThan(20);
    expect(checkJournal(original, DIRECTORY, { anchors }).anchors).toBe(anchors.length);
    const { verified } = replayDirectory(original, DIRECTORY, { verify: true, anchors }).result;
    expect(verified?.anchors).toBe(anchors.length);
  });

  it("without a block number stand for any block that ends at their seq", () => {
    // The closing block ends at the seq of the one before.
    const last = [...describeBlocks(original, DIRECTORY, false)].slice(-2);
    expect(new Set(last.map(({ lastSeq }) => lastSeq)).size).toBe(1);
    const short = last.map(({ lastSeq, chain }) => ({ seq: lastSeq, chain }));
    expect(checkJournal(original, DIRECTORY, { anchors: short }).anchors).toBe(2);
  });

  it("fail where the journal ends before them, where no block ends there, and on another time", () => {
    const [one] = anchors as [JournalAnchor];
    const check = (anchor: Partial<JournalAnchor>) => () =>
      checkJournal(original, DIRECTORY, { anchors: [{ ...one, ...anchor }] });
    expect(check({ seq: 9999, block: 9999 })).toThrow(/9999.*the journal ends at seq \d+\./);
    expect(check({ seq: one.seq - 1 })).toThrow(/does not hold/);
    expect(check({ timestamp: one.timestamp + 1 })).toThrow(/does not hold/);
    const between = () =>
      checkJournal(original, DIRECTORY, { anchors: [{ seq: 0, chain: "0".repeat(64) }] });
    expect(between).toThrow("no block of the journal ends there. It is the first anchor");
  });

  it("fail against a directory that never had a journal", () => {
    const disk = new SimulatedDisk(new Random(1));
    openMeta(disk, DIRECTORY, { nowUs: 0 });
    expect(checkJournal(disk, DIRECTORY).state).toBe("new");
    expect(() => checkJournal(disk, DIRECTORY, { anchors })).toThrow(/does not hold/);
  });

  it("are looked up one by one in a growing journal", async () => {
    const [one] = anchors as [JournalAnchor];
    const last = anchors.at(-1) as JournalAnchor;
    const locate = (anchor: JournalAnchor) => locateAnchor(original, DIRECTORY, anchor);
    for (const anchor of anchors) expect(await locate(anchor)).toBe("holds");
    expect(await locate({ ...one, chain: last.chain })).toBe("differs");
    expect(await locate({ ...one, seq: one.seq + 1 })).toBe("differs");
    expect(await locate({ ...last, block: last.block + 1 })).toBe("ahead");
  });
});

describe("a line of a file of anchors", () => {
  const chain = "ab".repeat(32);

  it("may be a log line, an anchor, or what redis-cli prints", () => {
    const anchor = { seq: 12, block: 3, chain, timestamp: 1_700_000_000_000_000 };
    const log = { level: 30, time: "2026-01-01T00:00:00.000Z", ...anchor, msg: "anchor" };
    expect(anchorsInLine(JSON.stringify(log))).toEqual([anchor]);
    expect(anchorsInLine(JSON.stringify({ seq: 12, chain }))).toEqual([{ seq: 12, chain }]);
    const entry = (id: string, seq: string) => [
      id,
      ["seq", seq, "block", "3", "chain", chain, "timestamp", "1700000000000000"],
    ];
    const redis = JSON.stringify([entry("12-3", "12"), entry("13-4", "13")]);
    expect(anchorsInLine(redis)).toEqual([anchor, { ...anchor, seq: 13 }]);
  });

  it("is passed over where it is another line of the log, or empty", () => {
    expect(anchorsInLine('{"level":30,"msg":"stopped","seq":3}')).toEqual([]);
    expect(anchorsInLine("  ")).toEqual([]);
  });

  it.each([
    "nonsense",
    '{"seq":12}',
    '{"seq":"12","chain":"00"}',
    `{"seq":-1,"chain":"${chain}"}`,
    `{"seq":12,"chain":"${chain.toUpperCase()}"}`,
    `{"seq":12,"chain":"${chain}","block":1.5}`,
    `{"msg":"anchor","seq":12,"chain":"${chain.slice(1)}"}`,
    "[[1,2]]",
    "12",
    "null",
  ])("is no anchor: %s", (line) => {
    expect(anchorsInLine(line)).toBeUndefined();
  });
});
