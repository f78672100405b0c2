// Hot path: no allocation here, but for rare commands and events.
import type { EngineCapacity } from "../../../engine/engine.ts";
import { getNumber } from "../../../engine/journal/block-format.ts";
import { JournalError } from "../../../engine/journal/errors.ts";
import type { EventPlace } from "../../../engine/journal/event-log-stage.ts";
import type { LogPosition } from "../../../engine/journal/log-cursor.ts";
import { RateFollower } from "../../../engine/risk/rate-follower.ts";
import { RiskState } from "../../../engine/risk/risk-state.ts";
import { ORDER_ROW, orderRows } from "../../../engine/snapshot/order-rows.ts";
import { restoreRates, saveRisk } from "../../../engine/snapshot/risk-rows.ts";
import {
  inSharedMemory,
  newSnapshot,
  type Snapshot,
  sealSnapshot,
  sharedSnapshot,
  unsealedRows,
} from "../../../engine/snapshot/snapshot-format.ts";
import {
  CANCEL_ORDER_TEMPLATE_ID,
  NEW_ORDER_TEMPLATE_ID,
  REPLACE_ORDER_TEMPLATE_ID,
} from "../../../protocol/generated/commands.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  ACCOUNT_TEMPLATE_ID,
  ASSET_TEMPLATE_ID,
  BALANCE_TEMPLATE_ID,
  CANCELED_TEMPLATE_ID,
  CHECKPOINT_TEMPLATE_ID,
  Checkpoint,
  INSTRUMENT_TEMPLATE_ID,
  MARKET_STATE_CHANGED_TEMPLATE_ID,
  REDUCED_TEMPLATE_ID,
  REPLACED_TEMPLATE_ID,
  TRADE_TEMPLATE_ID,
} from "../../../protocol/generated/events.ts";
import { CommandHeader, EVENT_HEADER_INDEX_OFFSET } from "../../../protocol/generated/headers.ts";
import { EngineRun } from "../../../replay/engine-run.ts";
import { OpenSessions } from "../snapshot/open-sessions.ts";
import {
  type GatewayState,
  restoreBooks,
  restoreFacts,
  savedViews,
  saveViews,
} from "../snapshot/view-rows.ts";
import { OrderViews } from "./order-views.ts";

/** The event log's end, up to which a replay must give what was recorded. */
export interface HeldEvents {
  readonly seq: number;
  readonly index: number;
  readonly eventCount: number;
  readonly hashState: Int32Array;
}

/**
 * A server's state, brought from a snapshot to the end of the journal by the engine alone. What risk
 * checks and views know follows from the engine's state at the end, but for what is gathered on the way:
 * holdings, order rates, requests, sessions, the last trades. That costs a fraction of what it takes to
 * have each of them follow every order.
 */
export class TailState {
  readonly run: EngineRun;
  /** The last command and, of the last event so far, seq and index. */
  lastSeq = 0;
  eventSeq = 0;
  eventIndex = 0;
  /** Public events so far. */
  eventCount = 0;
  /** The last snapshot command; undefined: none yet. */
  checkpoint: EventPlace | undefined;
  readonly #gateway: GatewayState;
  readonly #held: HeldEvents;
  readonly #onMissing: (view: DataView, offset: number) => void;
  readonly #risk = new RiskState(0, 1);
  readonly #rates: RateFollower;
  readonly #orderViews: OrderViews;
  readonly #header = new CommandHeader();
  readonly #checkpointEvent = new Checkpoint();
  /** The log holds the events up to here. */
  #isHeld: boolean;
  /** Market data has heard of something in the last event's command. */
  #isDataDue = false;

  /** gateway: has seen nothing. onMissing: takes every event that is not held; valid in the call only. */
  constructor(
    capacity: EngineCapacity,
    gateway: GatewayState,
    held: HeldEvents,
    onMissing: (view: DataView, offset: number) => void,
  ) {
    this.#gateway = gateway;
    this.#held = held;
    this.#onMissing = onMissing;
    this.#isHeld = held.seq > 0;
    this.run = new EngineRun(capacity, (view, offset) => this.#onEvent(view, offset));
    const { engine } = this.run;
    this.#rates = new RateFollower(this.#risk, (...order) => engine.openOrder(...order));
    this.#orderViews = new OrderViews(
      (account, orderId) => engine.openOrder(account, orderId, 0) !== undefined,
    );
  }

