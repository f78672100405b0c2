// What the start of a server does to a data directory, and when.
import { describe, expect, it } from "vitest";
import { directoryIdOf, openMeta } from "../../../../engine/journal/data-directory.ts";
import { DamageError, JournalError } from "../../../../engine/journal/errors.ts";
import { EventLogWriter } from "../../../../engine/journal/event-log-writer.ts";
import { inspectJournal } from "../../../../engine/journal/opening.ts";
import { TailRecovery } from "../../../../gateway/server/recovery/tail-recovery.ts";
import { emptyGatewayState } from "../../../../gateway/server/snapshot/view-rows.ts";
import { RunningHash } from "../../../../protocol/event-hash.ts";
import { ACCEPTED_LENGTH, Accepted } from "../../../../protocol/generated/events.ts";
import { replayDirectory } from "../../../../replay/replay.ts";
import { CAPACITY, RecordingServer, sendDay } from "../../../replay/recorded-directory.ts";
import { Random } from "../../../simulation/random.ts";
import { PowerLoss, SimulatedDisk } from "../../../simulation/simulated-disk.ts";

const DIRECTORY = "/data";
const SEED = 7;

/** As a crash leaves it. */
function crashed(orders: number) {
  const disk = new SimulatedDisk(new Random(SEED));
  const server = new RecordingServer(disk, DIRECTORY);
  sendDay(server, orders, SEED);
  const { lastSeq } = server;
  server.abandon();
  for (const folder of ["journal", "events"]) {
    for (const name of disk.list(`${DIRECTORY}/${folder}`)) {
      const file = disk.open(`${DIRECTORY}/${folder}/${name}`, "write");
      disk.sync(file);
      disk.close(file);
    }
  }
  return { disk, lastSeq };
}

function recover(disk: SimulatedDisk, missingBytes?: number) {
  const meta = openMeta(disk, DIRECTORY, { nowUs: 0, capacity: CAPACITY });
  const end = inspectJournal(disk, DIRECTORY);
  const recovery = new TailRecovery(disk, DIRECTORY, {
    ...{ meta, capacity: CAPACITY, end, epoch: end.epoch + 1 },
    ...(missingBytes === undefined ? {} : { missingBytes }),
  });
  return recovery.run(emptyGatewayState(), () => undefined);
}

/** Every file below a folder, with its bytes. */
function files(disk: SimulatedDisk, folder: string): [string, string][] {
  const path = `${DIRECTORY}/${folder}`;
  return disk.list(path).map((name) => {
    const file = disk.open(`${path}/${name}`, "read");
    const bytes = new Uint8Array(disk.bytesOf(file));
    disk.readAt(file, bytes, 0, bytes.length, 0);
    disk.close(file);
    return [name, Buffer.from(bytes).toString("base64")];
  });
}

function change(disk: SimulatedDisk, path: string, at: number, value: number): void {
  const file = disk.open(`${DIRECTORY}/${path}`, "write");
  disk.writeAt(file, Uint8Array.of(value), 0, 1, at);
  disk.close(file);
}

function shorten(disk: SimulatedDisk, path: string, bytes: number): void {
  const file = disk.open(`${DIRECTORY}/${path}`, "write");
  disk.truncate(file, bytes);
  disk.close(file);
}

function eventSegments(disk: SimulatedDisk): string[] {
  return disk.list(`${DIRECTORY}/events`).sort();
}

/** Takes events off the end: of the last segment half, or all but the first segment's half. */
function loseEvents(disk: SimulatedDisk, how: "few" | "most"): void {
  const names = eventSegments(disk);
  const kept = how === "few" ? names.at(-1) : names[0];
  for (const name of names) if (name > (kept as string)) disk.unlink(`${DIRECTORY}/events/${name}`);
  const file = disk.open(`${DIRECTORY}/events/${kept}`, "read");
  const bytes = disk.bytesOf(file);
  disk.close(file);
  shorten(disk, `events/${kept}`, Math.floor(bytes / 2) + 100);
}

