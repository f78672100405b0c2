// Snapshots made by following a recorded journal, on a disk that may fail.
import { describe, expect, it } from "vitest";
import { directoryIdOf, readMeta } from "../../../../engine/journal/data-directory.ts";
import { DamageError, DiskError } from "../../../../engine/journal/errors.ts";
import { openTail } from "../../../../engine/snapshot/journal-tail.ts";
import { SectionId } from "../../../../engine/snapshot/rows.ts";
import { openSnapshot } from "../../../../engine/snapshot/snapshot-format.ts";
import {
  findSnapshot,
  listSnapshots,
  retainSnapshots,
  snapshotName,
  snapshotsPath,
  writeSnapshot,
} from "../../../../engine/snapshot/snapshot-store.ts";
import { Shadow } from "../../../../gateway/server/snapshot/shadow.ts";
import { CAPACITY, RecordingServer, sendDay } from "../../../replay/recorded-directory.ts";
import { Random } from "../../../simulation/random.ts";
import { PowerLoss, SimulatedDisk } from "../../../simulation/simulated-disk.ts";

const DIRECTORY = "/data";
const BUFFER_BYTES = 8192;

function record(orders: number, seed = 1) {
  const disk = new SimulatedDisk(new Random(seed));
  const server = new RecordingServer(disk, DIRECTORY);
  sendDay(server, orders, seed);
  sendSpot(server);
  const { lastSeq } = server;
  server.close();
  return { disk, lastSeq };
}

/** Accounts whose orders hold balances, with fees; some are filled in part. */
function sendSpot(server: RecordingServer): void {
  const symbol = "ABC-USD";
  server.send({ type: "defineInstrument", symbol, makerFeeRate: "0.001", takerFeeRate: "0.002" });
  for (const account of [8, 9]) {
    server.send({ type: "setAccount", account, mode: "spot" });
    for (const asset of ["ABC", "USD"]) {
      server.send({ type: "adjustBalance", account, asset, amount: "50000", reference: "deposit" });
    }
  }
  for (let i = 1; i <= 30; i++) {
    const [account, side] = i % 2 === 0 ? [8, "buy"] : [9, "sell"];
    const price = (100.5 + (i % 7) / 100).toFixed(2);
    const limit = { orderType: "limit", clientOrderId: i, quantity: String(3 + (i % 5)), price };
    server.send({ type: "newOrder", account, symbol, side, ...limit });
  }
}

function shadowOf(disk: SimulatedDisk, atMost: number): Shadow {
  const options = { capacity: CAPACITY, atMost, live: false, bufferBytes: BUFFER_BYTES };
  return new Shadow(disk, DIRECTORY, options);
}

function goTo(shadow: Shadow, seq: number): void {
  while (shadow.lastSeq < seq) expect(shadow.advance(seq, 100)).toBeGreaterThan(0);
}

function take(disk: SimulatedDisk, shadow: Shadow): string {
  const { bytes, place } = shadow.snapshot();
  return writeSnapshot(disk, DIRECTORY, place.seq, bytes, (read) => shadow.verify(read));
}

function newest(disk: SimulatedDisk, atMost: number) {
  const refused: string[] = [];
  const snapshot = findSnapshot(disk, DIRECTORY, {
    atMost,
    directoryId: directoryIdOf(readMeta(disk, DIRECTORY)),
    skips: [],
    onRefused: (path) => refused.push(path),
  });
  return { snapshot, refused };
}

describe("a shadow of the journal", () => {
  it("comes to the same from the first command and from any snapshot: engine, risk and views", () => {
    const { disk, lastSeq } = record(1200);
    const whole = shadowOf(disk, 0);
    const places = [40, 333, 334, 900, lastSeq - 20, lastSeq - 3];
    for (const seq of [...places, lastSeq]) {
      goTo(whole, seq);
      if (seq !== lastSeq) take(disk, whole);
    }
    const expected = whole.snapshot().bytes;
    for (const seq of places) {
      const other = shadowOf(disk, seq);
      expect(other.lastSeq).toBe(seq);
      goTo(other, lastSeq);
      expect(Buffer.from(other.snapshot().bytes).equals(expected), `from ${seq}`).toBe(true);
    }
    expect(whole.snapshot().place.tradeCount).toBeGreaterThan(100);
    const { rows } = openSnapshot(whole.snapshot().bytes, "test");
    expect(rows.section(SectionId.holds).rows).toBeGreaterThan(3);
    expect(rows.section(SectionId.tokens).rows).toBe(6);
  });

  it("is refused by another journal, also one of the same directory", () => {
    const { disk, lastSeq } = record(300);
    const shadow = shadowOf(disk, 0);
    goTo(shadow, lastSeq);
    const { place } = shadow.snapshot();
    openTail(disk, DIRECTORY, place, { bufferBytes: BUFFER_BYTES }).close();
    const other = { ...place, chain: new Uint8Array(32) };
    expect(() => openTail(disk, DIRECTORY, other, { bufferBytes: BUFFER_BYTES })).toThrow(
      DamageError,
    );
  });
});

