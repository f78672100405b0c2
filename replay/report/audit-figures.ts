// What an audit report counts, command by command and event by event: memory grows with instruments
// and accounts, not with the length of history.
import { toHex } from "../../engine/journal/block-format.ts";
import type { LogPosition } from "../../engine/journal/log-cursor.ts";
import { Verdict } from "../../protocol/generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  AUCTION_TEMPLATE_ID,
  CANCELED_TEMPLATE_ID,
  CHECKPOINT_TEMPLATE_ID,
  Checkpoint,
  REJECTED_TEMPLATE_ID,
  REPLACED_TEMPLATE_ID,
  Rejected,
  TRADE_TEMPLATE_ID,
  Trade,
} from "../../protocol/generated/events.ts";
import { CommandHeader, EventHeader } from "../../protocol/generated/headers.ts";
import { MESSAGE_NAMES } from "../../protocol/generated/messages.ts";
import type { InstrumentTerms } from "../../protocol/instrument-directory.ts";
import type { EngineRun } from "../engine-run.ts";
import { ExactSum } from "./exact-sum.ts";
import { ThinnedList } from "./thinned-list.ts";
import { TimeScale } from "./time-scale.ts";

const MOST_BINS = 120;
const MOST_ANCHORS = 48;
const TEMPLATES = MESSAGE_NAMES.length;

/** In units of one quote asset. */
export interface Money {
  readonly asset: string;
  readonly scale: number;
  readonly turnover: ExactSum;
  readonly fees: ExactSum;
}

export class InstrumentFigures {
  terms: InstrumentTerms;
  trades = 0;
  auctions = 0;
  lastTicks = 0;
  lowTicks = Number.POSITIVE_INFINITY;
  highTicks = Number.NEGATIVE_INFINITY;
  readonly lots = new ExactSum();
  /** In ticks × lots. */
  readonly notional = new ExactSum();
  /** What both sides paid, in the quote asset's smallest unit. */
  readonly fees = new ExactSum();
  readonly tradesByBin: Float64Array;
  readonly lotsByBin: Float64Array;

  constructor(terms: InstrumentTerms, bins: number) {
    this.terms = terms;
    this.tradesByBin = new Float64Array(bins);
    this.lotsByBin = new Float64Array(bins);
  }
}

export class AccountFigures {
  accepted = 0;
  rejected = 0;
  canceled = 0;
  replaced = 0;
  /** Sides of trades: two where the account traded with itself. */
  fills = 0;
  readonly money = new Map<number, Money>();
}

export interface AnchorRow {
  readonly seq: number;
  readonly block: number;
  readonly epoch: number;
  readonly timestampUs: number;
  readonly chain: string;
}

export interface CheckpointRow {
  readonly seq: number;
  readonly timestampUs: number;
  readonly stateHash: string;
  readonly eventHash: string;
  readonly events: number;
  readonly trades: number;
}

export class AuditFigures {
  commands = 0;
  events = 0;
  trades = 0;
  firstUs = 0;
  lastUs = 0;
  /** By template, then by verdict. */
  readonly commandCounts = Array.from({ length: TEMPLATES }, () => new Float64Array(4));
  readonly eventCounts = new Float64Array(TEMPLATES);
  /** By reason, then by the command's template. */
  readonly rejections = new Map<number, Map<number, number>>();
  /** By instrument id. */
  readonly instruments = new Map<number, InstrumentFigures>();
  readonly accounts = new Map<number, AccountFigures>();
  readonly anchors = new ThinnedList<AnchorRow>(MOST_ANCHORS);
  readonly checkpoints = new ThinnedList<CheckpointRow>(MOST_ANCHORS);
  /** Undefined before the first command. */
  scale: TimeScale | undefined;
  commandsByBin = new Float64Array(0);
  rejectionsByBin = new Float64Array(0);
  readonly #endUs: number;
  readonly #command = new CommandHeader();
  readonly #event = new EventHeader();
  readonly #trade = new Trade();
  readonly #rejected = new Rejected();
  readonly #checkpoint = new Checkpoint();
  #bin = 0;
  #binUs = -1;

  /** endUs: time of the last command of the journal. */
  constructor(endUs: number) {
    this.#endUs = endUs;
  }

  onBlock(at: LogPosition): void {
    this.anchors.offer(() => ({
      seq: at.lastSeq,
      block: at.blockNumber,
      epoch: at.epoch,
      timestampUs: at.lastTimestampUs,
      chain: toHex(at.chain),
    }));
  }

