// A server with private sessions over real sockets, and clients that speak the protocol by hand.
import { WebSocket } from "ws";
import { Ledger } from "../../../engine/ledger/ledger.ts";
import { type Clock, systemClock } from "../../../gateway/clock.ts";
import type { Key } from "../../../gateway/keys/key-directory.ts";
import { checkSignature, signedText, signHmac } from "../../../gateway/keys/signature.ts";
import { MarketBooks } from "../../../gateway/market/market-books.ts";
import { MarketData } from "../../../gateway/market/market-data.ts";
import { MarketEndpoint } from "../../../gateway/market/market-endpoint.ts";
import { GatewayStage } from "../../../gateway/stage/gateway-stage.ts";
import { RecentEvents } from "../../../gateway/stage/recent-events.ts";
import type { EventHistory } from "../../../gateway/trade/catch-up.ts";
import type { RateLimitOptions } from "../../../gateway/trade/rate-limits.ts";
import type { TradeOptions } from "../../../gateway/trade/services.ts";
import { TradeEndpoint } from "../../../gateway/trade/trade-endpoint.ts";
import { Admission } from "../../../gateway/transport/admission.ts";
import type { TransportChoice } from "../../../gateway/transport/start.ts";
import type { Transport } from "../../../gateway/transport/transport.ts";
import { Views } from "../../../gateway/views/views.ts";
import { ReceiptDesk } from "../../../protocol/rings/receipts.ts";
import { checkedMessageProblem } from "../../asyncapi.ts";
import { ExchangeSimulator } from "../../simulation/exchange-simulator.ts";
import { start, until } from "../transports.ts";

export type Json = Record<string, unknown>;

const KEYS: Readonly<Record<string, Key & { secret: string }>> = {
  alice: key("alice", 1, 7, "trader", false),
  alice2: key("alice2", 6, 7, "trader", false),
  bob: key("bob", 2, 8, "marketMaker", false),
  root: key("root", 3, 1, "admin", true),
  watcher: key("watcher", 4, 7, "viewer", false),
  auditor: key("auditor", 5, 9, "viewer", true),
  auditorTrader: key("auditorTrader", 7, 2, "admin", true),
};

function key(
  keyId: string,
  keyNumber: number,
  account: number,
  role: Key["role"],
  allAccounts: boolean,
) {
  return { keyId, keyNumber, account, role, allAccounts, secret: `secret of ${keyId}` };
}

export interface ServerSettings {
  readonly trade?: Partial<TradeOptions>;
  readonly rates?: Partial<RateLimitOptions>;
  readonly recentSlots?: number;
  readonly commandSlots?: number;
  readonly clock?: Clock;
  /** In the place of the event log. */
  readonly history?: EventHistory;
}

export class TradeServer {
  readonly exchange: ExchangeSimulator;
  readonly endpoint: TradeEndpoint;
  readonly market: MarketEndpoint;
  readonly stage: GatewayStage;
  readonly revoked = new Set<string>();
  readonly problems: unknown[] = [];
  #transport!: Transport;
  readonly #timer: NodeJS.Timeout;
  readonly #clients: TradeClient[] = [];
  #isPumping = true;

  constructor(settings: ServerSettings = {}) {
    const exchange = new ExchangeSimulator({ commandSlots: settings.commandSlots ?? 1024 });
    this.exchange = exchange;
    const books = new MarketBooks();
    const views = new Views(books, new Ledger());
    const data = new MarketData(views.directory, books);
    const recent = new RecentEvents(settings.recentSlots ?? 1024);
    const clock = settings.clock ?? systemClock;
    const completeSeq = () => this.stage.completeSeq;
    const onUnexpected = (error: unknown) => this.problems.push(error);
    const options = {
      heartbeatIntervalMs: 10_000,
      maxMessageBytes: 64 * 1024,
      maxSendBufferBytes: 1024 * 1024,
      ...settings.trade,
    };
    const rates = {
      sessionPerSecond: 0,
      keyPerSecond: 0,
      addressPerSecond: 0,
      burstMs: 1000,
      ...settings.rates,
    };
    const admission = new Admission({
      maxConnections: 100,
      maxConnectionsPerAddress: 50,
      origins: [],
    });
    this.endpoint = new TradeEndpoint(
      {
        intake: exchange.intake,
        keys: { verify: (keyId, text, signature) => this.#verify(keyId, text, signature) },
        requests: exchange.requests,
        receipts: new ReceiptDesk(exchange.memory, completeSeq),
        views,
        recent,
        history: settings.history ?? exchange.history,
        clock,
        completeSeq,
        afterInput: () => exchange.afterInput(),
        onUnexpected,
      },
      options,
      rates,
      admission,
    );
    this.market = new MarketEndpoint(
      { data, directory: views.directory, clock, completeSeq, onUnexpected },
      options,
      rates,
      admission,
    );
    this.market.isLive = true;
    this.stage = new GatewayStage(
      exchange.memory,
      recent,
      [views, data],
      [this.endpoint, this.market],
    );
    this.stage.isLive = true;
    exchange.consume = () => this.stage.doWork();
    exchange.onCommands = () => this.pump();
    this.#timer = setInterval(() => {
      this.pump();
      this.endpoint.tick();
      this.market.tick();
    }, 5);
  }

  async listen(choice: TransportChoice): Promise<void> {
    this.#transport = await start(choice, { endpoints: [this.endpoint, this.market] });
  }

  get port(): number {
    return this.#transport.port;
  }

  /** While off, what is sequenced stays where it is. */
  set pumping(on: boolean) {
    this.#isPumping = on;
  }

  pump(): void {
    if (!this.#isPumping) return;
    this.exchange.step();
    while (this.stage.doWork() > 0);
  }

  async connect(binary = false, path = "/v1/trade"): Promise<TradeClient> {
    const query = binary ? "?encoding=binary" : "";
    const client = new TradeClient(`ws://127.0.0.1:${this.port}${path}${query}`);
    this.#clients.push(client);
    await client.opened;
    return client;
  }

  /** Connected and logged on; what has come so far is forgotten. */
  async client(keyId: string, fields: Json = {}): Promise<TradeClient> {
    const client = await this.connect();
    await client.logon(keyId, fields);
    return client;
  }

  /** Sends admin commands and waits until they are done. */
  async setUp(...commands: Json[]): Promise<void> {
    const admin = await this.client("root");
    for (const command of commands) admin.send(command);
    await until(() => admin.events.length >= commands.length, "the commands' events");
    await admin.close();
  }

  /** Bob and alice trade; returns after `count` trades. */
  async tradeAlong(count: number): Promise<void> {
    const bob = await this.client("bob");
    const alice = await this.client("alice2");
    for (let i = 0; i < count; i++) {
      bob.send(order({ side: "sell", quantity: "0.01" }));
      alice.send(order({ quantity: "0.01" }));
    }
    await until(() => bob.ofType("trade").length === count, `${count} trades`);
    await bob.close();
    await alice.close();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const client of this.#clients) {
      client.socket.terminate();
      this.problems.push(...client.undescribed);
    }
    await this.#transport.close();
  }

  #verify(keyId: string, text: string, signature: Uint8Array): Key | null {
    const known = this.revoked.has(keyId) ? undefined : KEYS[keyId];
    const good = checkSignature(known?.secret ?? null, null, text, signature);
    return good && known !== undefined ? known : null;
  }
}

