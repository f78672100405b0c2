// Real engines on random streams, whose events are kept as bytes.
import { Engine } from "../../../engine/engine.ts";
import {
  newSnapshot,
  openSnapshot,
  type Snapshot,
  sealSnapshot,
} from "../../../engine/snapshot/snapshot-format.ts";
import type { EventRingWriter } from "../../../protocol/rings/event-ring.ts";
import type { ReferenceCapacity } from "../../reference/capacity.ts";
import { ReferenceEngine } from "../../reference/engine.ts";
import { Stand } from "../../reference/fuzz/duel.ts";
import { CommandGenerator } from "../../reference/fuzz/generator.ts";
import { drawProfile } from "../../reference/fuzz/profile.ts";
import { Random } from "../../reference/fuzz/random.ts";
import type { PlainCommand } from "../../reference/records.ts";
import { DIRECTORY_ID } from "../journal/records.ts";

/** The commands of one random market, and the room it has. */
export function randomStream(
  seed: number,
  length: number,
): { commands: PlainCommand[]; capacity: ReferenceCapacity } {
  const random = new Random(seed);
  const profile = drawProfile(random);
  const reference = new ReferenceEngine(profile.capacity);
  const generator = new CommandGenerator(profile, reference);
  const commands: PlainCommand[] = [];
  const take = (command: PlainCommand): void => {
    reference.apply(command);
    commands.push(command);
  };
  for (const command of generator.opening(random)) take(command);
  while (commands.length < length) take(generator.next(random));
  return { commands, capacity: profile.capacity };
}

export class FuzzedEngine {
  readonly stand: Stand;
  /** Of the command applied last, as hexadecimal digits. */
  events = "";

  constructor(capacity: ReferenceCapacity, from?: Snapshot) {
    const create = (room: ReferenceCapacity, events: EventRingWriter) => {
      const engine = new Engine(room, events, from === undefined ? 1 : 2);
      if (from !== undefined) engine.restore(from.rows, from.place);
      return engine;
    };
    this.stand = new Stand(create, capacity, (view, offset) => {
      const length = view.getUint16(offset, true);
      this.events += `${Buffer.from(view.buffer, view.byteOffset + offset, length).toString("hex")} `;
    });
  }

  apply(command: PlainCommand): string {
    this.events = "";
    this.stand.apply(command);
    return this.events;
  }

  hash(): string {
    return this.stand.hash();
  }

  snapshot(): Snapshot {
    return openSnapshot(this.file(), "test");
  }

  /** The bytes of a snapshot file. */
  file(): Uint8Array {
    const engine = this.stand.engine as Engine;
    const writer = newSnapshot();
    engine.save(writer);
    const stateHash = new Uint32Array(4);
    engine.stateHash(stateHash);
    return sealSnapshot(writer, {
      seq: engine.lastSeq,
      timestampUs: engine.lastTimestampUs,
      eventCount: engine.eventCount,
      tradeCount: engine.tradeCount,
      directoryId: DIRECTORY_ID,
      epoch: 1,
      blockNumber: 1,
      chain: new Uint8Array(32),
      eventHash: new Int32Array(4),
      stateHash,
      skips: 0,
    }).slice();
  }
}
