import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DamageError } from "../../../engine/journal/errors.ts";
import { JournalReader } from "../../../engine/journal/journal-reader.ts";
import { JournalWriter } from "../../../engine/journal/journal-writer.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { ReadAheadCursor } from "../../../engine/threads/read-ahead.ts";
import { commandBytes, DIRECTORY_ID } from "../journal/records.ts";

const COMMANDS = 60_000;

const disk = new NodeDisk();
let directory: string;

beforeEach(() => {
  directory = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-read-ahead-")), "journal");
  const writer = JournalWriter.open(disk, directory, {
    directoryId: DIRECTORY_ID,
    durability: "os",
    segmentBytes: 2 << 20,
    firstSegmentBytes: 2 << 20,
  });
  // Small blocks and large ones, more than the ring of batches holds.
  for (let seq = 1; seq <= COMMANDS; seq++) {
    const bytes = commandBytes(seq);
    if (!writer.hasRoom(bytes.length)) writer.commit();
    writer.append(bytes, 0, bytes.length);
    if (seq < 20_000 ? seq % 5 === 0 : seq % 3_000 === 0) writer.commit();
  }
  writer.commit();
  writer.close();
});

afterEach(() => fs.rmSync(path.dirname(directory), { recursive: true, force: true }));

interface Seen {
  readonly chains: string[];
  readonly commands: string[];
  readonly end: unknown;
  readonly place: unknown;
}

function read(isAhead: boolean, fromSeq?: number): Seen {
  const chains: string[] = [];
  const commands: string[] = [];
  const openBlocks = (segment: number | undefined) =>
    new ReadAheadCursor(disk, directory, { segment });
  const reader = JournalReader.open(disk, directory, {
    ...(isAhead ? { openBlocks } : {}),
    ...(fromSeq === undefined ? {} : { fromSeq }),
    onBlock: ({ chain, blockNumber, epoch, lastSeq, lastTimestampUs }) => {
      const hex = Buffer.from(chain).toString("hex");
      chains.push([blockNumber, epoch, lastSeq, lastTimestampUs, hex].join(" "));
    },
  });
  try {
    while (reader.next()) {
      const { offset, length, bytes } = reader;
      commands.push(Buffer.from(bytes.buffer, offset, length).toString("latin1"));
    }
    expect(reader.next()).toBe(false);
    return { chains, commands, end: reader.end, place: reader.place };
  } finally {
    reader.close();
  }
}

describe("a journal that is read ahead", () => {
  it("gives the same commands, chain values, places and end as one that is read as needed", () => {
    const ahead = read(true);
    expect(ahead.commands).toHaveLength(COMMANDS);
    expect(ahead).toEqual(read(false));
  });

  it("can start at any command", () => {
    const { commands } = read(true, 55_123);
    expect(commands).toHaveLength(COMMANDS - 55_122);
    expect(commands[0]).toBe(Buffer.from(commandBytes(55_123)).toString("latin1"));
  });

  it("ends at damage with the same error, after all that stands before it", () => {
    const file = path.join(directory, "00000002.journal");
    const bytes = fs.readFileSync(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    fs.writeFileSync(file, bytes);
    const errors = [true, false].map((isAhead) => {
      try {
        read(isAhead);
      } catch (error) {
        const { name, message, code, offset, seq } = error as DamageError;
        return { name, message, code, offset, seq };
      }
      return null;
    });
    expect(errors[0]?.message).toContain("00000002.journal is damaged at byte ");
    expect(errors[0]).toEqual(errors[1]);
  });

  it("may be left before its end", () => {
    const cursor = new ReadAheadCursor(disk, directory, {});
    expect(cursor.next()).toBe(true);
    expect(cursor.block.firstSeq).toBe(1);
    cursor.close();
  });
});
