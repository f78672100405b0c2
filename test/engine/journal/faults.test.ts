import { describe, expect, it } from "vitest";
import type { DiskErrorCode, DiskOperation } from "../../../engine/journal/errors.ts";
import { DiskError, JournalError } from "../../../engine/journal/errors.ts";
import { inspectJournal } from "../../../engine/journal/opening.ts";
import { JournalPipeline, ROOT } from "../../simulation/journal-pipeline.ts";
import { Random } from "../../simulation/random.ts";
import { PowerLoss, SimulatedDisk } from "../../simulation/simulated-disk.ts";

const CALLS = Number(process.env.CROSSBOOK_FAULT_CALLS ?? 160);
const SETTINGS = { maxBlockBytes: 4096, segmentBytes: 16384 };

function work(pipeline: JournalPipeline): void {
  for (let round = 0; round < CALLS / 8; round++) {
    pipeline.send(20, round);
    pipeline.work();
    pipeline.idle();
  }
  pipeline.close();
}

const CODES: readonly DiskErrorCode[] = ["inputOutput", "diskFull", "shortWrite", "syncFailed"];
const WAYS = CODES.flatMap((code) => [
  { code, overlaps: false, how: "block by block" },
  { code, overlaps: true, how: "with a block in flight" },
]);

describe.each(WAYS)("a $code, $how,", ({ code, overlaps }) => {
  const settings = { ...SETTINGS, overlaps };
  it("at any file call stops the journal, and a restart finds what was acknowledged", () => {
    let stopped = 0;
    for (let atCall = 1; atCall <= CALLS; atCall++) {
      const disk = new SimulatedDisk(new Random(atCall));
      disk.failAt([{ atCall, code }]);
      let pipeline: JournalPipeline | undefined;
      try {
        pipeline = new JournalPipeline(disk, settings);
        work(pipeline);
      } catch (error) {
        if (!(error instanceof DiskError || error instanceof JournalError)) throw error;
        stopped++;
      }
      expect(disk.faultsFired, `call ${atCall}`).toBe(1);
      if (atCall % 2 === 0) disk.restart();
      else disk.killProcess();
      const again = new JournalPipeline(disk, settings);
      expect(again.recovered.length).toBeGreaterThanOrEqual(pipeline?.acknowledged ?? 0);
      again.close();
    }
    expect(stopped).toBeGreaterThan(CALLS / 2);
  });
});

describe("with a block in flight", () => {
  it("nothing in it counts as durable, and the next one is filled meanwhile", () => {
    const disk = new SimulatedDisk(new Random(1));
    const pipeline = new JournalPipeline(disk, { ...SETTINGS, overlaps: true });
    pipeline.send(5, 1);
    pipeline.step();
    expect(pipeline.writer.isInFlight).toBe(true);
    expect(pipeline.acknowledged).toBe(0);
    pipeline.send(3, 1);
    pipeline.step();
    expect(pipeline.acknowledged).toBe(5);
    pipeline.work();
    expect(pipeline.acknowledged).toBe(8);
    pipeline.close();
    expect(new JournalPipeline(disk, SETTINGS).recovered).toHaveLength(8);
  });

  it("a full block takes no more, and what is left goes into the one after it", () => {
    const disk = new SimulatedDisk(new Random(2));
    const pipeline = new JournalPipeline(disk, { ...SETTINGS, overlaps: true });
    for (let round = 0; round < 40; round++) {
      pipeline.send(60, round);
      pipeline.work();
      pipeline.send(4, round);
      pipeline.step();
      pipeline.work();
    }
    pipeline.close();
    expect(new JournalPipeline(disk, SETTINGS).recovered).toHaveLength(40 * 64);
  });
});

describe("a disk that fills up", () => {
  it("stops the journal wherever that is, and with room again all that was acknowledged is there", () => {
    let partly = 0;
    for (let free = 0; free < 200_000; free += 1999) {
      const disk = new SimulatedDisk(new Random(free));
      disk.free = free;
      let pipeline: JournalPipeline | undefined;
      const fill = () => {
        pipeline = new JournalPipeline(disk, SETTINGS);
        for (;;) {
          pipeline.send(20, 1);
          pipeline.work();
          pipeline.idle();
        }
      };
      expect(fill).toThrow(/shortWrite/);
      expect(disk.free).toBe(0);
      const acknowledged = pipeline?.acknowledged ?? 0;
      if (acknowledged > 0) partly++;
      if (free % 2 === 0) disk.restart();
      else disk.killProcess();
      disk.free = Number.MAX_SAFE_INTEGER;
      const again = new JournalPipeline(disk, SETTINGS);
      expect(again.recovered.length, `${free} bytes`).toBeGreaterThanOrEqual(acknowledged);
      again.send(1, 2);
      again.work();
      again.close();
    }
    expect(partly).toBeGreaterThan(50);
  });
});

