import { describe, expect, it } from "vitest";
import { BlockHeader, blockKey, sectorChecksum } from "../../../engine/journal/block-format.ts";
import { DamageError } from "../../../engine/journal/errors.ts";
import { JournalReader } from "../../../engine/journal/journal-reader.ts";
import { findJournalEnd } from "../../../engine/journal/journal-recovery.ts";
import { JournalWriter } from "../../../engine/journal/journal-writer.ts";
import { PowerLoss, SECTOR, type SimulatedDisk } from "../../simulation/simulated-disk.ts";
import {
  appendCommands,
  DIRECTORY,
  LAST_FILE,
  makeJournal,
  OPTIONS,
  openOutcome,
} from "./small-journal.ts";

/** 1: every bit and every length. The default keeps the test within seconds. */
const STEP = Number(process.env.CROSSBOOK_DAMAGE_STEP ?? 29);
const BLOCKS = [5, 40, 1, 60];
const PAGE = 4096;

const closed = makeJournal(BLOCKS, "closed");
const crashed = makeJournal(BLOCKS, "crashed");
const lastSeq = BLOCKS.reduce((sum, count) => sum + count);
const beforeLast = lastSeq - (BLOCKS.at(-1) as number);

/** Offset and length of the last block that holds commands: the first page of which is not empty. */
function lastBlock(disk: SimulatedDisk): { start: number; end: number } {
  const bytes = disk.bytesAt(LAST_FILE);
  const starts: number[] = [];
  for (let at = PAGE; at < bytes.length; at += PAGE) {
    if (Buffer.from(bytes.subarray(at, at + 8)).toString("latin1") === "CROSSBLK") starts.push(at);
  }
  const start = starts[BLOCKS.length - 1] as number;
  const sectors = new DataView(bytes.buffer, bytes.byteOffset).getUint32(start + 12, true);
  return { start, end: start + sectors * SECTOR };
}

/** A copy of the journal with its file changed by `spoil`; false: there is nothing to spoil. */
function spoiled(disk: SimulatedDisk, spoil: (bytes: Uint8Array) => void): SimulatedDisk {
  const copy = disk.copy();
  spoil(copy.bytesAt(LAST_FILE));
  return copy;
}

const bytesOf = (disk: SimulatedDisk): number => disk.bytesAt(LAST_FILE).length;

describe.each([
  ["closed cleanly", closed],
  ["cut off by a crash", crashed],
] as const)("a journal %s", (_, disk) => {
  it("is accepted as it is", () => {
    expect(openOutcome(disk.copy())).toEqual({ lastSeq, cutBytes: 0 });
  });

  it("is refused, and left alone, with any one bit flipped", () => {
    for (let bit = 0; bit < bytesOf(disk) * 8; bit += STEP) {
      const copy = spoiled(disk, (bytes) => {
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      });
      expect(openOutcome(copy), `bit ${bit}`).toMatchObject({ changed: false });
    }
  });

  it("is refused, and left alone, when cut short anywhere", () => {
    for (let length = 0; length < bytesOf(disk); length += length % SECTOR === 0 ? 1 : STEP) {
      const copy = disk.copy();
      copy.replace(LAST_FILE, disk.bytesAt(LAST_FILE).slice(0, length));
      expect(openOutcome(copy), `length ${length}`).toMatchObject({ changed: false });
    }
  });

  it("is refused when longer than it was", () => {
    for (const extra of [1, SECTOR]) {
      const copy = disk.copy();
      const longer = new Uint8Array(bytesOf(disk) + extra);
      longer.set(disk.bytesAt(LAST_FILE));
      copy.replace(LAST_FILE, longer);
      expect(openOutcome(copy)).toMatchObject({ changed: false });
    }
  });

  it("is refused when two pages changed places or one was written twice", () => {
    const pages = bytesOf(disk) / PAGE;
    for (let from = 0; from < pages; from++) {
      for (let to = 0; to < pages; to++) {
        const original = disk.bytesAt(LAST_FILE);
        const a = original.slice(from * PAGE, (from + 1) * PAGE);
        const b = original.slice(to * PAGE, (to + 1) * PAGE);
        if (Buffer.compare(a, b) === 0) continue;
        const doubled = spoiled(disk, (bytes) => bytes.set(a, to * PAGE));
        // A page of zeros over the last block is what a block that never arrived looks like.
        const isEmptied = a.every((byte) => byte === 0);
        const outcome = openOutcome(doubled);
        if (!isEmptied)
          expect(outcome, `page ${from} over ${to}`).toMatchObject({ changed: false });
        const swapped = spoiled(disk, (bytes) => {
          bytes.set(a, to * PAGE);
          bytes.set(b, from * PAGE);
        });
        expect(openOutcome(swapped), `${from} and ${to}`).toMatchObject({ changed: false });
      }
    }
  });
});

