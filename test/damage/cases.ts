// Every way in which a journal is spoiled, numbered, so that a campaign can be cut into pieces and
// taken up again.
import type { Journal } from "./journals.ts";
import type { JournalFile, Touched } from "./table.ts";

const SECTOR = 512;
const PAGE = 4096;

export const KINDS = [
  "cut",
  "bit",
  "lostRest",
  "sectorZeroed",
  "longer",
  "pageZeroed",
  "pageDoubled",
  "pageSwapped",
  "pageOfOtherDirectory",
  "pageOfOtherEpoch",
  "torn",
  "fileMissing",
] as const;
export type KindName = (typeof KINDS)[number];

/** One way of spoiling: `count` cases, and the index-th of them done to the files. */
export interface Kind {
  readonly name: KindName;
  readonly count: number;
  spoil(index: number): Spoiled;
}

export interface Spoiled {
  readonly what: string;
  readonly files: readonly JournalFile[];
  /** Bytes that are others than before, where a file was not merely made shorter. */
  readonly touched: readonly Touched[];
  /** Puts back what was changed in place. */
  undo(): void;
}

/** Files of the same shape to take pages from. */
export interface Strangers {
  readonly otherDirectory: readonly JournalFile[];
  readonly otherEpoch: readonly JournalFile[];
}

/** Changes the journal's files in place and back again: only one case at a time. */
export function kindsOf(journal: Journal, strangers: Strangers): Kind[] {
  const { files } = journal;
  return [
    ...kindsOfFiles(files, strangers),
    ...(journal.ending === "crashed" ? [torn(journal)] : []),
    ...(files.length > 1 ? [fileMissing(files)] : []),
  ];
}

/** What may happen to files of any kind. */
export function kindsOfFiles(files: readonly JournalFile[], strangers: Strangers): Kind[] {
  return [
    cut(files),
    bit(files),
    lostRest(files),
    sectorZeroed(files),
    longer(files),
    pageZeroed(files),
    pageMoved("pageDoubled", files, files),
    pageSwapped(files),
    pageMoved("pageOfOtherDirectory", files, strangers.otherDirectory),
    pageMoved("pageOfOtherEpoch", files, strangers.otherEpoch),
  ];
}

/** A file ends after its first n bytes, for every n. */
function cut(files: readonly JournalFile[]): Kind {
  return overParts("cut", lengthsOf(files), (file, length) => ({
    what: `file ${nth(files, file).number} cut to ${length} bytes`,
    files: withFile(files, file, nth(files, file).bytes.subarray(0, length)),
    touched: [],
    undo: nothing,
  }));
}

/** Any one bit of a small file; of 64 KiB of a large one: its beginning, its middle and its end. */
function bit(files: readonly JournalFile[]): Kind {
  const ranges = files.flatMap(({ bytes }, file) => bitRanges(bytes.length, file));
  const counts = ranges.map(({ from, to }) => (to - from) * 8);
  return overParts("bit", counts, (range, rest) => {
    const { file, from } = ranges[range] as (typeof ranges)[number];
    const at = from + (rest >> 3);
    const { bytes, number } = nth(files, file);
    bytes[at] = (bytes[at] as number) ^ (1 << (rest & 7));
    return {
      what: `bit ${rest & 7} of byte ${at} of file ${number}`,
      files,
      touched: [{ number, from: at, to: at + 1 }],
      undo: () => {
        bytes[at] = (bytes[at] as number) ^ (1 << (rest & 7));
      },
    };
  });
}

function bitRanges(length: number, file: number): { file: number; from: number; to: number }[] {
  if (length <= 65536) return [{ file, from: 0, to: length }];
  const middle = Math.floor(length / 2 / PAGE) * PAGE;
  return [
    { file, from: 0, to: 16384 },
    { file, from: middle, to: middle + 16384 },
    { file, from: length - 32768, to: length },
  ];
}

/** Reads as zeros from byte n on: at every sector, and at every byte of the last eight pages. */
function lostRest(files: readonly JournalFile[]): Kind {
  const starts = files.flatMap(({ bytes }, file) => {
    const fine = bytes.length - 8 * PAGE;
    const all: { file: number; at: number }[] = [];
    for (let at = 0; at < bytes.length; at += at < fine ? SECTOR : 1) all.push({ file, at });
    return all;
  });
  return overParts("lostRest", [starts.length], (_, index) => {
    const { file, at } = starts[index] as (typeof starts)[number];
    const { number, bytes } = nth(files, file);
    return filled(files, `file ${number} empty from byte ${at} on`, file, at, bytes.length);
  });
}

function sectorZeroed(files: readonly JournalFile[]): Kind {
  const counts = lengthsOf(files).map((length) => Math.ceil(length / SECTOR));
  return overParts("sectorZeroed", counts, (file, sector) => {
    const at = sector * SECTOR;
    const what = `the sector at ${at} of file ${nth(files, file).number} empty`;
    return filled(files, what, file, at, Math.min(at + SECTOR, nth(files, file).bytes.length));
  });
}

/** All ways in which the sectors of the last block can have arrived. */
function torn(journal: Journal): Kind {
  const { files, lastBlock } = journal;
  const file = files.findIndex(({ number }) => number === lastBlock.number);
  const sectors = (lastBlock.to - lastBlock.from) / SECTOR;
  return overParts("torn", [1 << sectors], (_, mask) => {
    const { bytes, number } = nth(files, file);
    const before = bytes.slice(lastBlock.from, lastBlock.to);
    const touched: Touched[] = [];
    for (let sector = 0; sector < sectors; sector++) {
      if (((mask >> sector) & 1) === 1) continue;
      const from = lastBlock.from + sector * SECTOR;
      bytes.fill(0, from, from + SECTOR);
      touched.push({ number, from, to: from + SECTOR });
    }
    return {
      what: `of the last block arrived sectors 0b${mask.toString(2)}`,
      files,
      touched,
      undo: () => bytes.set(before, lastBlock.from),
    };
  });
}

