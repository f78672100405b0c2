import { DEFAULT_CAPACITY } from "../../../engine/engine.ts";
import { InlinePipeline } from "../../../engine/inline-pipeline.ts";
import { Ledger } from "../../../engine/ledger/ledger.ts";
import { InstrumentDirectory } from "../../../protocol/instrument-directory.ts";
import { decodeEvent } from "../../../protocol/json/decode-event.ts";
import { encodeCommand } from "../../../protocol/json/encode-command.ts";

type Json = Record<string, unknown>;

/** The pipeline in one thread with a ledger behind it: JSON commands in, JSON events out. */
export class SpotExchange {
  readonly ledger = new Ledger();
  readonly directory = new InstrumentDirectory();
  /** Every event's bytes, for a second ledger. */
  readonly records: DataView[] = [];
  readonly #pipeline: InlinePipeline;
  #events: Json[] = [];

  /** onEvent: the ledger has just taken an event. */
  constructor(onEvent: () => void = () => {}) {
    this.#pipeline = new InlinePipeline({
      capacity: { ...DEFAULT_CAPACITY, orders: 1024, levels: 512, instruments: 4, accounts: 64 },
      commandSlots: 64,
      eventSlots: 1024,
      onMatched: (view, offset) => {
        this.directory.onEvent(view, offset);
        this.ledger.onEvent(view, offset);
        const length = view.getUint16(offset, true);
        const start = view.byteOffset + offset;
        this.records.push(new DataView(view.buffer.slice(start, start + length) as ArrayBuffer));
        const event = decodeEvent(view, offset, this.directory);
        if (event !== null) this.#events.push(event);
        onEvent();
      },
      onDurable: () => {},
    });
  }

  /** The events of one command. */
  send(command: Json): Json[] {
    this.#events = [];
    const pipeline = this.#pipeline;
    const offset = pipeline.next();
    const rights = { admin: true, accountRequired: true };
    encodeCommand({ account: 1, ...command }, this.directory, pipeline.view, offset, rights);
    pipeline.commit(pipeline.lastTimestampUs + 1000);
    return this.#events;
  }

  define(symbol: string, terms: Json = {}): void {
    this.send({ type: "defineInstrument", symbol, tickSize: "1", lotSize: "1", ...terms });
  }

  deposit(account: number, asset: string, amount: string): Json[] {
    return this.send({ type: "adjustBalance", account, asset, amount, reference: "" });
  }

  spot(...accounts: number[]): void {
    for (const account of accounts) this.send({ type: "setAccount", account, mode: "spot" });
  }

  /** "type reason" of each event, for short comparisons. */
  order(account: number, side: "buy" | "sell", quantity: string, price?: string, more: Json = {}) {
    const terms = price === undefined ? { orderType: "market" } : { orderType: "limit", price };
    const symbol = this.directory.all()[0]?.symbol;
    return this.send({ type: "newOrder", account, symbol, side, quantity, ...terms, ...more }).map(
      (event) => [event.type, event.reason].filter((word) => word !== undefined).join(" "),
    );
  }

  /** free / held of an asset. */
  balance(account: number, asset: string): string {
    const id = this.directory.assetIdOf(asset);
    const row = this.ledger.balances(account).find(({ assetId }) => assetId === id);
    return `${row?.freeUnits ?? 0} / ${row?.heldUnits ?? 0}`;
  }

  /** Units of an asset over all accounts, the venue's included. */
  sum(asset: string): number {
    const id = this.directory.assetIdOf(asset);
    let units = 0;
    for (const account of this.ledger.accounts()) units += this.ledger.account(account).total(id);
    return units;
  }
}