describe("a segment that the last block leaves full", () => {
  /** Six pages behind the header leave one of the 32 KiB: the closing block would fill it. */
  const full = makeJournal([1, 2, 3, 4, 5, 6], "closed");

  it("is not closed in itself, so that a lost closing block shows", () => {
    const next = `${DIRECTORY}/00000002.journal`;
    expect(full.bytesAt(LAST_FILE).length).toBe(OPTIONS.firstSegmentBytes);
    const closing = full.bytesAt(next);
    expect(closing.length).toBe(2 * PAGE);
    for (let at = 0; at < closing.length; at += SECTOR) {
      const copy = full.copy();
      copy.bytesAt(next).fill(0, at, closing.length);
      const isSpoiled = closing.subarray(at).some((byte) => byte !== 0);
      if (isSpoiled) expect(openOutcome(copy), `byte ${at}`).toMatchObject({ changed: false });
    }
  });
});

describe("an emptied sector or page", () => {
  it("is refused anywhere in a journal closed cleanly", () => {
    for (const size of [SECTOR, PAGE]) {
      for (let at = 0; at < bytesOf(closed); at += size) {
        if (
          closed
            .bytesAt(LAST_FILE)
            .subarray(at, at + size)
            .every((byte) => byte === 0)
        )
          continue;
        const copy = spoiled(closed, (bytes) => bytes.fill(0, at, at + size));
        expect(openOutcome(copy), `byte ${at}`).toMatchObject({ changed: false });
      }
    }
  });

  it("is a torn tail in the last block after a crash, and damage anywhere else", () => {
    const { start, end } = lastBlock(crashed);
    for (const size of [SECTOR, PAGE]) {
      for (let at = 0; at < end; at += size) {
        if (
          crashed
            .bytesAt(LAST_FILE)
            .subarray(at, at + size)
            .every((byte) => byte === 0)
        )
          continue;
        const outcome = openOutcome(spoiled(crashed, (bytes) => bytes.fill(0, at, at + size)));
        if (at < start) expect(outcome, `byte ${at}`).toMatchObject({ changed: false });
        else expect(outcome, `byte ${at}`).toMatchObject({ lastSeq: beforeLast });
      }
    }
  });

  it("is refused in the last block once a later block says that it was durable", () => {
    const disk = makeJournal(BLOCKS, "crashed");
    const writer = JournalWriter.open(disk, DIRECTORY, OPTIONS);
    writer.abandon();
    const { start } = lastBlock(crashed);
    for (const size of [SECTOR, PAGE]) {
      const copy = spoiled(disk, (bytes) => bytes.fill(0, start, start + size));
      expect(openOutcome(copy)).toMatchObject({ changed: false });
    }
  });
});

