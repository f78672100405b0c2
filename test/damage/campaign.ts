// Does recovery with every spoiled journal what the table says? Refused: with the right file and seq,
// and nothing changed. Taken: the right commands and no others, a torn tail cut and kept.
import { DamageError } from "../../engine/journal/errors.ts";
import { JournalReader } from "../../engine/journal/journal-reader.ts";
import { inspectJournal, type JournalEnd, openJournal } from "../../engine/journal/opening.ts";
import { commandBytes } from "../engine/journal/records.ts";
import { type Kind, type KindName, kindsOf, type Spoiled } from "./cases.ts";
import {
  directoryWith,
  type Ending,
  HERE,
  JOURNAL,
  type Journal,
  makeJournal,
  OTHER_DIRECTORY,
  OTHER_EPOCH,
  pathOf,
  ROOT,
  type Shape,
} from "./journals.ts";
import { SpoiledDisk } from "./spoiled-disk.ts";
import { type Expected, type JournalFile, RecoveryTable } from "./table.ts";

export interface DamageCounts {
  cases: number;
  refused: number;
  /** Taken as they were: an end that a crash might have left, or what was changed means nothing. */
  taken: number;
  /** Taken, and the tail was cut. */
  torn: number;
  /** Refused when opened, and read by the auditor's reader too, which must say the same. */
  readToo: number;
}

export function emptyDamageCounts(): DamageCounts {
  return { cases: 0, refused: 0, taken: 0, torn: 0, readToo: 0 };
}

/** Of the journals that are refused as soon as they are opened, one in so many is also read. */
const READ_EVERY = 16;

export class DamageCampaign {
  readonly journal: Journal;
  readonly kinds: readonly Kind[];
  readonly #table: RecoveryTable;
  readonly #disk = new SpoiledDisk();
  readonly #chains = new Map<number, Uint8Array>();
  readonly #buffer: number;

  constructor(shape: Shape, ending: Ending) {
    this.journal = makeJournal(shape, ending, HERE);
    const { files, meta, maxBlockBytes } = this.journal;
    this.kinds = kindsOf(this.journal, {
      otherDirectory: makeJournal(shape, ending, OTHER_DIRECTORY).files,
      otherEpoch: makeJournal(shape, ending, OTHER_EPOCH).files,
    });
    this.#table = new RecoveryTable(files);
    this.#buffer = maxBlockBytes;
    this.#disk.set(`${ROOT}/meta.json`, meta);
    this.#place(files);
    this.#rememberChains();
  }

  kind(name: KindName): Kind | undefined {
    return this.kinds.find((kind) => kind.name === name);
  }