  /** Before its events. */
  onCommand(view: DataView, offset: number): void {
    const header = this.#command;
    header.wrap(view, offset);
    const { timestampUs, verdict, templateId } = header;
    if (this.scale === undefined) this.#begin(timestampUs);
    this.#moveTo(timestampUs);
    this.commands++;
    this.lastUs = timestampUs;
    add(this.commandsByBin, this.#bin, 1);
    add(this.commandCounts[templateId] as Float64Array, verdict ?? Verdict.pending, 1);
  }

  onEvent(view: DataView, offset: number, run: EngineRun): void {
    const header = this.#event;
    header.wrap(view, offset);
    const template = header.templateId;
    if (template === CHECKPOINT_TEMPLATE_ID) {
      this.#onCheckpoint(view, offset, run);
      return;
    }
    this.events++;
    add(this.eventCounts, template, 1);
    switch (template) {
      case TRADE_TEMPLATE_ID:
        this.#onTrade(view, offset, run);
        break;
      case REJECTED_TEMPLATE_ID:
        this.#onRejected(view, offset);
        break;
      case ACCEPTED_TEMPLATE_ID:
        this.#account(header.account).accepted++;
        break;
      case CANCELED_TEMPLATE_ID:
        this.#account(header.account).canceled++;
        break;
      case REPLACED_TEMPLATE_ID:
        this.#account(header.account).replaced++;
        break;
      case AUCTION_TEMPLATE_ID: {
        const instrument = this.#instrument(header.instrumentId, run);
        if (instrument !== undefined) instrument.auctions++;
        break;
      }
    }
  }

  #begin(timestampUs: number): void {
    const scale = new TimeScale(timestampUs, Math.max(timestampUs, this.#endUs), MOST_BINS);
    this.scale = scale;
    this.firstUs = timestampUs;
    this.commandsByBin = new Float64Array(scale.bins);
    this.rejectionsByBin = new Float64Array(scale.bins);
  }

  /** Time never goes back, so one comparison does for most commands. */
  #moveTo(timestampUs: number): void {
    if (timestampUs < this.#binUs) return;
    const scale = this.scale as TimeScale;
    this.#bin = scale.binOf(timestampUs);
    this.#binUs = scale.startOf(this.#bin + 1);
  }

  #onTrade(view: DataView, offset: number, run: EngineRun): void {
    const trade = this.#trade;
    trade.wrap(view, offset);
    const instrument = this.#instrument(trade.instrumentId, run);
    if (instrument === undefined) return;
    const { priceTicks, quantityLots, account, makerAccount } = trade;
    const { takerFeeUnits, makerFeeUnits } = trade;
    this.trades++;
    instrument.trades++;
    instrument.lastTicks = priceTicks;
    if (priceTicks < instrument.lowTicks) instrument.lowTicks = priceTicks;
    if (priceTicks > instrument.highTicks) instrument.highTicks = priceTicks;
    instrument.lots.add(quantityLots);
    const notional = priceTicks * quantityLots; // a safe integer, by the rules
    instrument.notional.add(notional);
    instrument.fees.add(takerFeeUnits);
    instrument.fees.add(makerFeeUnits);
    add(instrument.tradesByBin, this.#bin, 1);
    add(instrument.lotsByBin, this.#bin, quantityLots);
    this.#fill(account, instrument.terms, notional, takerFeeUnits);
    this.#fill(makerAccount, instrument.terms, notional, makerFeeUnits);
  }

  #fill(account: number, terms: InstrumentTerms, notional: number, feeUnits: number): void {
    const figures = this.#account(account);
    figures.fills++;
    let money = figures.money.get(terms.quoteAssetId);
    if (money === undefined) {
      const { quoteAsset: asset, quoteAssetScale: scale } = terms;
      money = { asset, scale, turnover: new ExactSum(), fees: new ExactSum() };
      figures.money.set(terms.quoteAssetId, money);
    }
    money.turnover.addProduct(notional, terms.notionalUnit);
    money.fees.add(feeUnits);
  }

  #onRejected(view: DataView, offset: number): void {
    const rejected = this.#rejected;
    rejected.wrap(view, offset);
    add(this.rejectionsByBin, this.#bin, 1);
    this.#account(rejected.account).rejected++;
    const { reason, command } = rejected;
    let byCommand = this.rejections.get(reason);
    if (byCommand === undefined) {
      byCommand = new Map();
      this.rejections.set(reason, byCommand);
    }
    byCommand.set(command, (byCommand.get(command) ?? 0) + 1);
  }

  #onCheckpoint(view: DataView, offset: number, run: EngineRun): void {
    const checkpoint = this.#checkpoint;
    checkpoint.wrap(view, offset);
    const { stateHash0, stateHash1, stateHash2, stateHash3 } = checkpoint;
    this.checkpoints.offer(() => ({
      seq: checkpoint.seq,
      timestampUs: checkpoint.timestampUs,
      stateHash: [stateHash0, stateHash1, stateHash2, stateHash3].map(hex).join(""),
      eventHash: run.eventHash(),
      events: checkpoint.eventCount,
      trades: checkpoint.tradeCount,
    }));
  }

  #account(account: number): AccountFigures {
    let figures = this.accounts.get(account);
    if (figures === undefined) {
      figures = new AccountFigures();
      this.accounts.set(account, figures);
    }
    return figures;
  }

  #instrument(id: number, run: EngineRun): InstrumentFigures | undefined {
    const there = this.instruments.get(id);
    if (there !== undefined) return there;
    const terms = run.instruments.get(id);
    if (terms === undefined) return undefined;
    const figures = new InstrumentFigures(terms, this.scale?.bins ?? 1);
    this.instruments.set(id, figures);
    return figures;
  }
}

function add(counts: Float64Array, at: number, value: number): void {
  counts[at] = (counts[at] as number) + value;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