describe("a torn tail", () => {
  /** All ways in which the last block's sectors can have arrived. */
  function* tornTails(): Generator<{ disk: SimulatedDisk; arrived: boolean[] }> {
    const { start, end } = lastBlock(crashed);
    const sectors = (end - start) / SECTOR;
    for (let mask = 0; mask < 1 << sectors; mask += sectors > 8 ? 37 : 1) {
      const arrived = Array.from({ length: sectors }, (_, i) => ((mask >> i) & 1) === 1);
      const disk = spoiled(crashed, (bytes) => {
        for (const [i, isHere] of arrived.entries()) {
          if (!isHere) bytes.fill(0, start + i * SECTOR, start + (i + 1) * SECTOR);
        }
      });
      yield { disk, arrived };
    }
  }

  it("is cut whichever sectors arrived, and kept aside", () => {
    for (const { disk, arrived } of tornTails()) {
      const original = disk.bytesAt(LAST_FILE).slice();
      const { start } = lastBlock(crashed);
      const outcome = openOutcome(disk);
      const isWhole = arrived.every(Boolean);
      expect(outcome).toMatchObject({ lastSeq: isWhole ? lastSeq : beforeLast });
      if (isWhole || !arrived.some(Boolean)) {
        expect(outcome).toMatchObject({ cutBytes: 0 });
        continue;
      }
      const kept = disk.bytesAt(`${DIRECTORY}/cut-00000001-${start}.bin`);
      expect(Buffer.compare(kept, original.subarray(start, start + kept.length))).toBe(0);
    }
  });

  it("is refused with a bit flipped in what arrived of it, or behind it", () => {
    const { start } = lastBlock(crashed);
    let round = 0;
    for (const { disk, arrived } of tornTails()) {
      if (arrived.every(Boolean)) continue;
      const sector = round++ % arrived.length;
      const at = start + sector * SECTOR + (round % SECTOR);
      const copy = spoiled(disk, (bytes) => {
        bytes[at] = (bytes[at] as number) ^ 4;
      });
      expect(openOutcome(copy)).toMatchObject({ changed: false });
    }
  });
});

describe("a crash in recovery", () => {
  it("is like any other, at whichever call, and what is cut is kept", () => {
    const { start, end } = lastBlock(crashed);
    const torn = spoiled(crashed, (bytes) => bytes.fill(0, start + SECTOR, start + 3 * SECTOR));
    const tail = torn.bytesAt(LAST_FILE).slice(start, end);
    const whole = torn.copy();
    expect(openOutcome(whole)).toMatchObject({ lastSeq: beforeLast });
    for (let calls = 1; calls <= whole.calls; calls++) {
      const disk = torn.copy();
      disk.losePowerAfter(calls);
      try {
        openOutcome(disk);
      } catch (error) {
        if (!(error instanceof PowerLoss)) throw error;
      }
      disk.restart();
      expect(openOutcome(disk), `call ${calls}`).toMatchObject({ lastSeq: beforeLast });
      const kept = disk.bytesAt(`${DIRECTORY}/cut-00000001-${start}.bin`);
      expect(Buffer.compare(kept, tail), `call ${calls}: the cut bytes`).toBe(0);
    }
  });
});

describe("an edited command with every checksum made right again", () => {
  /** Changes a client order id in the second block and seals its sectors anew. */
  function forge(disk: SimulatedDisk): void {
    const bytes = disk.bytesAt(LAST_FILE);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    const start = 2 * PAGE;
    const header = new BlockHeader();
    expect(header.decode(new DataView(bytes.buffer, bytes.byteOffset), start)).toBe(true);
    bytes[start + 250] = (bytes[start + 250] as number) ^ 1;
    const key = blockKey(header.directoryId, header.epoch, header.blockNumber);
    words[(start + 508) >> 2] = sectorChecksum(words, start >> 2, key, 0);
  }

  function drain(disk: SimulatedDisk): void {
    const reader = JournalReader.open(disk, DIRECTORY, { bufferBytes: 8192 });
    try {
      while (reader.next());
    } finally {
      reader.close();
    }
  }

  it("is found by the chain", () => {
    for (const disk of [closed.copy(), crashed.copy()]) {
      forge(disk);
      expect(() => drain(disk)).toThrow(/\(chain\)/);
    }
  });

  it("is found by the chain into the next file", () => {
    const disk = makeJournal([5, 40], "crashed");
    JournalWriter.open(disk, DIRECTORY, OPTIONS).abandon();
    forge(disk);
    expect(() => drain(disk)).toThrow(/00000002.*\(chain\)/);
  });
});