describe("after a failed sync", () => {
  it("nothing is acknowledged any more, not even when the disk is well again", () => {
    const disk = new SimulatedDisk(new Random(3));
    const pipeline = new JournalPipeline(disk, SETTINGS);
    pipeline.send(5, 1);
    pipeline.work();
    pipeline.send(5, 1);
    disk.failAt([{ atCall: disk.calls + 2, code: "syncFailed" }]);
    expect(() => pipeline.work()).toThrow(/syncFailed/);
    disk.failAt([]);
    expect(() => pipeline.work()).toThrow(/stopped/);
    expect(pipeline.acknowledged).toBe(5);
  });

  it("what a restart says while it is still recovering survives a power loss at any call", () => {
    let told = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const disk = new SimulatedDisk(new Random(seed));
      const pipeline = new JournalPipeline(disk, SETTINGS);
      pipeline.send(5, 1);
      disk.failAt([{ atCall: disk.calls + 2, code: "syncFailed" }]);
      expect(() => pipeline.work()).toThrow(/syncFailed/);
      disk.killProcess();
      const twin = disk.fork(new Random(seed));
      new JournalPipeline(twin, SETTINGS);
      for (let call = 1; call <= twin.calls; call++) {
        const fork = disk.fork(new Random(seed));
        fork.losePowerAfter(call);
        let acknowledged = () => 0;
        const watch = (read: () => number) => {
          acknowledged = read;
        };
        expect(() => new JournalPipeline(fork, { ...SETTINGS, watch })).toThrow(PowerLoss);
        if (acknowledged() > 0) told++;
        fork.restart();
        const { recovered } = new JournalPipeline(fork, SETTINGS);
        expect(recovered.length, `seed ${seed}, call ${call}`).toBeGreaterThanOrEqual(
          acknowledged(),
        );
      }
    }
    expect(told).toBeGreaterThan(0);
  });

  it("a journal whose close failed is whole after the power loss after the next start", () => {
    const start = (disk: SimulatedDisk) => {
      const pipeline = new JournalPipeline(disk, SETTINGS);
      pipeline.send(5, 1);
      pipeline.work();
      return pipeline;
    };
    const good = new SimulatedDisk(new Random(1));
    const closing = start(good);
    const calls: DiskOperation[] = [];
    good.callLog = calls;
    closing.close();
    const sync = 1 + calls.indexOf("sync", calls.lastIndexOf("write"));
    let torn = 0;
    for (let seed = 1; seed <= 50; seed++) {
      const disk = new SimulatedDisk(new Random(seed));
      const pipeline = start(disk);
      disk.failAt([{ atCall: disk.calls + sync, code: "syncFailed" }]);
      expect(() => pipeline.close()).toThrow(/syncFailed/);
      disk.killProcess();
      const onDisk = disk.fork(new Random(seed));
      onDisk.restartWithoutUnsynced();
      if (inspectJournal(onDisk, ROOT).state !== "closed") torn++;
      expect(inspectJournal(disk, ROOT).state).toBe("closed");
      new JournalPipeline(disk, SETTINGS);
      disk.restart();
      const last = new JournalPipeline(disk, SETTINGS);
      expect(last.recovered.length).toBe(5);
    }
    expect(torn).toBeGreaterThan(20);
  });

  it("what a restart then believes survives the power loss after it", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const disk = new SimulatedDisk(new Random(seed));
      const pipeline = new JournalPipeline(disk, SETTINGS);
      pipeline.send(5, 1);
      disk.failAt([{ atCall: disk.calls + 2, code: "syncFailed" }]);
      expect(() => pipeline.work()).toThrow(/syncFailed/);
      disk.killProcess();
      const again = new JournalPipeline(disk, SETTINGS);
      const believed = again.acknowledged;
      disk.restart();
      const last = new JournalPipeline(disk, SETTINGS);
      expect(last.recovered.length).toBeGreaterThanOrEqual(believed);
    }
  });
});