  /** Throws a DamageError, or a JournalError eventLogDisagrees. */
  restore(snapshot: Snapshot): void {
    const { place, rows } = snapshot;
    this.run.restore(snapshot);
    restoreFacts(this.#gateway, snapshot);
    restoreRates(this.#risk, snapshot);
    this.#rates.refresh();
    const accounts = orderRows(rows);
    for (const view of savedViews(rows)) {
      const at = accounts.next().value as number;
      this.#orderViews.restore(
        view.orderId,
        rows.view.getUint32(at + ORDER_ROW.account, true),
        view,
      );
    }
    this.lastSeq = place.seq;
    this.eventSeq = place.seq; // a checkpoint is the only event of its command
    this.eventIndex = 0;
    this.eventCount = place.eventCount;
    this.checkpoint = place;
    if (this.#isHeld) this.#checkHeld(place.seq, 0);
  }

  /** The next command. Throws an EngineFault or a JournalError. */
  apply(view: DataView, offset: number, seq: number): void {
    const header = this.#header;
    header.wrap(view, offset);
    const template = header.templateId;
    const { requests, sessions } = this.#gateway;
    requests.onCommand(header.keyNumber, header.requestId, seq);
    if (OpenSessions.isAbout(template)) sessions.onCommand(view, offset);
    this.#rates.follow(view, offset);
    if (
      template === NEW_ORDER_TEMPLATE_ID ||
      template === CANCEL_ORDER_TEMPLATE_ID ||
      template === REPLACE_ORDER_TEMPLATE_ID
    ) {
      this.run.applyAhead(view, offset);
    } else {
      this.run.apply(view, offset); // it may change settings, which the next command depends on
    }
    this.lastSeq = seq;
  }

  /**
   * The journal is at its end, `position`: what all stages begin with, and the gateway's books. skips:
   * commands that were taken out.
   */
  finish(position: LogPosition, skips: number): Snapshot {
    const { run } = this;
    const { engine } = run;
    run.giveOut();
    if (this.#isHeld) this.#disagree();
    this.#tellData();
    const writer = newSnapshot();
    engine.save(writer);
    const { ledger } = this.#gateway;
    for (const account of ledger.accounts()) {
      const row = this.#risk.account(account);
      for (const [id, lots] of ledger.positions(account)) {
        this.#risk.exposure(row, id).positionLots = lots;
      }
    }
    saveRisk(this.#risk, writer, ledger);
    const rows = unsealedRows(writer);
    saveViews(writer, rows, (orderId, at) => this.#orderViews.viewOf(orderId, rows, at));
    const eventHash = new Int32Array(4);
    run.saveEventHash(eventHash);
    const place = {
      seq: this.lastSeq,
      timestampUs: engine.lastTimestampUs,
      eventCount: engine.eventCount,
      tradeCount: engine.tradeCount,
      directoryId: position.directoryId,
      epoch: position.epoch,
      blockNumber: position.blockNumber,
      chain: position.chain,
      eventHash,
      stateHash: new Uint32Array(4), // of a place that no snapshot command stands at
      skips,
    };
    const bytes = sealSnapshot(writer, place, false);
    const snapshot = sharedSnapshot(inSharedMemory(bytes)) as Snapshot;
    restoreBooks(this.#gateway, snapshot);
    return snapshot;
  }

  #onEvent(view: DataView, offset: number): void {
    const seq = getNumber(view, offset + 8);
    if (seq !== this.eventSeq) {
      if (this.#isDataDue) this.#tellData();
      this.eventSeq = seq;
    }
    this.eventIndex = view.getUint32(offset + EVENT_HEADER_INDEX_OFFSET, true);
    const template = view.getUint16(offset + 2, true);
    if (template !== CHECKPOINT_TEMPLATE_ID) this.eventCount++;
    if (!this.#isHeld) this.#onMissing(view, offset);
    else if (seq >= this.#held.seq) this.#checkHeld(seq, this.eventIndex);
    const { ledger, data } = this.#gateway;
    switch (template) {
      case TRADE_TEMPLATE_ID:
        ledger.onEvent(view, offset);
        data.onEvent(view, offset);
        this.#isDataDue = true;
        return;
      case ACCEPTED_TEMPLATE_ID:
      case REPLACED_TEMPLATE_ID:
        this.#orderViews.onEvent(view, offset, template);
        if (ledger.followsOrders) ledger.onEvent(view, offset);
        return;
      case CANCELED_TEMPLATE_ID:
      case REDUCED_TEMPLATE_ID:
        if (ledger.followsOrders) ledger.onEvent(view, offset);
        return;
      case CHECKPOINT_TEMPLATE_ID:
        this.#onCheckpoint(view, offset);
        return;
      case ASSET_TEMPLATE_ID:
      case INSTRUMENT_TEMPLATE_ID:
      case MARKET_STATE_CHANGED_TEMPLATE_ID:
      case ACCOUNT_TEMPLATE_ID:
      case BALANCE_TEMPLATE_ID:
        this.#onSettings(view, offset);
        return;
      default:
    }
  }

  #onSettings(view: DataView, offset: number): void {
    this.#gateway.views.onEvent(view, offset); // its holdings are the ledger
    this.#gateway.data.onEvent(view, offset);
    this.#isDataDue = true;
    this.#risk.absorb(view, offset);
    this.#rates.refresh();
  }

  #tellData(): void {
    this.#isDataDue = false;
    this.#gateway.data.onCommandsComplete(this.eventSeq);
  }

  #onCheckpoint(view: DataView, offset: number): void {
    const event = this.#checkpointEvent;
    event.wrap(view, offset);
    const { seq, eventCount, tradeCount } = event;
    if (eventCount !== this.eventCount) {
      const message = `at seq ${seq} the engine counts ${eventCount} events, not ${this.eventCount}`;
      throw new JournalError("eventLogDisagrees", message);
    }
    const eventHash = new Int32Array(4);
    this.run.saveEventHash(eventHash);
    const { stateHash0, stateHash1, stateHash2, stateHash3 } = event;
    const stateHash = Uint32Array.of(stateHash0, stateHash1, stateHash2, stateHash3);
    this.checkpoint = { seq, eventCount, tradeCount, eventHash, stateHash };
  }

  /** At the last event that the log holds, count and hash must be what the log says. */
  #checkHeld(seq: number, index: number): void {
    const held = this.#held;
    if (seq < held.seq || (seq === held.seq && index < held.index)) return;
    this.#isHeld = false;
    const hash = new Int32Array(4);
    this.run.saveEventHash(hash);
    const isSame =
      seq === held.seq &&
      index === held.index &&
      this.eventCount === held.eventCount &&
      hash.every((word, i) => word === held.hashState[i]);
    if (!isSame) this.#disagree();
  }

  #disagree(): never {
    const { seq, index } = this.#held;
    throw new JournalError(
      "eventLogDisagrees",
      `up to seq ${seq}, event ${index}, replay gives other events than recorded`,
    );
  }
}
