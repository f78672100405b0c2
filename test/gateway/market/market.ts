// Market data without a network: sockets that read when they are told to.
import { Ledger } from "../../../engine/ledger/ledger.ts";
import { systemClock } from "../../../gateway/clock.ts";
import { MarketBooks } from "../../../gateway/market/market-books.ts";
import { MarketData } from "../../../gateway/market/market-data.ts";
import { MarketEndpoint } from "../../../gateway/market/market-endpoint.ts";
import { PACE, type Pace } from "../../../gateway/market/pace.ts";
import { Admission } from "../../../gateway/transport/admission.ts";
import { Topics } from "../../../gateway/transport/topics.ts";
import type { SocketHandler } from "../../../gateway/transport/transport.ts";
import { Views } from "../../../gateway/views/views.ts";
import { HEARTBEAT_LENGTH, Heartbeat } from "../../../protocol/generated/session.ts";
import { ReferenceEngine } from "../../reference/engine.ts";
import { type CommandDraft, completeCommand, writeRecord } from "../../reference/records.ts";
import { SlowSocket } from "../../simulation/slow-socket.ts";

export type Json = Record<string, unknown>;

const REQUEST = { remoteAddress: "192.0.2.1", origin: "", host: "", query: "" };

/** A market endpoint behind the reference engine, without a network. */
export class Market {
  readonly #topics = new Topics<SlowSocket>();
  readonly #engine = new ReferenceEngine({
    orders: 4096,
    levels: 4096,
    instruments: 4,
    accounts: 16,
    assets: 8,
  });
  readonly #books = new MarketBooks();
  readonly #views = new Views(this.#books, new Ledger());
  readonly #data = new MarketData(this.#views.directory, this.#books);
  readonly #view = new DataView(new ArrayBuffer(192));
  readonly endpoint: MarketEndpoint;
  seq = 0;

  constructor(pace: Partial<Pace> = {}) {
    this.endpoint = new MarketEndpoint(
      {
        data: this.#data,
        directory: this.#views.directory,
        clock: systemClock,
        completeSeq: () => this.seq,
        onUnexpected: (error) => {
          throw error;
        },
      },
      { heartbeatIntervalMs: 10_000, maxMessageBytes: 65_536, maxSendBufferBytes: 1024 * 1024 },
      { sessionPerSecond: 0, keyPerSecond: 0, addressPerSecond: 0, burstMs: 1000 },
      new Admission({ maxConnections: 100, maxConnectionsPerAddress: 100, origins: [] }),
      // All at once, unless a test is about turns.
      { ...PACE, catchUpMs: Number.POSITIVE_INFINITY, ...pace },
    );
    this.endpoint.attach(this.#topics);
    this.apply({
      type: "DefineInstrument",
      symbol: "BTC-USD",
      tickSize: 5,
      tickSizeScale: 1,
      lotSize: 1,
      lotSizeScale: 2,
      present: 3,
    });
  }

  apply(draft: CommandDraft): void {
    const fields = { seq: ++this.seq, timestampUs: this.seq, verdict: 1 };
    for (const event of this.#engine.apply(completeCommand({ ...fields, ...draft }))) {
      writeRecord(event, this.#view, 0);
      this.#views.onEvent(this.#view, 0);
      this.#data.onEvent(this.#view, 0);
    }
    this.#views.onCommandsComplete();
    this.#data.onCommandsComplete(this.seq);
    this.#data.onRoundEnd();
    this.endpoint.onRoundEnd();
  }

  order(account: number, side: number, priceTicks: number, quantityLots: number): void {
    this.apply({
      type: "NewOrder",
      account,
      instrumentId: 1,
      side,
      orderType: 1,
      timeInForce: 1,
      priceTicks,
      quantityLots,
      present: 5,
    });
  }

  connect(isBinary = false): { socket: SlowSocket; handler: SocketHandler } {
    const socket = new SlowSocket(this.#topics);
    const query = isBinary ? "encoding=binary" : "";
    return { socket, handler: this.endpoint.open(socket, { ...REQUEST, query }) };
  }

  subscribe(channel: string, isBinary = false): { socket: SlowSocket; handler: SocketHandler } {
    const { socket, handler } = this.connect(isBinary);
    const message = JSON.stringify({ type: "subscribe", channel, symbol: "BTC-USD" });
    handler.onMessage(Buffer.from(message), false);
    if (isBinary) {
      // A binary message of any kind: what it gets from now on is binary.
      const heartbeat = new DataView(new ArrayBuffer(HEARTBEAT_LENGTH));
      const record = new Heartbeat();
      record.wrap(heartbeat, 0);
      record.clear();
      handler.onMessage(new Uint8Array(heartbeat.buffer), true);
    }
    this.endpoint.onRoundEnd();
    return { socket, handler };
  }
}
