// Sessions of every role behind the real endpoints, without a network and without an engine: what they
// would have sequenced is caught, and what they say is counted.
import { Ledger } from "../../engine/ledger/ledger.ts";
import type { CommandIntake, CommandKind } from "../../gateway/intake.ts";
import type { Key } from "../../gateway/keys/key-directory.ts";
import type { KeyRole } from "../../gateway/keys/key-file.ts";
import { MarketBooks } from "../../gateway/market/market-books.ts";
import { MarketData } from "../../gateway/market/market-data.ts";
import { MarketEndpoint } from "../../gateway/market/market-endpoint.ts";
import { RecentEvents } from "../../gateway/stage/recent-events.ts";
import { RequestLedger } from "../../gateway/trade/request-ledger.ts";
import { TradeEndpoint } from "../../gateway/trade/trade-endpoint.ts";
import { Admission } from "../../gateway/transport/admission.ts";
import { Topics } from "../../gateway/transport/topics.ts";
import type {
  SendResult,
  SocketHandler,
  TransportSocket,
} from "../../gateway/transport/transport.ts";
import { Views } from "../../gateway/views/views.ts";
import { ERROR_CODE_NAMES } from "../../protocol/generated/enums.ts";
import { BLOCK_LENGTHS } from "../../protocol/generated/messages.ts";
import { ERROR_MESSAGE_TEMPLATE_ID } from "../../protocol/generated/session.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { TYPE_NAMES } from "../../protocol/json/words.ts";
import { createReceiptMemory, ReceiptDesk } from "../../protocol/rings/receipts.ts";
import { DEFINITIONS, instrumentEvent } from "../protocol/json/instruments.ts";
import type { LogonValues } from "./valid-messages.ts";

export const ROLES = ["stranger", "viewer", "trader", "admin", "market"] as const;
export type Role = (typeof ROLES)[number];

const KEYS: Readonly<Record<string, Key>> = {
  viewer: key("viewer", 1, 7),
  trader: key("trader", 2, 7),
  admin: key("admin", 3, 1),
  // Logging on with the key of another session would end that one.
  stranger: { ...key("trader", 4, 9), keyId: "key-of-stranger" },
};

function key(role: KeyRole, keyNumber: number, account: number): Key {
  return { keyId: `key-of-${role}`, keyNumber, account, role, allAccounts: false };
}

const KEYS_BY_ID = new Map(Object.values(KEYS).map((known) => [known.keyId, known]));
const SIGNATURE_BYTES = 32;
const MAX_MESSAGE_BYTES = 2048;
const REQUEST = { remoteAddress: "192.0.2.1", origin: "", host: "", query: "" };
/** Slow enough that a session runs out of errors now and then. */
const STEP_MS = 0.1;

/** Catches what is sequenced; the next round has the slot again. */
class CatchingIntake implements CommandIntake {
  readonly view = new DataView(new ArrayBuffer(192));
  readonly accepting = true;
  readonly refusal = "overloaded" as const;
  readonly taken: Uint8Array[] = [];
  lastSeq = 0;
  readonly #requests: RequestLedger;

  constructor(requests: RequestLedger) {
    this.#requests = requests;
  }

  claim(_kind: CommandKind): number {
    return 0;
  }

  claimOwn(): number {
    return 0;
  }

  commit(): number {
    const length = BLOCK_LENGTHS[this.view.getUint16(2, true)] as number;
    this.taken.push(new Uint8Array(this.view.buffer.slice(0, length)));
    const requestId = Number(this.view.getBigUint64(24, true));
    this.#requests.onCommand(this.view.getUint32(40, true), requestId, ++this.lastSeq);
    return this.lastSeq;
  }
}

/** Counts what it is told by type; an error by its code. */
class ListeningSocket implements TransportSocket {
  readonly remoteAddress = REQUEST.remoteAddress;
  readonly bufferedBytes = 0;
  isOpen = true;
  closeCode = 0;
  readonly said: string[] = [];
  readonly #topics: Topics<ListeningSocket>;

