import { describe, expect, it } from "vitest";
import { truncateJournal } from "../../engine/journal/journal-truncation.ts";
import { checkJournal, describeBlocks } from "../../replay/journal-check.ts";
import { replayDirectory } from "../../replay/replay.ts";
import { Random } from "../simulation/random.ts";
import { SimulatedDisk } from "../simulation/simulated-disk.ts";
import { RecordingServer, sendDay } from "./recorded-directory.ts";

const DIRECTORY = "/data";

function record(orders: number, end: "close" | "abandon" = "close"): SimulatedDisk {
  const disk = new SimulatedDisk(new Random(1));
  const server = new RecordingServer(disk, DIRECTORY);
  sendDay(server, orders);
  server[end]();
  return disk.copy();
}

const day = record(700);
const blocks = [...describeBlocks(day, DIRECTORY, false)];
const file = (number: number) => `${DIRECTORY}/journal/0000000${number}.journal`;

describe("checking a journal", () => {
  it("reads all of it and gives its anchor", () => {
    const check = checkJournal(day, DIRECTORY);
    expect(check).toMatchObject({ state: "closed", lastSeq: 711, commands: 711 });
    expect(check.segments).toBeGreaterThan(1);
    expect(check.anchor.chain).toBe(blocks.at(-1)?.chain);
  });

  it("accepts anchors of this journal and finds one of another", () => {
    const anchors = blocks
      .filter((_, i) => i % 50 === 0)
      .map(({ lastSeq, chain }) => ({
        seq: lastSeq,
        chain,
      }));
    expect(checkJournal(day, DIRECTORY, { anchors }).anchors).toBe(anchors.length);
    const edited = new SimulatedDisk(new Random(1));
    const server = new RecordingServer(edited, DIRECTORY);
    sendDay(server, 1200, 7);
    server.close();
    expect(() => checkJournal(edited, DIRECTORY, { anchors })).toThrow(/was noted/);
  });
});

describe("a journal in the place of another", () => {
  it("is refused, by the check and by a replay", () => {
    const disk = day.copy();
    const meta = JSON.parse(Buffer.from(disk.bytesAt(`${DIRECTORY}/meta.json`)).toString("utf8"));
    const other = JSON.stringify({ ...meta, directoryId: "0123456789abcdef".repeat(2) });
    disk.replace(`${DIRECTORY}/meta.json`, Buffer.from(other));
    const refusal = `the journal of directory ${meta.directoryId}, not of 0123456789abcdef`;
    expect(() => checkJournal(disk, DIRECTORY)).toThrow(refusal);
    expect(() => replayDirectory(disk, DIRECTORY)).toThrow(refusal);
  });
});

describe("truncating a journal", () => {
  it("changes nothing where nothing is damaged", () => {
    const disk = day.copy();
    expect(truncateJournal(disk, DIRECTORY, 0)).toBeUndefined();
    expect(disk.changes).toBe(0);
  });

  it.each([
    ["in the middle of the first file", 1, 30_000],
    ["in the header of the second file", 2, 100],
    ["near the end", 2, 20_000],
  ])("goes back to the last whole block before damage %s", (_, number, offset) => {
    const disk = day.copy();
    const bytes = disk.bytesAt(file(number));
    bytes[offset] = (bytes[offset] as number) ^ 1;
    expect(() => checkJournal(disk, DIRECTORY)).toThrow(/damaged/);
    const cut = truncateJournal(disk, DIRECTORY, 0);
    const whole = blocks.filter(
      (block) =>
        block.segment < number ||
        (block.segment === number && block.offset + block.bytes <= offset),
    );
    expect(cut?.lastSeq).toBe(whole.at(-1)?.lastSeq);
    expect(cut?.kept.length).toBeGreaterThan(0);
    const check = checkJournal(disk, DIRECTORY);
    expect(check).toMatchObject({ state: "closed", lastSeq: cut?.lastSeq, epoch: 2 });
    const { result } = replayDirectory(disk, DIRECTORY, { verify: true });
    expect(result.lastSeq).toBe(cut?.lastSeq);
    expect(truncateJournal(disk, DIRECTORY, 0)).toBeUndefined();
  });

  it("accepts the loss of files that should be there", () => {
    const disk = day.copy();
    disk.unlink(file(2));
    expect(() => checkJournal(disk, DIRECTORY)).toThrow();
    const cut = truncateJournal(disk, DIRECTORY, 0);
    expect(cut?.lastSeq).toBe(blocks.filter(({ segment }) => segment === 1).at(-1)?.lastSeq);
    expect(checkJournal(disk, DIRECTORY).state).toBe("closed");
  });

  it("can start again after a crash at any of its calls", () => {
    for (let calls = 1; calls < 200; calls += 5) {
      const disk = day.copy();
      const bytes = disk.bytesAt(file(1));
      bytes[30_000] = (bytes[30_000] as number) ^ 1;
      disk.losePowerAfter(calls);
      try {
        truncateJournal(disk, DIRECTORY, 0);
      } catch {
        // the power
      }
      disk.restart();
      truncateJournal(disk, DIRECTORY, 0);
      const { lastSeq } = checkJournal(disk, DIRECTORY);
      expect(lastSeq, `after ${calls} calls`).toBeGreaterThan(0);
      expect(replayDirectory(disk, DIRECTORY, { verify: true }).result.lastSeq).toBe(lastSeq);
    }
  });
});
