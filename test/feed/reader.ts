// A client of /v1/market that believes nothing: frames are read by hand, books kept in plain maps,
// checksums computed from all rows anew after every update.

export type Book = "l1" | "l2" | "l3";

/** Sizes as fractions: value × 10^-scale. */
export interface Sizes {
  readonly symbol: string;
  readonly instrumentId: number;
  readonly tick: readonly [value: number, scale: number];
  readonly lot: readonly [value: number, scale: number];
}

export interface Indication {
  readonly collecting: boolean;
  readonly priceTicks: number | null;
  readonly lots: number;
  readonly imbalanceLots: number;
  readonly imbalanceSide: number;
}

/** state: the book as `stateText` writes it, on demand. */
export type OnState = (book: Book, instrumentId: number, seq: number, state: () => string) => void;

interface Row {
  readonly side: number;
  readonly priceTicks: number;
  readonly lots: number;
  readonly orderId: number;
  /** l2: orders; l3: priority. */
  readonly extra: number;
}

interface Statement {
  readonly channel: string;
  readonly instrumentId: number;
  readonly isSnapshot: boolean;
  readonly prevSeq: number;
  readonly seq: number;
}

interface Rows extends Statement {
  readonly part: number;
  readonly parts: number;
  readonly checksum: string;
  readonly rows: readonly Row[];
}

/** What is known of one channel of one instrument. */
export interface Channel {
  /** −1: nothing yet. */
  seq: number;
  /** Parts of the message under way that have come. */
  part: number;
  isPartial: boolean;
  rows: Map<number, Row>;
  indication: Indication | null;
  updates: number;
  /** Updates that stand for more than one command's. */
  snapshots: number;
}

const U32 = 4294967296;

export class Reader {
  readonly channels = new Map<string, Channel>();
  readonly #sizes: (symbol: string) => Sizes;
  readonly #onState: OnState;
  /** Acknowledgements in the order they came: "subscribed l3 ABC". */
  readonly acknowledged: string[] = [];
  heartbeats = 0;
  errors: string[] = [];

  /** onState: after every whole update of a book. */
  constructor(sizes: (symbol: string) => Sizes, onState: OnState) {
    this.#sizes = sizes;
    this.#onState = onState;
  }

  channel(name: string, instrumentId: number): Channel | undefined {
    return this.channels.get(`${name} ${instrumentId}`);
  }

  take(frame: string | Uint8Array): void {
    if (typeof frame === "string") this.#takeJson(JSON.parse(frame));
    else this.#takeBinary(new DataView(frame.buffer, frame.byteOffset, frame.byteLength));
  }

  // Text.

