import { describe, expect, it } from "vitest";
import { openMeta, readMeta, recordEpoch } from "../../../engine/journal/data-directory.ts";
import { readFile, replaceFile } from "../../../engine/journal/disk.ts";
import { Random } from "../../simulation/random.ts";
import { PowerLoss, SimulatedDisk } from "../../simulation/simulated-disk.ts";
import { DIRECTORY_ID } from "./records.ts";

const ROOT = "/data";

function newDirectory(): SimulatedDisk {
  const disk = new SimulatedDisk(new Random(1));
  openMeta(disk, ROOT, { nowUs: 0, directoryId: DIRECTORY_ID });
  return disk;
}

describe("meta.json", () => {
  it("is on the disk, under its name, when it has been written", () => {
    const disk = newDirectory();
    disk.restartWithoutUnsynced();
    expect(readMeta(disk, ROOT)).toMatchObject({
      epoch: 0,
      directoryId: expect.stringMatching(/^a0a1/),
    });
    for (const epoch of [1, 2]) {
      recordEpoch(disk, ROOT, epoch);
      disk.restartWithoutUnsynced();
      expect(readMeta(disk, ROOT).epoch).toBe(epoch);
    }
  });

  it.each([
    ["not JSON", "{"],
    ["something else", "[]"],
    ["without an epoch", JSON.stringify({ formatVersion: 1, directoryId: "ab" })],
  ])("is refused when it is %s", (_, text) => {
    const disk = newDirectory();
    disk.replace(`${ROOT}/meta.json`, Buffer.from(text));
    expect(() => readMeta(disk, ROOT)).toThrow(expect.objectContaining({ code: "badMeta" }));
  });

  it("is not made anew where it has been lost", () => {
    const disk = newDirectory();
    disk.makeDirectory(`${ROOT}/journal`);
    disk.replace(`${ROOT}/journal/00000001.journal`, new Uint8Array(4096));
    disk.unlink(`${ROOT}/meta.json`);
    expect(() => openMeta(disk, ROOT, { nowUs: 0 })).toThrow(/no meta.json/);
  });
});

describe("replacing a file", () => {
  it("leaves the old one or the new one, whole, when the power goes at any call", () => {
    const old = new Uint8Array(3000).fill(1);
    const fresh = new Uint8Array(2000).fill(2);
    const seen = new Set<number>();
    for (let seed = 1; seed <= 20; seed++) {
      const before = new SimulatedDisk(new Random(seed));
      before.makeDirectory(ROOT);
      replaceFile(before, ROOT, "a", old);
      before.syncDirectory("/");
      const whole = before.fork(new Random(seed));
      replaceFile(whole, ROOT, "a", fresh);
      for (let call = 1; call <= whole.calls; call++) {
        const disk = before.fork(new Random(seed));
        disk.losePowerAfter(call);
        expect(() => replaceFile(disk, ROOT, "a", fresh)).toThrow(PowerLoss);
        disk.restart();
        const bytes = readFile(disk, `${ROOT}/a`);
        const first = bytes?.[0] ?? 0;
        seen.add(first);
        expect(bytes, `seed ${seed}, call ${call}`).toEqual(first === 1 ? old : fresh);
      }
    }
    expect([...seen].sort()).toEqual([1, 2]);
  });
});