const verify = (disk: SimulatedDisk) => {
  const { result } = replayDirectory(disk, DIRECTORY, { verify: true });
  return { ...result.verified, lastSeq: result.lastSeq, eventHash: result.eventHash };
};

describe("the start of a server", () => {
  it.each([
    ["few", undefined],
    ["most", undefined],
    ["most", 4096],
  ] as const)(
    "with %s events missing in the log, kept in memory up to %s bytes, changes nothing where an earlier segment is damaged",
    async (how, missingBytes) => {
      const { disk } = crashed(1500);
      expect(disk.list(`${DIRECTORY}/journal`).length).toBeGreaterThan(2);
      loseEvents(disk, how);
      const before = [files(disk, "events"), files(disk, "journal")];
      // It would be cut: that is what must not be done too early.
      const segments = disk
        .list(`${DIRECTORY}/journal`)
        .filter((name) => name.endsWith(".journal"));
      const segment = segments.sort().at(-2) as string;
      change(disk, `journal/${segment}`, 4096 + 900, 0xee);
      const damaged = [before[0], files(disk, "journal")];
      expect(damaged[1]).not.toEqual(before[1]);
      const failure = await recover(disk, missingBytes).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(DamageError);
      expect((failure as DamageError).file).toContain(segment);
      expect([files(disk, "events"), files(disk, "journal")]).toEqual(damaged);
    },
  );

  it.each([
    ["few", undefined],
    ["most", undefined],
    ["most", 4096],
  ] as const)(
    "writes what the log lacks, %s events, kept in memory up to %s bytes, and no event twice",
    async (how, missingBytes) => {
      const { disk, lastSeq } = crashed(1500);
      const whole = verify(disk);
      expect(whole.unrecorded).toBe(0);
      loseEvents(disk, how);
      const { snapshot, log } = await recover(disk, missingBytes);
      expect(snapshot.place.seq).toBe(lastSeq);
      expect(log.recovery.cuts.length).toBeGreaterThan(0);
      expect(verify(disk)).toEqual(whole);
      // A second start finds everything, and writes nothing.
      const before = files(disk, "events");
      await recover(disk, missingBytes);
      expect(files(disk, "events")).toEqual(before);
    },
  );

  it("comes to the same when the power goes at any call of an earlier one", async () => {
    const { disk } = crashed(200);
    const whole = verify(disk);
    loseEvents(disk, "few");
    const saved = disk.list(`${DIRECTORY}/events`).length;
    let losses = 0;
    for (let calls = 1; ; calls++) {
      disk.losePowerAfter(calls);
      try {
        await recover(disk, 2048);
        disk.restart();
        break;
      } catch (error) {
        if (!(error instanceof PowerLoss)) throw error;
      }
      losses++;
      disk.restart();
    }
    expect(saved).toBeGreaterThan(0);
    expect(losses).toBeGreaterThan(20);
    await recover(disk);
    expect(verify(disk)).toEqual(whole);
  });

  it("refuses an event log of other events, and leaves it", async () => {
    const { disk, lastSeq } = crashed(300);
    for (const name of eventSegments(disk)) disk.unlink(`${DIRECTORY}/events/${name}`);
    const meta = openMeta(disk, DIRECTORY, { nowUs: 0, capacity: CAPACITY });
    const writer = EventLogWriter.open(disk, `${DIRECTORY}/events`, {
      directoryId: directoryIdOf(meta),
      ...{ epoch: 1, journalLastSeq: lastSeq, journalDurability: "os" },
    });
    const record = new Uint8Array(ACCEPTED_LENGTH);
    const event = new Accepted();
    event.wrap(new DataView(record.buffer), 0);
    event.clear();
    event.seq = 20;
    writer.append(record, 0, record.length);
    writer.flush(new RunningHash(), 1);
    writer.handOver();
    const before = files(disk, "events");
    const failure = await recover(disk).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(JournalError);
    expect((failure as JournalError).code).toBe("eventLogDisagrees");
    expect(files(disk, "events")).toEqual(before);
  });
});
