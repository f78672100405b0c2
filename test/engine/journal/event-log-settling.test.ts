import { expect, it } from "vitest";
import type { FileHandle, OpenMode } from "../../../engine/journal/disk.ts";
import { EventLogReader } from "../../../engine/journal/event-log-reader.ts";
import { JournalPipeline, ROOT } from "../../simulation/journal-pipeline.ts";
import { Random } from "../../simulation/random.ts";
import { SimulatedDisk } from "../../simulation/simulated-disk.ts";

const SETTINGS = { maxBlockBytes: 4096, segmentBytes: 16384 };

/** Its event log cannot be synced, until it is well again. */
class SickDisk extends SimulatedDisk {
  isSick = true;
  readonly #events = new Set<FileHandle>();

  override open(path: string, mode: OpenMode): FileHandle {
    const file = super.open(path, mode);
    if (path.startsWith(`${ROOT}/events/`)) this.#events.add(file);
    return file;
  }

  override sync(file: FileHandle): void {
    if (this.isSick && this.#events.has(file)) {
      this.failAt([{ atCall: this.calls + 1, code: "syncFailed" }]);
    }
    super.sync(file);
  }
}

function sendUntil(pipeline: JournalPipeline, isEnough: () => boolean): void {
  while (!isEnough()) {
    pipeline.send(10, 1);
    pipeline.work();
  }
}

it("an event log whose sync failed is whole on the disk before it goes on in another file", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const disk = new SickDisk(new Random(seed));
    const first = new JournalPipeline(disk, SETTINGS);
    expect(() => sendUntil(first, () => false)).toThrow(/syncFailed/);
    disk.killProcess();
    disk.isSick = false;

    const second = new JournalPipeline(disk, SETTINGS);
    const files = disk.list(`${ROOT}/events`).length;
    sendUntil(second, () => disk.list(`${ROOT}/events`).length >= files + 2);
    disk.restartWithoutUnsynced();

    const third = new JournalPipeline(disk, SETTINGS);
    third.close();
    const reader = new EventLogReader(disk, `${ROOT}/events`, { live: false, bufferBytes: 4096 });
    const into = new Uint8Array(4096);
    while (reader.read(into) > 0);
    expect(reader.position?.lastSeq, `seed ${seed}`).toBe(third.lastSeq);
    reader.close();
  }
});