/** Bytes behind the end, zeros or not. */
function longer(files: readonly JournalFile[]): Kind {
  const lengths = [1, 8, 508, SECTOR - 1, SECTOR, SECTOR + 1, PAGE - 1, PAGE, PAGE + 1, 16 * PAGE];
  const counts = files.map(() => lengths.length * 2);
  return overParts("longer", counts, (file, index) => {
    const { bytes, number } = nth(files, file);
    const extra = lengths[index >> 1] as number;
    const longerBytes = new Uint8Array(bytes.length + extra);
    longerBytes.set(bytes);
    if ((index & 1) === 1) longerBytes.fill(0x5a, bytes.length);
    return {
      what: `file ${number} longer by ${extra} bytes ${index & 1 ? "of something" : "of zeros"}`,
      files: withFile(files, file, longerBytes),
      touched: [{ number, from: bytes.length, to: longerBytes.length }],
      undo: nothing,
    };
  });
}

function pageZeroed(files: readonly JournalFile[]): Kind {
  const pages = pagesOf(files);
  return overParts("pageZeroed", [pages.length], (_, index) => {
    const { file, at } = pages[index] as (typeof pages)[number];
    const what = `the page at ${at} of file ${nth(files, file).number} empty`;
    return filled(files, what, file, at, at + PAGE);
  });
}

/** A page of `from` over any page of `files`. */
function pageMoved(
  name: "pageDoubled" | "pageOfOtherDirectory" | "pageOfOtherEpoch",
  files: readonly JournalFile[],
  from: readonly JournalFile[],
): Kind {
  const targets = pagesOf(files);
  const sources = pagesOf(from);
  return overParts(name, [targets.length * sources.length], (_, index) => {
    const target = targets[index % targets.length] as (typeof targets)[number];
    const source = sources[Math.floor(index / targets.length)] as (typeof sources)[number];
    const { number, bytes } = nth(files, target.file);
    const before = bytes.slice(target.at, target.at + PAGE);
    bytes.set(nth(from, source.file).bytes.slice(source.at, source.at + PAGE), target.at);
    const whose = from === files ? "" : " of another journal";
    return {
      what: `page ${source.at} of file ${source.file + 1}${whose} over ${target.at} of ${number}`,
      files,
      touched: [{ number, from: target.at, to: target.at + PAGE }],
      undo: () => bytes.set(before, target.at),
    };
  });
}

function pageSwapped(files: readonly JournalFile[]): Kind {
  const pages = pagesOf(files);
  const count = (pages.length * (pages.length - 1)) / 2;
  return overParts("pageSwapped", [count], (_, index) => {
    // Pair (low, high), low < high: the high ones one after the other, each with all below it.
    const high = Math.floor((1 + Math.sqrt(1 + 8 * index)) / 2);
    const low = index - (high * (high - 1)) / 2;
    const a = pages[low] as (typeof pages)[number];
    const b = pages[high] as (typeof pages)[number];
    const first = nth(files, a.file);
    const second = nth(files, b.file);
    swap(first.bytes, a.at, second.bytes, b.at);
    return {
      what: `pages ${a.at} of file ${first.number} and ${b.at} of file ${second.number} swapped`,
      files,
      touched: [
        { number: first.number, from: a.at, to: a.at + PAGE },
        { number: second.number, from: b.at, to: b.at + PAGE },
      ],
      undo: () => swap(first.bytes, a.at, second.bytes, b.at),
    };
  });
}

function swap(a: Uint8Array, atA: number, b: Uint8Array, atB: number): void {
  const page = a.slice(atA, atA + PAGE);
  a.set(b.slice(atB, atB + PAGE), atA);
  b.set(page, atB);
}

/** Only with those behind it gone too is a missing file not a gap; then meta.json tells. */
function fileMissing(files: readonly JournalFile[]): Kind {
  return overParts("fileMissing", [files.length], (_, index) => ({
    what: `file ${nth(files, index).number} is not there`,
    files: files.filter((_file, i) => i !== index),
    touched: [],
    undo: nothing,
  }));
}

function overParts(
  name: KindName,
  counts: readonly number[],
  spoil: (part: number, rest: number) => Spoiled,
): Kind {
  const count = counts.reduce((sum, part) => sum + part, 0);
  return {
    name,
    count,
    spoil: (index) => {
      let rest = index;
      let part = 0;
      while (rest >= (counts[part] as number)) rest -= counts[part++] as number;
      return spoil(part, rest);
    },
  };
}

function filled(
  files: readonly JournalFile[],
  what: string,
  file: number,
  from: number,
  to: number,
): Spoiled {
  const { number, bytes } = nth(files, file);
  const before = bytes.slice(from, to);
  bytes.fill(0, from, to);
  return { what, files, touched: [{ number, from, to }], undo: () => bytes.set(before, from) };
}

function withFile(files: readonly JournalFile[], index: number, bytes: Uint8Array): JournalFile[] {
  return files.map((file, i) => (i === index ? { number: file.number, bytes } : file));
}

function pagesOf(files: readonly JournalFile[]): { file: number; at: number }[] {
  return files.flatMap(({ bytes }, file) =>
    Array.from({ length: Math.floor(bytes.length / PAGE) }, (_, page) => ({
      file,
      at: page * PAGE,
    })),
  );
}

function lengthsOf(files: readonly JournalFile[]): number[] {
  return files.map(({ bytes }) => bytes.length);
}

function nth(files: readonly JournalFile[], index: number): JournalFile {
  return files[index] as JournalFile;
}

function nothing(): void {}
