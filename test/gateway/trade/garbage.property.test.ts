import { expect, test } from "vitest";
import { Ledger } from "../../../engine/ledger/ledger.ts";
import { systemClock } from "../../../gateway/clock.ts";
import type { Key } from "../../../gateway/keys/key-directory.ts";
import { MarketBooks } from "../../../gateway/market/market-books.ts";
import { GatewayStage } from "../../../gateway/stage/gateway-stage.ts";
import { RecentEvents } from "../../../gateway/stage/recent-events.ts";
import { TradeEndpoint } from "../../../gateway/trade/trade-endpoint.ts";
import { Admission } from "../../../gateway/transport/admission.ts";
import type { SocketHandler } from "../../../gateway/transport/transport.ts";
import { Views } from "../../../gateway/views/views.ts";
import { LAYOUTS } from "../../../protocol/generated/layouts.ts";
import { BLOCK_LENGTHS } from "../../../protocol/generated/messages.ts";
import { SCHEMA_WORD } from "../../../protocol/generated/support.ts";
import { encodeCommand } from "../../../protocol/json/encode-command.ts";
import { ReceiptDesk } from "../../../protocol/rings/receipts.ts";
import { testDirectory } from "../../protocol/json/instruments.ts";
import { Random } from "../../reference/fuzz/random.ts";
import { ExchangeSimulator } from "../../simulation/exchange-simulator.ts";
import { SlowSocket } from "../../simulation/slow-socket.ts";
import { INSTRUMENT, type Json, order } from "./trade-server.ts";

const TRADER: Key = {
  keyId: "alice",
  keyNumber: 1,
  account: 7,
  role: "trader",
  allAccounts: false,
};
const ROUNDS = 40_000;

/** One logged-on trader, without a network. */
class Target {
  readonly exchange = new ExchangeSimulator();
  readonly problems: unknown[] = [];
  readonly #endpoint: TradeEndpoint;
  readonly #stage: GatewayStage;
  handler!: SocketHandler;
  socket!: SlowSocket;

  constructor() {
    const { exchange } = this;
    const views = new Views(new MarketBooks(), new Ledger());
    const recent = new RecentEvents(1024);
    this.#endpoint = new TradeEndpoint(
      {
        intake: exchange.intake,
        keys: { verify: () => TRADER },
        requests: exchange.requests,
        receipts: new ReceiptDesk(exchange.memory, () => this.#stage.completeSeq),
        views,
        recent,
        history: exchange.history,
        clock: systemClock,
        completeSeq: () => this.#stage.completeSeq,
        afterInput: () => {},
        onUnexpected: (error) => this.problems.push(error),
      },
      { heartbeatIntervalMs: 10_000, maxMessageBytes: 65_536, maxSendBufferBytes: 1 << 24 },
      { sessionPerSecond: 0, keyPerSecond: 0, addressPerSecond: 0, burstMs: 1000 },
      new Admission({ maxConnections: 100, maxConnectionsPerAddress: 100, origins: [] }),
    );
    this.#stage = new GatewayStage(exchange.memory, recent, [views], [this.#endpoint]);
    this.#stage.isLive = true;
    exchange.consume = () => this.#stage.doWork();
    const { intake } = exchange;
    const offset = intake.claimOwn();
    const options = { admin: true, accountRequired: false };
    encodeCommand(INSTRUMENT, testDirectory(), intake.view, offset, options);
    intake.commit(offset);
    this.pump();
    this.connect();
  }

  connect(): void {
    this.socket = new SlowSocket();
    const request = { remoteAddress: "192.0.2.1", origin: "", host: "", query: "" };
    this.handler = this.#endpoint.open(this.socket, request);
    const timestamp = systemClock.nowUs();
    const signature = Buffer.alloc(32, 1).toString("base64");
    const logon = { type: "logon", keyId: "alice", timestamp, signature };
    this.handler.onMessage(Buffer.from(JSON.stringify(logon)), false);
    expect(this.socket.frames.join("")).toContain("loggedOn");
  }