  #takeJson(json: Record<string, unknown>): void {
    const type = json.type as string;
    if (type === "heartbeat") {
      this.heartbeats++;
      return;
    }
    if (type === "error") {
      this.errors.push(json.code as string);
      return;
    }
    if (type === "subscribed" || type === "unsubscribed") {
      this.acknowledged.push(`${type} ${json.channel} ${json.symbol}`);
      return;
    }
    const sizes = this.#sizes(json.symbol as string);
    const statement = {
      channel: type,
      instrumentId: sizes.instrumentId,
      isSnapshot: json.snapshot as boolean,
      prevSeq: json.prevSeq as number,
      seq: json.seq as number,
    };
    const ticks = (text: unknown) => units(text as string, ...sizes.tick);
    const lots = (text: unknown) => units(text as string, ...sizes.lot);
    if (type === "l1") {
      const rows: Row[] = [];
      if (json.bidPrice !== undefined)
        rows.push(best(1, ticks(json.bidPrice), lots(json.bidQuantity)));
      if (json.askPrice !== undefined)
        rows.push(best(2, ticks(json.askPrice), lots(json.askQuantity)));
      this.#best(statement, rows, json.checksum as string);
    } else if (type === "l2" || type === "l3") {
      const rows: Row[] = [];
      for (const [side, list] of [
        [1, json.bids],
        [2, json.asks],
      ] as const) {
        for (const row of list as (string | number)[][]) {
          const [orderId, price, quantity, extra] = type === "l3" ? row : [0, ...row];
          rows.push({
            side,
            orderId: orderId as number,
            priceTicks: ticks(price),
            lots: lots(quantity),
            extra: extra as number,
          });
        }
      }
      const [part, parts] = [(json.part as number) ?? 1, (json.parts as number) ?? 1];
      this.#book({ ...statement, part, parts, checksum: json.checksum as string, rows });
    } else if (type === "indication") {
      const { collecting, price, quantity, imbalance, imbalanceSide } = json;
      this.#indication(statement, {
        collecting: collecting as boolean,
        priceTicks: price === undefined ? null : ticks(price),
        lots: quantity === undefined ? 0 : lots(quantity),
        imbalanceLots: imbalance === undefined ? 0 : lots(imbalance),
        imbalanceSide: ["none", "buy", "sell"].indexOf((imbalanceSide as string) ?? "none"),
      });
    } else if (type === "trades" || type === "status") this.#chain(statement);
    else throw new Error(`a message of type ${type}`);
  }

  // Binary, by the offsets of the documents.

  #takeBinary(view: DataView): void {
    for (let at = 0; at < view.byteLength; ) {
      let length = view.getUint16(at, true);
      const template = view.getUint16(at + 2, true);
      const statement = (channel: string, instrumentAt: number, snapshotAt: number) => ({
        channel,
        instrumentId: view.getUint32(at + instrumentAt, true),
        isSnapshot: view.getUint8(at + snapshotAt) === 1,
        prevSeq: u64(view, at + 16),
        seq: u64(view, at + 8),
      });
      if (template === 131) this.heartbeats++;
      else if (template === 132) this.errors.push(String(view.getUint16(at + 24, true)));
      else if (template === 141) this.#acknowledge(view, at);
      else if (template === 142) {
        // Several of one command: all but the first repeat what it says.
        const trade = statement("trades", 52, 61);
        if (this.#of(trade).seq !== trade.seq || trade.isSnapshot) this.#chain(trade);
      } else if (template === 143) {
        const rows: Row[] = [];
        const [bid, ask] = [u64(view, at + 32), u64(view, at + 40)];
        if (bid !== 0) rows.push(best(1, view.getInt32(at + 60, true), bid));
        if (ask !== 0) rows.push(best(2, view.getInt32(at + 64, true), ask));
        this.#best(statement("l1", 56, 68), rows, checksumAt(view, at + 48));
      } else if (template === 146) this.#chain(statement("status", 64, 71));
      else if (template === 148) length += this.#takeRows(view, at);
      else if (template === 151) {
        const lots = u64(view, at + 32);
        this.#indication(statement("indication", 48, 58), {
          collecting: view.getUint8(at + 57) === 1,
          priceTicks: lots === 0 ? null : view.getInt32(at + 52, true),
          lots,
          imbalanceLots: u64(view, at + 40),
          imbalanceSide: view.getUint8(at + 56),
        });
      } else throw new Error(`a record of template ${template}`);
      at += length;
    }
  }

  #acknowledge(view: DataView, at: number): void {
    const channel = ["none", "l1", "l2", "l3", "trades", "status", "indication"][
      view.getUint8(at + 16)
    ];
    const type = view.getUint8(at + 17) === 1 ? "unsubscribed" : "subscribed";
    let symbol = "";
    for (let i = at + 18; i < at + 34 && view.getUint8(i) !== 0; i++) {
      symbol += String.fromCharCode(view.getUint8(i));
    }
    this.acknowledged.push(`${type} ${channel} ${symbol}`);
  }

  /** Returns the bytes of the rows. */
  #takeRows(view: DataView, at: number): number {
    const isL3 = view.getUint8(at + 56) === 3;
    const count = view.getUint32(at + 44, true);
    const bytes = isL3 ? 40 : 32;
    const rows: Row[] = [];
    for (let row = at + 64; row < at + 64 + count * bytes; row += bytes) {
      if (view.getUint16(row + 2, true) !== (isL3 ? 150 : 149)) throw new Error("a row is missing");
      rows.push(
        isL3
          ? {
              side: view.getUint8(row + 36),
              priceTicks: view.getInt32(row + 32, true),
              lots: u64(view, row + 16),
              orderId: u64(view, row + 8),
              extra: u64(view, row + 24),
            }
          : {
              side: view.getUint8(row + 24),
              priceTicks: view.getInt32(row + 16, true),
              lots: u64(view, row + 8),
              orderId: 0,
              extra: view.getUint32(row + 20, true),
            },
      );
    }
    this.#book({
      channel: isL3 ? "l3" : "l2",
      instrumentId: view.getUint32(at + 40, true),
      isSnapshot: view.getUint8(at + 57) === 1,
      prevSeq: u64(view, at + 16),
      seq: u64(view, at + 8),
      part: view.getUint32(at + 48, true),
      parts: view.getUint32(at + 52, true),
      checksum: checksumAt(view, at + 32),
      rows,
    });
    return count * bytes;
  }

  // What they mean.

  #of({ channel, instrumentId }: { channel: string; instrumentId: number }): Channel {
    const key = `${channel} ${instrumentId}`;
    let known = this.channels.get(key);
    if (known === undefined) {
      known = {
        seq: -1,
        part: 0,
        isPartial: false,
        rows: new Map(),
        indication: null,
        updates: 0,
        snapshots: 0,
      };
      this.channels.set(key, known);
    }
    return known;
  }

  /** Every message names the one before. */
  #chain(statement: Statement): Channel {
    const channel = this.#of(statement);
    const { isSnapshot, prevSeq, seq } = statement;
    const where = `${statement.channel} of ${statement.instrumentId} at ${seq}`;
    if (isSnapshot) {
      if (prevSeq !== 0) throw new Error(`a snapshot of ${where} with prevSeq ${prevSeq}`);
      channel.snapshots++;
    } else {
      // The first trade ever comes without a snapshot before it.
      const isFirstTrade = statement.channel === "trades" && channel.seq === -1;
      const known = isFirstTrade ? 0 : channel.seq;
      if (prevSeq !== known) throw new Error(`a gap: ${where} follows ${prevSeq}, not ${known}`);
      if (seq <= known) throw new Error(`${where} goes back`);
    }
    channel.seq = seq;
    channel.updates++;
    return channel;
  }

  #best(statement: Statement, rows: readonly Row[], checksum: string): void {
    this.#chain(statement);
    if (checksumOf("l1", rows) !== checksum) throw new Error(`l1 at ${statement.seq}: checksum`);
    this.#onState("l1", statement.instrumentId, statement.seq, () => stateText("l1", rows));
  }

  #indication(statement: Statement, indication: Indication): void {
    this.#chain(statement).indication = indication;
  }

  #book(message: Rows): void {
    const channel = this.#of(message);
    const book = message.channel as Book;
    const where = `${book} of ${message.instrumentId} at ${message.seq}`;
    if (message.part === 1) {
      this.#chain(message);
      if (message.isSnapshot) channel.rows.clear();
    } else if (message.part !== channel.part + 1 || message.seq !== channel.seq) {
      throw new Error(`${where}: part ${message.part} after ${channel.part}`);
    }
    channel.part = message.part;
    channel.isPartial = message.part < message.parts;
    for (const row of message.rows) {
      const key = row.orderId === 0 ? row.priceTicks * 2 + row.side - 1 : row.orderId;
      if (row.lots === 0) {
        if (!channel.rows.delete(key)) throw new Error(`${where}: removes a row that is not there`);
      } else channel.rows.set(key, row);
    }
    if (channel.isPartial) return;
    const rows = [...channel.rows.values()];
    const checksum = checksumOf(book, rows);
    if (checksum !== message.checksum) {
      throw new Error(`${where}: checksum ${message.checksum}, own book ${checksum}`);
    }
    this.#onState(book, message.instrumentId, message.seq, () => stateText(book, rows));
  }
}

