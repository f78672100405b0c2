import { describe, expect, it } from "vitest";
import { ENDINGS, HERE, makeJournal, OTHER_EPOCH, SHAPES } from "./journals.ts";
import { checksum, type JournalFile, RecoveryTable } from "./table.ts";

const PAGE = 4096;

/** The table's answer for the files as they are now, without anything remembered. */
function judge(files: readonly JournalFile[]) {
  const all = files.map(({ number, bytes }) => ({ number, from: 0, to: bytes.length }));
  return new RecoveryTable(files).judge(files, all);
}

describe("the recovery table, written down a second time", () => {
  it("takes the checksum that is meant: CRC-32C", () => {
    expect(checksum(Buffer.from("123456789"), 0, 9, 0) >>> 0).toBe(0xe3069283);
  });

  it.each(SHAPES.flatMap((shape) => ENDINGS.map((ending) => [shape, ending] as const)))(
    "takes a sound journal of %s, %s, to its end",
    (shape, ending) => {
      const { files, lastSeq } = makeJournal(shape, ending, HERE);
      const outcome = ending === "closed" ? "closed" : "open";
      expect(judge(files)).toMatchObject({ outcome, lastSeq });
    },
  );

  it("says the same whether or not it remembers the sound journal", () => {
    const { files } = makeJournal("several", "crashed", HERE);
    const table = new RecoveryTable(files);
    table.judge(files, []);
    for (const { number, bytes } of files) {
      for (let at = 0; at < bytes.length; at += 509) {
        const before = bytes[at] as number;
        bytes[at] = before ^ 16;
        const touched = [{ number, from: at, to: at + 1 }];
        expect(table.judge(files, touched)).toEqual(judge(files));
        bytes[at] = before;
      }
    }
  });

  it("cuts a last block of which sectors are missing, not one with a wrong sector", () => {
    const { files, lastBlock } = makeJournal("several", "crashed", HERE);
    const { bytes } = files.at(-1) as JournalFile;
    bytes.fill(0, lastBlock.from + 512, lastBlock.from + 1024);
    expect(judge(files)).toMatchObject({ outcome: "torn", offset: lastBlock.from });
    bytes[lastBlock.from + 700] = 1;
    expect(judge(files)).toMatchObject({ outcome: "damage", offset: lastBlock.from });
  });

  it("never cuts a block before the last one", () => {
    const { files } = makeJournal("several", "crashed", HERE);
    const { bytes } = files.at(-1) as JournalFile;
    bytes.fill(0, PAGE + 512, PAGE + 1024);
    expect(judge(files)).toMatchObject({ outcome: "damage", offset: PAGE });
  });

  it("takes no page of the same directory in another epoch", () => {
    const { files } = makeJournal("several", "crashed", HERE);
    const other = makeJournal("several", "crashed", OTHER_EPOCH).files.at(-1) as JournalFile;
    const { bytes, number } = files.at(-1) as JournalFile;
    bytes.set(other.bytes.subarray(PAGE, 2 * PAGE), PAGE);
    expect(judge(files)).toMatchObject({ outcome: "damage", number, offset: PAGE });
  });
});