  pump(): void {
    this.exchange.step();
    while (this.#stage.doWork() > 0);
  }

  /** What a transport does: no message after the end, and one close. */
  give(bytes: Uint8Array, isBinary: boolean): void {
    this.handler.onMessage(bytes, isBinary);
    this.pump();
    this.socket.frames.length = 0;
    if (this.socket.isOpen) return;
    this.handler.onClose(this.socket.closeCode);
    this.connect();
  }
}

const COMMANDS: readonly Json[] = [
  order({ clientOrderId: 3, requestId: 5 }),
  order({ orderType: "stopLimit", stopPrice: "90", timeInForce: "gtd", expireTime: 4e15 }),
  { type: "cancelOrder", clientOrderId: 3 },
  { type: "replaceOrder", clientOrderId: 3, price: "99", quantity: "2" },
  { type: "massCancel" },
  { type: "killSwitch", engaged: true },
  { ...INSTRUMENT, symbol: "EVIL" },
  { type: "defineAsset", asset: "EVIL", scale: 2 },
  { type: "setMarketState", symbol: "BTC-USD", state: "halted" },
  { type: "setAccount", account: 7, maxOrderQuantity: "5", orderRate: { perSecond: 5, burst: 5 } },
  { type: "adjustBalance", account: 7, asset: "USD", amount: "1000000" },
  { type: "snapshot" },
  { type: "openOrders", requestId: 1 },
  { type: "heartbeat" },
];

function records(): Uint8Array[] {
  const view = new DataView(new ArrayBuffer(192));
  const taken = COMMANDS.slice(0, -2).map((json) => {
    const length = encodeCommand(json, testDirectory(), view, 0, {
      admin: true,
      accountRequired: false,
    });
    view.setUint16(44, 0); // verdict and reason are the server's
    return new Uint8Array(view.buffer).slice(0, length);
  });
  // And every other template there is, empty.
  for (const templateId of LAYOUTS.keys()) {
    const bytes = new Uint8Array(BLOCK_LENGTHS[templateId] as number);
    const head = new DataView(bytes.buffer);
    head.setUint32(0, bytes.length + templateId * 65536, true);
    head.setUint32(4, SCHEMA_WORD, true);
    taken.push(bytes);
  }
  return taken;
}

function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let changed = bytes.slice();
  const changes = random.int(0, 4);
  for (let i = 0; i < changes; i++) {
    const at = random.int(0, Math.max(0, changed.length - 1));
    const how = random.int(0, 5);
    if (how === 0) changed[at] = random.int(0, 255);
    else if (how === 1) changed[at] = random.pick([0, 1, 2, 127, 128, 255]);
    else if (how === 2) changed = changed.slice(0, at);
    else if (how === 3) changed = Uint8Array.from([...changed, ...changed.slice(at)]);
    else if (how === 4) changed.fill(255, at, at + 8);
    else changed[at] = (changed[at] as number) ^ (1 << random.int(0, 7));
  }
  return changed.length > 4000 ? changed.slice(0, 4000) : changed;
}

const OWN_TYPES = new Set([
  "NewOrder",
  "CancelOrder",
  "ReplaceOrder",
  "MassCancel",
  "KillSwitch",
  "DefineInstrument", // the first command, which set the stage
]);

test("no mutation of binary frames breaks a session or gets past its rights", () => {
  const target = new Target();
  const random = new Random(20_260_101);
  const sources = records();
  for (let i = 0; i < ROUNDS; i++) target.give(mutate(random.pick(sources), random), true);
  check(target);
});

test("no mutation of JSON breaks a session or gets past its rights", () => {
  const target = new Target();
  const random = new Random(20_260_102);
  const sources = COMMANDS.map((json) => new Uint8Array(Buffer.from(JSON.stringify(json))));
  for (let i = 0; i < ROUNDS; i++) {
    // The transports hand on valid UTF-8 only.
    const text = Buffer.from(mutate(random.pick(sources), random)).toString("utf8");
    target.give(Buffer.from(text), false);
  }
  check(target);
});

function check(target: Target): void {
  expect(target.problems).toEqual([]);
  const { commands } = target.exchange;
  expect(commands.length).toBeGreaterThan(ROUNDS / 50);
  for (const command of commands.slice(1)) {
    expect(OWN_TYPES).toContain(command.type);
    expect(command).toMatchObject({ account: 7, keyNumber: 1 });
    if (command.type === "KillSwitch") expect(command.engaged).toBe(true);
  }
  expect(commands.filter(({ type }) => type === "DefineInstrument")).toHaveLength(1);
}