function best(side: number, priceTicks: number, lots: number): Row {
  return { side, priceTicks, lots, orderId: 0, extra: 0 };
}

function u64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function checksumAt(view: DataView, at: number): string {
  return view.getBigUint64(at, true).toString(16).padStart(16, "0");
}

/** A decimal as a whole number of value × 10^-scale. */
function units(text: string, value: number, scale: number): number {
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) as string[];
  const digits = BigInt((whole as string) + fraction.padEnd(scale, "0"));
  if (digits % BigInt(value) !== 0n) throw new Error(`${text} is not a multiple`);
  return Number((sign === "-" ? -digits : digits) / BigInt(value));
}

/** The book in one line: best first, then as orders queue. Priorities only order, they are not shown. */
export function stateText(book: Book, rows: readonly Row[]): string {
  const bids = rows.filter(({ side }) => side === 1);
  const asks = rows.filter(({ side }) => side === 2);
  bids.sort((a, b) => b.priceTicks - a.priceTicks || a.extra - b.extra);
  asks.sort((a, b) => a.priceTicks - b.priceTicks || a.extra - b.extra);
  const text = (list: readonly Row[]) =>
    list
      .map(({ orderId, priceTicks, lots, extra }) => {
        if (book === "l3") return `${orderId}:${lots}@${priceTicks}`;
        return book === "l2" ? `${lots}/${extra}@${priceTicks}` : `${lots}@${priceTicks}`;
      })
      .join(" ");
  return `${text(bids)} | ${text(asks)}`;
}

/** As the documents define it: hash of each row, summed mod 2^64. */
export function checksumOf(book: Book, rows: readonly Row[]): string {
  let low = 0;
  let high = 0;
  for (const { side, priceTicks, lots, orderId, extra } of rows) {
    const words = [side, priceTicks, lots % U32, Math.floor(lots / U32)];
    if (book === "l2") words.push(extra);
    if (book === "l3") {
      words.push(orderId % U32, Math.floor(orderId / U32), extra % U32, Math.floor(extra / U32));
    }
    low += murmur3(words, 1);
    high += murmur3(words, 2) + (low >= U32 ? 1 : 0);
    low %= U32;
    high %= U32;
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}

/** MurmurHash3 x86 32-bit of 32-bit words. */
function murmur3(words: readonly number[], seed: number): number {
  const rotate = (value: number, by: number) => (value << by) | (value >>> (32 - by));
  let hash = seed;
  for (const word of words) {
    hash ^= Math.imul(rotate(Math.imul(word | 0, 0xcc9e2d51), 15), 0x1b873593);
    hash = (Math.imul(rotate(hash, 13), 5) + 0xe6546b64) | 0;
  }
  hash ^= words.length * 4;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
