import { assert } from "../../protocol/assert.ts";
import { CommandHeader, EVENT_HEADER_SEQ_OFFSET } from "../../protocol/generated/headers.ts";
import { getNumber } from "../journal/block-format.ts";
import { eventsPath, journalPath } from "../journal/data-directory.ts";
import type { Disk } from "../journal/disk.ts";
import { EventLogReader } from "../journal/event-log-reader.ts";
import { JournalReader } from "../journal/journal-reader.ts";
import type { RiskGate } from "./risk-gate.ts";

/** Events a slice takes at most: what waits for a verdict meanwhile waits for about so long. */
const BUFFER_BYTES = 64 * 1024;

/**
 * Rebuilds a risk worker's state from disk, a slice at a time: its accounts from the events in the
 * event log, the tokens of order rates from the journaled verdicts.
 */
export class StateRebuild {
  readonly #gate: RiskGate;
  readonly #commandsUpTo: number;
  readonly #events: EventLogReader;
  readonly #journal: JournalReader;
  readonly #header = new CommandHeader();
  readonly #bytes = new Uint8Array(BUFFER_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  /** The journal's next command is there, and not followed yet. */
  #hasCommand = false;
  /** Seq of the last event absorbed. */
  #seq = 0;
  /** What of `bytes` is not absorbed yet. */
  #at = 0;
  #end = 0;

  /**
   * directory: the data directory. commandsUpTo: the last command that the predecessor gave a
   * verdict on; of later ones none takes a token before the new worker is at work.
   */
  constructor(disk: Disk, directory: string, gate: RiskGate, commandsUpTo: number) {
    this.#gate = gate;
    this.#commandsUpTo = commandsUpTo;
    this.#events = new EventLogReader(disk, eventsPath(directory));
    this.#journal = JournalReader.open(disk, journalPath(directory), { live: true });
  }

  /** The log met something that is being written, or is damaged. */
  get isTroubled(): boolean {
    return this.#events.isTroubled;
  }

  /** Takes what comes next, but no event behind `lastSeq`. False: there is no more for now. */
  step(lastSeq: number): boolean {
    if (this.#at === this.#end) {
      this.#at = 0;
      this.#end = this.#events.read(this.#bytes);
      if (this.#end === 0) return false;
    }
    while (this.#at < this.#end) {
      const seq = getNumber(this.#view, this.#at + EVENT_HEADER_SEQ_OFFSET);
      if (seq > lastSeq) return false;
      if (seq !== this.#seq) {
        this.#follow(seq);
        this.#seq = seq;
      }
      this.#gate.state.absorb(this.#view, this.#at);
      this.#at += this.#view.getUint16(this.#at, true);
    }
    return true;
  }

  /** Every event up to `lastSeq` has been taken, and every command is on disk that matters. */
  finish(lastSeq: number): void {
    this.#follow(lastSeq + 1);
    assert(
      this.#journal.seq >= Math.min(lastSeq, this.#commandsUpTo),
      "what is durable is in the journal",
    );
    this.#events.close();
    this.#journal.close();
  }

  /** The commands before and at `seq`, of which no event is taken yet. */
  #follow(seq: number): void {
    const most = Math.min(seq, this.#commandsUpTo);
    const { state } = this.#gate;
    while (this.#lookAt() <= most) {
      const { view, offset } = this.#journal;
      this.#header.wrap(view, offset);
      this.#gate.settle(this.#journal.seq - 1);
      this.#gate.see(this.#header);
      if (state.owns(this.#header.account)) this.#gate.follow(view, offset);
      this.#hasCommand = false;
    }
    this.#gate.settle(seq - 1);
  }

  /** Seq of the next command to follow; Infinity: there is none yet. */
  #lookAt(): number {
    this.#hasCommand ||= this.#journal.next();
    return this.#hasCommand ? this.#journal.seq : Number.POSITIVE_INFINITY;
  }
}
