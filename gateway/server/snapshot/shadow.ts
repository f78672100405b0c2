import type { EngineCapacity } from "../../../engine/engine.ts";
import { directoryIdOf, journalPath, readMeta } from "../../../engine/journal/data-directory.ts";
import type { Disk } from "../../../engine/journal/disk.ts";
import { DamageError } from "../../../engine/journal/errors.ts";
import type { JournalReader } from "../../../engine/journal/journal-reader.ts";
import { findSkips } from "../../../engine/journal/log-search.ts";
import { RiskGate } from "../../../engine/risk/risk-gate.ts";
import { openTail } from "../../../engine/snapshot/journal-tail.ts";
import { restoreRisk, saveRisk } from "../../../engine/snapshot/risk-rows.ts";
import {
  newSnapshot,
  type Snapshot,
  type SnapshotPlace,
  sealSnapshot,
  unsealedRows,
} from "../../../engine/snapshot/snapshot-format.ts";
import { findSnapshot } from "../../../engine/snapshot/snapshot-store.ts";
import { CommandHeader } from "../../../protocol/generated/headers.ts";
import { EngineRun } from "../../../replay/engine-run.ts";
import { emptyGatewayState, type GatewayState, restoreGateway, saveGateway } from "./view-rows.ts";

/** Commands under way: one, since each is finished before the next is looked at. */
const IN_FLIGHT = 64;

/** The state that a server would have, in one thread. */
class Replica {
  readonly run: EngineRun;
  readonly gate = new RiskGate(0, 1, IN_FLIGHT);
  readonly gateway: GatewayState;
  readonly #header = new CommandHeader();
  lastSeq = 0;

  constructor(capacity: EngineCapacity) {
    this.gateway = emptyGatewayState();
    const { views, data } = this.gateway;
    this.run = new EngineRun(capacity, (view, offset) => {
      this.gate.state.absorb(view, offset);
      views.onEvent(view, offset);
      data.onEvent(view, offset);
    });
  }

  restore(snapshot: Snapshot): void {
    this.run.restore(snapshot);
    restoreRisk(this.gate, snapshot);
    restoreGateway(this.gateway, snapshot);
    this.lastSeq = snapshot.place.seq;
  }

  apply(view: DataView, offset: number, seq: number): void {
    const { views, data, requests, sessions } = this.gateway;
    const header = this.#header;
    header.wrap(view, offset);
    requests.onCommand(header.keyNumber, header.requestId, header.seq);
    sessions.onCommand(view, offset);
    this.gate.see(header);
    this.gate.follow(view, offset);
    this.run.apply(view, offset);
    this.gate.settle(seq);
    views.onCommandsComplete();
    data.onCommandsComplete(seq);
    this.lastSeq = seq;
  }
}

/**
 * Follows the journal of a data directory, beside its writer or alone, and makes snapshots of what it
 * comes to. It keeps its state, so that the next snapshot costs what has happened since.
 */
export class Shadow {
  readonly #directory: string;
  readonly #capacity: EngineCapacity;
  readonly #replica: Replica;
  readonly #reader: JournalReader;
  readonly #directoryId: Uint8Array;

  /**
   * Starts from the newest good snapshot up to `atMost`. Throws a DamageError where that is one of
   * another journal.
   */
  constructor(
    disk: Disk,
    directory: string,
    options: {
      readonly capacity: EngineCapacity;
      readonly atMost: number;
      readonly live: boolean;
      readonly bufferBytes?: number;
    },
  ) {
    this.#directory = directory;
    this.#capacity = options.capacity;
    this.#directoryId = directoryIdOf(readMeta(disk, directory));
    this.#replica = new Replica(options.capacity);
    const from = findSnapshot(disk, directory, {
      atMost: options.atMost,
      directoryId: this.#directoryId,
      skips: findSkips(disk, journalPath(directory)),
    });
    if (from !== undefined) this.#replica.restore(from);
    const { live, bufferBytes } = options;
    this.#reader = openTail(disk, directory, from?.place, {
      live,
      ...(bufferBytes === undefined ? {} : { bufferBytes }),
    });
  }

  /** What a gateway would know that had followed every event. */
  get gatewayState(): GatewayState {
    return this.#replica.gateway;
  }

  /** The last command that was applied. */
  get lastSeq(): number {
    return this.#replica.lastSeq;
  }

  /**
   * Applies at most `most` commands, and none after `seq`. Returns how many; fewer only where it is at
   * `seq`, or the journal goes no further.
   */
  advance(seq: number, most: number): number {
    const reader = this.#reader;
    let count = 0;
    while (count < most && this.#replica.lastSeq < seq && reader.next()) {
      this.#replica.apply(reader.view, reader.offset, reader.seq);
      count++;
    }
    return count;
  }

  /** The file of a snapshot of where it stands: not at the very beginning. */
  snapshot(): { bytes: Uint8Array; place: SnapshotPlace } {
    const { run, gate, gateway, lastSeq } = this.#replica;
    const { position, skips } = this.#reader;
    gateway.data.onRoundEnd();
    const stateHash = new Uint32Array(4);
    run.engine.stateHash(stateHash);
    const eventHash = new Int32Array(4);
    run.saveEventHash(eventHash);
    const writer = newSnapshot();
    run.engine.save(writer);
    saveRisk(gate.state, writer);
    saveGateway(gateway, writer, unsealedRows(writer));
    const place: SnapshotPlace = {
      seq: lastSeq,
      timestampUs: run.engine.lastTimestampUs,
      eventCount: run.engine.eventCount,
      tradeCount: run.engine.tradeCount,
      directoryId: this.#directoryId,
      epoch: position.epoch,
      blockNumber: position.blockNumber,
      chain: position.chain.slice(),
      eventHash,
      stateHash,
      skips: skips.filter(({ seq }) => seq <= lastSeq).length,
    };
    return { bytes: sealSnapshot(writer, place), place };
  }

  /** Throws a DamageError where the snapshot does not lead to the state that it was made of. */
  verify(snapshot: Snapshot): void {
    const fresh = new Replica(this.#capacity);
    fresh.restore(snapshot);
    const stateHash = new Uint32Array(4);
    fresh.run.engine.stateHash(stateHash);
    if (stateHash.every((word, i) => word === snapshot.place.stateHash[i])) return;
    const what = "restored, it gives another state";
    throw new DamageError("snapshot", this.#directory, 0, snapshot.place.seq, what);
  }

  /** Over the public events so far, 32 hexadecimal digits. */
  get eventHash(): string {
    return this.#replica.run.eventHash();
  }

  close(): void {
    this.#reader.close();
  }
}