  /** Throws an Error that says what differs. */
  check(kind: Kind, index: number, counts: DamageCounts): void {
    const spoiled = kind.spoil(index);
    try {
      this.#place(spoiled.files);
      this.#compare(spoiled, index, counts);
    } catch (error) {
      const { shape, ending } = this.journal;
      const where = `${shape}, ${ending}, ${kind.name} ${index}: ${spoiled.what}`;
      throw new Error(`${where}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    } finally {
      spoiled.undo();
    }
  }

  #compare(spoiled: Spoiled, index: number, counts: DamageCounts): void {
    const expected = this.#expected(spoiled);
    counts.cases++;
    let end: JournalEnd | undefined;
    try {
      end = inspectJournal(this.#disk, ROOT);
    } catch (error) {
      this.#checkRefusal(error, expected, spoiled);
    }
    if (end === undefined) {
      counts.refused++;
      if (index % READ_EVERY !== 0) return;
      counts.readToo++;
      // What only meta.json can show is not the reader's to see.
      if (expected.outcome === "damage") this.#checkRefusal(this.#read(), expected, spoiled);
      return;
    }
    const failure = this.#read();
    if (failure !== undefined) {
      this.#checkRefusal(failure, expected, spoiled);
      counts.refused++;
      return;
    }
    if (expected.outcome === "damage") {
      throw new Error(`taken (${end.state}, seq ${end.lastSeq}), not refused`);
    }
    if (end.state !== expected.outcome || end.lastSeq !== expected.lastSeq) {
      const wanted = `${expected.outcome} at seq ${expected.lastSeq}`;
      throw new Error(`taken as ${end.state} at seq ${end.lastSeq}, not as ${wanted}`);
    }
    const { ending, lastSeq } = this.journal;
    const isWhole = end.state === "closed" && end.lastSeq === lastSeq;
    if (ending === "closed" && !isWhole)
      throw new Error("closed cleanly, and yet something is gone");
    this.#open(spoiled.files, expected);
    if (end.state === "torn") counts.torn++;
    else counts.taken++;
  }

  /** By the table, and by the two signs of loss that it names besides. */
  #expected(spoiled: Spoiled): Expected {
    const { files, touched } = spoiled;
    const gap = files.findIndex((file, i) => file.number !== i + 1);
    if (gap >= 0) return { outcome: "damage", number: gap + 1, lastSeq: 0, offset: 0 };
    const expected = this.#table.judge(files, touched);
    if (expected.outcome === "damage") return expected;
    // meta.json knows how many epochs have begun, and there is one for each file.
    if (files.length < this.journal.files.length) {
      const { number, lastSeq } = expected;
      return { outcome: "damage", number, lastSeq, offset: 0 };
    }
    return expected;
  }

  #checkRefusal(error: unknown, expected: Expected, spoiled: Spoiled): void {
    if (!(error instanceof DamageError)) {
      if (error === undefined) throw new Error("read to the end, not refused");
      throw error;
    }
    if (expected.outcome !== "damage") throw new Error(`refused: ${error.message}`);
    if (this.#disk.changes !== 0) throw new Error("refused, but something was changed");
    // Of two files that are damaged either may be named: the last one is looked at first.
    const { touched } = spoiled;
    const areTwo = touched.some(({ number }) => number !== touched[0]?.number);
    if (areTwo && touched.some(({ number }) => error.file === pathOf(number))) return;
    const isNamed =
      error.file === pathOf(expected.number) &&
      error.seq === expected.lastSeq &&
      error.offset >= expected.offset;
    if (isNamed) return;
    const { number, lastSeq, offset } = expected;
    throw new Error(`"${error.message}": not file ${number}, from ${offset}, seq ${lastSeq}`);
  }

  /** As an auditor reads. Returns what it is refused with; throws where it was given wrong data. */
  #read(): unknown {
    const chains = this.#chains;
    let reader: JournalReader | undefined;
    try {
      reader = JournalReader.open(this.#disk, JOURNAL, {
        bufferBytes: this.#buffer,
        onBlock: ({ blockNumber, chain }) => {
          const known = chains.get(blockNumber);
          if (known === undefined || Buffer.compare(known, chain) !== 0) {
            throw new WrongData(`block ${blockNumber} was read with other bytes`);
          }
        },
      });
      while (reader.next());
      return undefined;
    } catch (error) {
      if (error instanceof WrongData) throw error;
      return error;
    } finally {
      reader?.close();
    }
  }

  /** The whole way of a start: recovery, a new writer, and the journal read back afterwards. */
  #open(files: readonly JournalFile[], expected: Exclude<Expected, { outcome: "damage" }>): void {
    const disk = directoryWith(this.journal, files);
    const end = inspectJournal(disk, ROOT);
    const writer = openJournal(disk, ROOT, end, {
      durability: "fsync",
      maxBlockBytes: this.journal.maxBlockBytes,
      segmentBytes: 4 * this.journal.maxBlockBytes,
      firstSegmentBytes: 2 * this.journal.maxBlockBytes,
    });
    const { cut } = writer.recovery;
    writer.close();
    if ((cut !== undefined) !== (expected.outcome === "torn")) throw new Error("cut, or not cut");
    if (cut !== undefined) {
      const { bytes } = files[expected.number - 1] as JournalFile;
      const kept = disk.bytesAt(cut.keptIn);
      const before = bytes.subarray(expected.offset, expected.offset + kept.length);
      if (Buffer.compare(kept, before) !== 0) throw new Error("what was cut was not kept");
      const rest = bytes.subarray(expected.offset + kept.length);
      if (rest.some((byte) => byte !== 0)) throw new Error("less was kept than was cut");
    }
    const reader = JournalReader.open(disk, JOURNAL, { bufferBytes: this.#buffer });
    while (reader.next()) {
      const given = reader.bytes.subarray(reader.offset, reader.offset + reader.length);
      const record = reader.takenOut ?? given;
      if (Buffer.compare(record, commandBytes(reader.seq)) !== 0) {
        throw new Error(`seq ${reader.seq} has other bytes after recovery`);
      }
    }
    reader.close();
    if (reader.seq !== expected.lastSeq) {
      throw new Error(`${reader.seq} commands after recovery, not ${expected.lastSeq}`);
    }
  }

  #place(files: readonly JournalFile[]): void {
    for (const { number } of this.journal.files) {
      this.#disk.set(pathOf(number), files.find((file) => file.number === number)?.bytes);
    }
  }

  #rememberChains(): void {
    const reader = JournalReader.open(this.#disk, JOURNAL, {
      bufferBytes: this.#buffer,
      onBlock: ({ blockNumber, chain }) => this.#chains.set(blockNumber, chain.slice()),
    });
    while (reader.next());
    reader.close();
    if (reader.seq !== this.journal.lastSeq) throw new Error("the journal is not what was written");
  }
}

class WrongData extends Error {}
