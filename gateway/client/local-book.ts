import { BookChecksum, RowHash } from "../../protocol/book-checksum.ts";
import { type Decimal, DecimalReader, formatUnits } from "../../protocol/decimal.ts";
import { Side } from "../../protocol/generated/enums.ts";
import type { Message } from "./messages.ts";

export type BookChannel = "l2" | "l3";

/** A price level, or with l3 an order in its place in the queue. */
export interface BookEntry {
  readonly price: string;
  /** Shown. */
  readonly quantity: string;
  /** l2: how many at the price; l3: 1. */
  readonly orders: number;
  /** l3 only. */
  readonly orderId?: number;
}

/** What a message did to a book. */
export type BookOutcome =
  /** The book is the server's as of its seq: the checksum agrees. */
  | "current"
  /** Further parts are to come. */
  | "partial"
  /** It does not follow on what is here, or the checksum differs: a snapshot is needed. */
  | "broken";

interface Row {
  readonly side: number;
  readonly priceTicks: number;
  readonly lots: number;
  readonly orderId: number;
  /** l2: orders; l3: priority. */
  readonly extra: number;
}

/** The sizes of an instrument, as its status tells them. */
export interface BookSizes {
  readonly tickSize: Decimal;
  readonly lotSize: Decimal;
}

/**
 * The whole book of one instrument as the channel l2 or l3 tells it. After every message its own
 * checksum is compared with the server's: `seq` is what the two agree on.
 */
export class LocalBook {
  readonly symbol: string;
  readonly channel: BookChannel;
  /** The book is the server's as it was after this command. −1: there is none yet. */
  seq = -1;
  readonly #rows = new Map<number, Row>();
  readonly #checksum = new BookChecksum();
  readonly #hash = new RowHash();
  readonly #reader = new DecimalReader();
  #sizes: BookSizes = { tickSize: { value: 1, scale: 0 }, lotSize: { value: 1, scale: 0 } };
  /** Of the message under way: its seq, and the parts that have come. */
  #partialSeq = -1;
  #parts = 0;
  #sorted: { bids: Row[]; asks: Row[] } | null = null;

  constructor(symbol: string, channel: BookChannel) {
    this.symbol = symbol;
    this.channel = channel;
  }

  /** It agrees with the server's as of `seq`. */
  get isCurrent(): boolean {
    return this.seq >= 0;
  }

  /** 16 hexadecimal digits, as in the messages. */
  get checksum(): string {
    return this.#checksum.hex;
  }

  /** Best first; with l3 orders as they queue. count: at most so many. */
  bids(count = Number.POSITIVE_INFINITY): BookEntry[] {
    return this.#entries("bids", count);
  }

  asks(count = Number.POSITIVE_INFINITY): BookEntry[] {
    return this.#entries("asks", count);
  }

  /** Nothing is known any more. */
  clear(): void {
    this.seq = -1;
    this.#partialSeq = -1;
    this.#empty();
  }

  /** message: of this channel and symbol. */
  apply(message: Message, sizes: BookSizes): BookOutcome {
    const { snapshot, prevSeq, seq } = message;
    const part = (message.part ?? 1) as number;
    const parts = (message.parts ?? 1) as number;
    if (part === 1) {
      if (snapshot === true) this.#empty();
      else if (prevSeq !== this.seq) return this.#break();
    } else if (seq !== this.#partialSeq || part !== this.#parts + 1) return this.#break();
    this.#sizes = sizes;
    this.#sorted = null;
    const isWhole =
      this.#takeRows(Side.buy, message.bids) && this.#takeRows(Side.sell, message.asks);
    if (!isWhole) return this.#break();
    this.#partialSeq = seq as number;
    this.#parts = part;
    this.seq = -1;
    if (part < parts) return "partial";
    if (this.checksum !== message.checksum) return this.#break();
    this.seq = seq as number;
    return "current";
  }

  #break(): BookOutcome {
    this.clear();
    return "broken";
  }

  #empty(): void {
    this.#rows.clear();
    this.#checksum.clear();
    this.#sorted = null;
  }

  /** False: a row that cannot be. */
  #takeRows(side: number, rows: unknown): boolean {
    for (const row of rows as (string | number)[][]) {
      const [orderId, price, quantity, extra] = this.channel === "l3" ? row : [0, ...row];
      const priceTicks = this.#units(price, this.#sizes.tickSize);
      const lots = this.#units(quantity, this.#sizes.lotSize);
      const key = orderId === 0 ? priceTicks * 2 + side : (orderId as number);
      const old = this.#rows.get(key);
      if (old !== undefined) {
        this.#hashOf(old);
        this.#checksum.removeHash(this.#hash.low, this.#hash.high);
      }
      if (lots === 0) {
        if (!this.#rows.delete(key)) return false;
        continue;
      }
      const fresh = {
        side,
        priceTicks,
        lots,
        orderId: orderId as number,
        extra: extra as number,
      };
      this.#rows.set(key, fresh);
      this.#hashOf(fresh);
      this.#checksum.addHash(this.#hash.low, this.#hash.high);
    }
    return true;
  }

  #units(text: unknown, size: Decimal): number {
    return this.#reader.read(text as string) ? this.#reader.toUnits(size) : Number.NaN;
  }

  #hashOf({ side, priceTicks, lots, orderId, extra }: Row): void {
    if (this.channel === "l3") this.#hash.ofOrder(side, priceTicks, lots, orderId, extra);
    else this.#hash.ofLevel(side, priceTicks, lots, extra);
  }

  #entries(side: "bids" | "asks", count: number): BookEntry[] {
    this.#sorted ??= this.#sort();
    const { tickSize, lotSize } = this.#sizes;
    return this.#sorted[side].slice(0, count).map(({ priceTicks, lots, orderId, extra }) => {
      const price = formatUnits(priceTicks, tickSize.value, tickSize.scale);
      const quantity = formatUnits(lots, lotSize.value, lotSize.scale);
      return this.channel === "l3"
        ? { price, quantity, orders: 1, orderId }
        : { price, quantity, orders: extra };
    });
  }

  #sort(): { bids: Row[]; asks: Row[] } {
    const bids: Row[] = [];
    const asks: Row[] = [];
    for (const row of this.#rows.values()) (row.side === Side.buy ? bids : asks).push(row);
    bids.sort((a, b) => b.priceTicks - a.priceTicks || a.extra - b.extra);
    asks.sort((a, b) => a.priceTicks - b.priceTicks || a.extra - b.extra);
    return { bids, asks };
  }
}