/** What is no event of the engine. */
const SESSION_TYPES: ReadonlySet<unknown> = new Set([
  "challenge",
  "loggedOn",
  "heartbeat",
  "error",
  "duplicateRequest",
  "serverShutdown",
  "completed",
  "receipt",
  "queryEnd",
  "openOrder",
  "position",
  "assetBalance",
]);

export class TradeClient {
  readonly socket: WebSocket;
  readonly messages: Json[] = [];
  readonly frames: Buffer[] = [];
  readonly opened: Promise<void>;
  closeCode = 0;
  /** What was said that is not as docs/asyncapi.json says. */
  readonly undescribed: string[] = [];

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.frames.push(data);
      else this.#take(JSON.parse(data.toString()) as Json);
    });
    this.socket.on("close", (code) => {
      this.closeCode = code;
    });
    this.opened = new Promise((resolve, reject) => {
      this.socket.once("open", resolve);
      this.socket.on("error", reject);
    });
  }

  #take(message: Json): void {
    this.messages.push(message);
    const problem = checkedMessageProblem(message);
    if (problem !== null) this.undescribed.push(problem);
  }

  get events(): Json[] {
    return this.messages.filter(({ type }) => !SESSION_TYPES.has(type));
  }

  ofType(type: string): Json[] {
    return this.messages.filter((message) => message.type === type);
  }

  /** The first message of this type, once it has come. */
  async first(type: string): Promise<Json> {
    await until(() => this.ofType(type).length > 0, `a message of type ${type}`);
    return this.ofType(type)[0] as Json;
  }

  async last(type: string, count: number): Promise<Json> {
    await until(() => this.ofType(type).length >= count, `${count} messages of type ${type}`);
    return this.ofType(type).at(-1) as Json;
  }

  send(message: Json | string | Uint8Array): void {
    const isRaw = typeof message === "string" || message instanceof Uint8Array;
    this.socket.send(isRaw ? message : JSON.stringify(message));
  }

  /** The logon message for the challenge that came. */
  async logonMessage(keyId: string, fields: Json = {}): Promise<Json> {
    const { challenge, serverTime } = await this.first("challenge");
    const timestamp = (fields.timestamp ?? serverTime) as number;
    const text = signedText(challenge as string, keyId, timestamp);
    const signature = signHmac(KEYS[keyId]?.secret ?? "nothing", text).toString("base64");
    return { type: "logon", keyId, timestamp, signature, ...fields };
  }

  async logon(keyId: string, fields: Json = {}): Promise<Json> {
    this.send(await this.logonMessage(keyId, fields));
    return this.first("loggedOn");
  }

  async closed(): Promise<number> {
    await until(() => this.closeCode !== 0, "the end of the connection");
    return this.closeCode;
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed();
  }
}

export const INSTRUMENT: Json = {
  type: "defineInstrument",
  symbol: "BTC-USD",
  tickSize: "0.5",
  lotSize: "0.01",
  makerFeeRate: "0.001",
  takerFeeRate: "0.002",
};

export function order(fields: Json = {}): Json {
  return {
    type: "newOrder",
    symbol: "BTC-USD",
    side: "buy",
    orderType: "limit",
    price: "100",
    quantity: "1",
    ...fields,
  };
}