describe("a snapshot file", () => {
  it("is there whole or not at all, whenever the power goes", () => {
    const { disk, lastSeq } = record(150);
    const shadow = shadowOf(disk, 0);
    goTo(shadow, lastSeq - 5);
    take(disk, shadow);
    goTo(shadow, lastSeq);
    const { bytes, place } = shadow.snapshot();
    let losses = 0;
    let found = 0;
    for (let calls = 1; ; calls++) {
      disk.losePowerAfter(calls);
      try {
        writeSnapshot(disk, DIRECTORY, place.seq, bytes, () => undefined);
        disk.restart();
        break;
      } catch (error) {
        if (!(error instanceof PowerLoss)) throw error;
      }
      losses++;
      disk.restart();
      const { snapshot, refused } = newest(disk, lastSeq);
      expect(refused).toEqual([]);
      expect([lastSeq - 5, lastSeq]).toContain(snapshot?.place.seq);
      if (snapshot?.place.seq === lastSeq) found++;
    }
    expect(losses).toBeGreaterThan(4);
    expect(found).toBeLessThan(losses);
    expect(newest(disk, lastSeq).snapshot?.place.seq).toBe(lastSeq);
  });

  it("that cannot be written leaves the one before", () => {
    const { disk, lastSeq } = record(150);
    const shadow = shadowOf(disk, 0);
    goTo(shadow, lastSeq - 5);
    take(disk, shadow);
    goTo(shadow, lastSeq);
    let failures = 0;
    for (let ahead = 1; ; ahead++) {
      const fired = disk.faultsFired;
      disk.failAt([{ atCall: disk.calls + ahead, code: "diskFull" }]);
      try {
        take(disk, shadow);
      } catch (error) {
        expect(error).toBeInstanceOf(DiskError);
      }
      if (disk.faultsFired === fired) break;
      failures++;
      expect(newest(disk, lastSeq).snapshot?.place.seq).toBeGreaterThanOrEqual(lastSeq - 5);
    }
    expect(failures).toBeGreaterThan(4);
  });

  it("that is damaged is passed over for the one before, and without any there is none", () => {
    const { disk, lastSeq } = record(150);
    const shadow = shadowOf(disk, 0);
    goTo(shadow, lastSeq - 5);
    take(disk, shadow);
    goTo(shadow, lastSeq);
    const path = take(disk, shadow);
    for (let at = 0; at < 2000; at += 7) {
      flip(disk, path, at);
      const { snapshot, refused } = newest(disk, lastSeq);
      expect(snapshot?.place.seq, `byte ${at}`).toBe(lastSeq - 5);
      expect(refused).toEqual([path]);
      flip(disk, path, at);
    }
    expect(newest(disk, lastSeq - 6).snapshot).toBeUndefined();
  });

  it("stays where it is one of the last two, or the first of its million commands", () => {
    const seqs = [5, 900_000, 1_000_000, 1_500_000, 1_999_999, 3_000_001, 3_000_002, 3_000_003];
    const disk = diskWith(seqs);
    expect(retainSnapshots(disk, DIRECTORY, () => true)).toEqual({
      forRecovery: [3_000_003, 3_000_002],
      removed: [1_999_999, 1_500_000, 900_000],
    });
    expect(listSnapshots(disk, DIRECTORY)).toEqual([3_000_003, 3_000_002, 3_000_001, 1_000_000, 5]);
  });

  it("does not count where it is damaged, and stays for who wants to look", () => {
    const disk = diskWith([5, 10, 20, 1_000_000, 1_000_010, 1_000_020, 1_000_030, 1_000_040]);
    const damaged = [5, 1_000_020, 1_000_040];
    const looked: number[] = [];
    const isGood = (seq: number) => {
      looked.push(seq);
      return !damaged.includes(seq);
    };
    expect(retainSnapshots(disk, DIRECTORY, isGood)).toEqual({
      forRecovery: [1_000_030, 1_000_010],
      removed: [20],
    });
    expect(listSnapshots(disk, DIRECTORY)).toEqual([
      1_000_040, 1_000_030, 1_000_020, 1_000_010, 1_000_000, 10, 5,
    ]);
    expect(looked).not.toContain(20); // nothing would come of it
  });

  it("is looked at where nobody says whether it is good", () => {
    const { disk, lastSeq } = record(60);
    const shadow = shadowOf(disk, 0);
    for (const seq of [lastSeq - 8, lastSeq - 6, lastSeq - 4, lastSeq]) {
      goTo(shadow, seq);
      take(disk, shadow);
    }
    flip(disk, `${snapshotsPath(DIRECTORY)}/${snapshotName(lastSeq)}`, 300);
    const { forRecovery, removed } = retainSnapshots(disk, DIRECTORY);
    expect(forRecovery).toEqual([lastSeq - 4, lastSeq - 6]);
    expect(removed).toEqual([]); // the third is the first of its million
  });
});

/** Empty files under the names of snapshots. */
function diskWith(seqs: readonly number[]): SimulatedDisk {
  const disk = new SimulatedDisk(new Random(1));
  disk.makeDirectory(DIRECTORY);
  disk.makeDirectory(snapshotsPath(DIRECTORY));
  for (const seq of seqs) {
    const file = disk.open(`${snapshotsPath(DIRECTORY)}/${snapshotName(seq)}`, "create");
    disk.close(file);
  }
  return disk;
}

function flip(disk: SimulatedDisk, path: string, at: number): void {
  const file = disk.open(path, "write");
  const byte = new Uint8Array(1);
  disk.readAt(file, byte, 0, 1, at);
  byte[0] = (byte[0] as number) ^ 16;
  disk.writeAt(file, byte, 0, 1, at);
  disk.close(file);
}