  constructor(topics: Topics<ListeningSocket>) {
    this.#topics = topics;
  }

  send(data: string | Uint8Array): SendResult {
    if (typeof data === "string") this.said.push(wordOf(data));
    else readWords(data, this.said);
    return "sent";
  }

  cork(work: () => void): void {
    work();
  }

  join(topic: string): void {
    this.#topics.join(this, topic);
  }

  leave(topic: string): void {
    this.#topics.leave(this, topic);
  }

  close(code: number): void {
    this.isOpen = false;
    this.closeCode = code;
    this.#topics.leaveAll(this);
  }

  terminate(): void {
    this.close(1006);
  }
}

const TEXT_START = '{"type":"';
const ERROR_START = '{"type":"error","code":"';

function wordOf(text: string): string {
  const start = text.startsWith(ERROR_START) ? ERROR_START : TEXT_START;
  return text.slice(start.length, text.indexOf('"', start.length));
}

function readWords(data: Uint8Array, words: string[]): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < data.length; at += view.getUint16(at, true)) {
    const templateId = view.getUint16(at + 2, true);
    if (templateId === ERROR_MESSAGE_TEMPLATE_ID) {
      words.push(ERROR_CODE_NAMES[view.getUint16(at + 24, true)] as string);
    } else words.push(TYPE_NAMES[templateId] as string);
  }
}

/** What a payload led to. */
export interface Outcome {
  /** Records as they would have been sequenced. */
  readonly sequenced: readonly Uint8Array[];
  /** Types of what was said, and codes of errors. */
  readonly said: readonly string[];
  /** 0: still open. */
  readonly closeCode: number;
  /** Logged on by this payload. */
  readonly loggedOn: boolean;
  /** What the session could not work on; null: nothing of the kind. */
  readonly failure: unknown;
}

const NOTHING_TAKEN: readonly Uint8Array[] = [];

/** One connection of each role, for as long as it lasts; then the next one. */
export class SessionTarget {
  readonly directory: InstrumentDirectory;
  readonly #trade: TradeEndpoint;
  readonly #market: MarketEndpoint;
  readonly #intake: CatchingIntake;
  readonly #requests = new RequestLedger();
  readonly #topics = new Topics<ListeningSocket>();
  readonly #connections = new Map<Role, { socket: ListeningSocket; handler: SocketHandler }>();
  #failure: unknown = null;
  #nowMs = 1_000_000;
  connections = 0;