describe("a last block whose header says something else, with every checksum made right", () => {
  const changes: Record<string, (header: BlockHeader) => void> = {
    "a later first seq": (header) => {
      header.firstSeq++;
      header.lastSeq++;
    },
    "a first seq that was there": (header) => {
      header.firstSeq--;
      header.lastSeq--;
    },
    "another number of records": (header) => header.recordCount++,
    "another last seq": (header) => header.lastSeq++,
    "the number of another block": (header) => header.blockNumber++,
    "another epoch": (header) => header.epoch++,
    "another directory": (header) => header.directoryId.fill(1),
    "the kind of the event log": (header) => {
      header.kind = 2;
    },
    "more durable than was there": (header) => {
      header.durableSeq = lastSeq;
    },
    "another length": (header) => {
      header.sectors += 8;
    },
    "another chain": (header) => header.previousChain.fill(1),
  };

  it.each(Object.entries(changes))("%s: is refused", (_, change) => {
    const { start } = lastBlock(crashed);
    const disk = spoiled(crashed, (bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
      const header = new BlockHeader();
      header.decode(view, start);
      // The sectors stay those of this place: else their checksums alone would tell.
      const key = blockKey(header.directoryId, header.epoch, header.blockNumber);
      change(header);
      header.encode(view, start);
      words[(start + 508) >> 2] = sectorChecksum(words, start >> 2, key, 0);
    });
    // By the header alone, before any record of the block is read.
    expect(() => findJournalEnd(disk, DIRECTORY)).toThrow(DamageError);
    expect(openOutcome(disk)).toMatchObject({ changed: false });
  });
});

describe("files", () => {
  function threeEpochs(): SimulatedDisk {
    const disk = makeJournal(BLOCKS, "closed");
    for (let epoch = 2; epoch <= 3; epoch++) {
      const writer = JournalWriter.open(disk, DIRECTORY, OPTIONS);
      appendCommands(writer, 10);
      writer.commit();
      writer.close();
    }
    return disk.copy();
  }
  const third = `${DIRECTORY}/00000003.journal`;

  it("are refused with one missing in the middle", () => {
    const disk = threeEpochs();
    disk.unlink(`${DIRECTORY}/00000002.journal`);
    expect(openOutcome(disk)).toMatchObject({ refused: "segmentMissing" });
  });

  it("are refused with the first one missing", () => {
    const disk = threeEpochs();
    disk.unlink(LAST_FILE);
    expect(openOutcome(disk)).toMatchObject({ refused: "segmentMissing" });
  });

  it("are refused by the seq before a last one whose header is damaged", () => {
    const disk = threeEpochs();
    disk.bytesAt(third).fill(0, 0, SECTOR);
    const open = () => JournalWriter.open(disk, DIRECTORY, OPTIONS);
    expect(open).toThrow(/00000003.journal is damaged at byte 0, after seq 116:/);
  });

  it("are refused with the last one missing, once its epoch is known to have begun", () => {
    const disk = threeEpochs();
    disk.unlink(third);
    const open = () => JournalWriter.open(disk, DIRECTORY, { ...OPTIONS, knownEpoch: 3 });
    expect(open).toThrow(/lostSegments/);
  });

  it("are refused with one taken from another journal", () => {
    const other = makeJournal([3], "closed");
    const disk = threeEpochs();
    disk.replace(third, other.bytesAt(LAST_FILE));
    expect(openOutcome(disk)).toMatchObject({ changed: false });
  });

  it("are refused when an earlier one has lost its last block", () => {
    const disk = threeEpochs();
    const second = `${DIRECTORY}/00000002.journal`;
    disk.replace(second, disk.bytesAt(second).slice(0, 2 * PAGE));
    expect(openOutcome(disk)).toMatchObject({ changed: false });
  });
});
