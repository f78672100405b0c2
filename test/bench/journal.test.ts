import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { measureAppend } from "../../bench/journal/append.ts";

test.each([false, true])(
  "journal and bare loop append as many bytes in pieces of the same size, and leave no file (laid out meanwhile: %s)",
  (laysOut) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-append-"));
    const pairs = measureAppend({
      directory,
      blockKib: [8, 64],
      sliceSeconds: 0.05,
      pairs: 2,
      laysOut,
    });
    expect(pairs.map((pair) => pair.blockKib)).toEqual([8, 64, 8, 64]);
    for (const { blockKib, journal, bare } of pairs) {
      expect(journal.bytes).toBe(journal.commits * blockKib * 1024);
      expect(bare.bytes).toBe(bare.commits * blockKib * 1024);
      expect(journal.commands).toBeGreaterThan(journal.commits * 5 * blockKib);
      expect(Math.min(journal.commits, bare.commits)).toBeGreaterThan(0);
    }
    expect(fs.readdirSync(directory)).toEqual([]);
    fs.rmSync(directory, { recursive: true });
  },
);