  constructor() {
    const books = new MarketBooks();
    const views = new Views(books, new Ledger());
    const data = new MarketData(views.directory, books);
    const view = new DataView(new ArrayBuffer(192));
    for (const definition of DEFINITIONS) {
      instrumentEvent(definition, view, 0);
      views.onEvent(view, 0);
      data.onEvent(view, 0);
    }
    data.onCommandsComplete(0);
    this.directory = views.directory;
    this.#intake = new CatchingIntake(this.#requests);
    const clock = { nowMs: () => this.#nowMs, nowUs: () => this.#nowUs() };
    const completeSeq = () => this.#intake.lastSeq;
    const onUnexpected = (error: unknown) => {
      this.#failure = error;
    };
    const options = {
      heartbeatIntervalMs: 10_000,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      maxSendBufferBytes: 1 << 24,
    };
    const rates = { sessionPerSecond: 0, keyPerSecond: 0, addressPerSecond: 0, burstMs: 1000 };
    const admission = new Admission({
      maxConnections: 9,
      maxConnectionsPerAddress: 9,
      origins: [],
    });
    this.#trade = new TradeEndpoint(
      {
        intake: this.#intake,
        keys: { verify: (keyId, _text, signature) => this.#verify(keyId, signature) },
        requests: this.#requests,
        receipts: new ReceiptDesk(
          { receipts: createReceiptMemory(1), riskWorkers: 1 },
          completeSeq,
        ),
        views,
        recent: new RecentEvents(64),
        history: null,
        clock,
        completeSeq,
        afterInput: () => {},
        onUnexpected,
      },
      options,
      rates,
      admission,
    );
    const services = { data, directory: this.directory, clock, completeSeq, onUnexpected };
    this.#market = new MarketEndpoint(services, options, rates, admission);
    this.#market.isLive = true;
    this.#market.attach({
      publish: (topic, message) => this.#topics.publish(topic, message),
    });
    for (const role of ROLES) this.#connect(role);
  }

  /** The logon that the stand-in for the keys takes now. */
  logonOf(role: Role): LogonValues {
    const { keyId } = KEYS[role] ?? (KEYS.stranger as Key);
    const signature = new Uint8Array(SIGNATURE_BYTES).fill(0x5a);
    return { keyId, timestampUs: this.#nowUs(), signature };
  }

  keyOf(role: Role): Key | undefined {
    return KEYS[role];
  }

  /** Gives the payload to that session. Whatever the handler throws comes out of here. */
  give(role: Role, payload: Uint8Array, isBinary: boolean): Outcome {
    this.#nowMs += STEP_MS;
    const { socket, handler } = this.#connections.get(role) as {
      socket: ListeningSocket;
      handler: SocketHandler;
    };
    const { taken } = this.#intake;
    taken.length = 0;
    socket.said.length = 0;
    this.#failure = null;
    handler.onMessage(payload, isBinary);
    if (taken.length > 0) {
      this.#trade.onCommandsComplete(this.#intake.lastSeq);
      this.#trade.onRoundEnd();
    }
    this.#market.onRoundEnd();
    const outcome = {
      sequenced: taken.length === 0 ? NOTHING_TAKEN : [...taken],
      said: [...socket.said],
      closeCode: socket.isOpen ? 0 : socket.closeCode,
      loggedOn: role === "stranger" && socket.said.includes("loggedOn"),
      failure: this.#failure,
    };
    // One that has logged on is a stranger no more.
    if (outcome.loggedOn) socket.close(1000);
    if (!socket.isOpen) {
      handler.onClose(socket.closeCode);
      this.#connect(role);
    }
    if (taken.length > 0) this.#forgetHighRequests();
    return outcome;
  }

  #connect(role: Role): void {
    this.connections++;
    const socket = new ListeningSocket(this.#topics);
    const endpoint = role === "market" ? this.#market : this.#trade;
    const handler = endpoint.open(socket, REQUEST);
    this.#connections.set(role, { socket, handler });
    if (role === "stranger" || role === "market") return;
    const { keyId, timestampUs: timestamp, signature } = this.logonOf(role);
    const text = Buffer.from(signature).toString("base64");
    const logon = { type: "logon", keyId, timestamp, signature: text };
    handler.onMessage(Buffer.from(JSON.stringify(logon)), false);
    if (!socket.said.includes("loggedOn")) throw new Error(`${role}: ${socket.said.join(" ")}`);
  }

  #nowUs(): number {
    return Math.floor(this.#nowMs * 1000);
  }

  #verify(keyId: string, signature: Uint8Array): Key | null {
    const good = signature.length === SIGNATURE_BYTES && signature.every((byte) => byte === 0x5a);
    return good ? (KEYS_BY_ID.get(keyId) ?? null) : null;
  }

  /** A request with the highest number of all would make duplicates of whatever comes after it. */
  #forgetHighRequests(): void {
    for (const { keyNumber } of KEYS_BY_ID.values()) {
      if (this.#requests.lastRequestId(keyNumber) < 500_000) continue;
      const none = { last: 0, lastSeq: 0, recent: new Float64Array(256), count: 0 };
      this.#requests.restore(keyNumber, none);
    }
  }
}
