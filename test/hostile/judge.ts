// Says whether a session did right by a payload, from readings of its own (strict-json, plain-records).
import { KillSwitch } from "../../protocol/generated/commands.ts";
import {
  CommandFlag,
  ERROR_CODE_NAMES,
  OrderField,
  OrderType,
  TimeInForce,
  Verdict,
} from "../../protocol/generated/enums.ts";
import { LAYOUTS } from "../../protocol/generated/layouts.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeCommand } from "../../protocol/json/decode-command.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import { ORDER_COMMANDS } from "../../protocol/json/shapes/client-shapes.ts";
import { TYPE_NAMES } from "../../protocol/json/words.ts";
import { type PlainRecord, readFrame, readRecord } from "./plain-records.ts";
import type { Outcome, Role, SessionTarget } from "./session-target.ts";
import { fitMessage, type JsonObject, strictParse } from "./strict-json.ts";
import { CLIENT_SHAPES, COMMAND_SHAPES } from "./valid-messages.ts";

const SHAPES = new Map(CLIENT_SHAPES.map((shape) => [shape.type, shape]));
const COMMAND_TEMPLATES = new Set(COMMAND_SHAPES.map(({ templateId }) => templateId));
const TRADERS_TEMPLATES = new Set(ORDER_COMMANDS.map(({ templateId }) => templateId));
const CLIENT_TEMPLATES = new Set(CLIENT_SHAPES.map(({ templateId }) => templateId));
const ERRORS = new Set(ERROR_CODE_NAMES);
const KEY_NUMBER_OFFSET = 40;
const VERDICT_OFFSET = 44;
const SCALE_DOES_NOT_FIT = 254;
const FINEST_SCALE = 253;
const MOST = BigInt(Number.MAX_SAFE_INTEGER);

/** Messages of a payload, well-formed or not: what a reader of the documents would make of it. */
interface Reading {
  readonly type: string;
  /** null: it is binary. */
  readonly json: JsonObject | null;
  readonly record: PlainRecord | null;
}

export class Judge {
  readonly #target: SessionTarget;
  readonly #directory: InstrumentDirectory;
  readonly #scratch = new DataView(new ArrayBuffer(192));

  constructor(target: SessionTarget) {
    this.#target = target;
    this.#directory = target.directory;
  }

  /** What was wrong, in words; null: nothing. */
  findingOf(role: Role, payload: Uint8Array, isBinary: boolean, outcome: Outcome): string | null {
    const { failure, sequenced, said, closeCode, loggedOn } = outcome;
    if (failure !== null) return `could not be worked on: ${String((failure as Error).stack)}`;
    const isSilent = said.length === 0 && sequenced.length === 0 && closeCode === 0;
    const promised = said.find((word) => !ERRORS.has(word));
    // Errors alone: refused, which is always safe.
    if (!isSilent && promised === undefined && sequenced.length === 0) return null;
    const readings = isBinary ? readBinary(payload) : readText(payload);
    if (isSilent) {
      const heard = readings.length > 0 && readings.every(({ type }) => type === "heartbeat");
      return heard ? null : "met with silence";
    }
    if (promised !== undefined && !readings.some((reading) => explains(reading, said))) {
      return `answered with ${said.join(", ")}, but it holds no message that asks for it`;
    }
    const records = loggedOn ? withoutSessionStart(sequenced) : sequenced;
    let next = 0;
    for (const bytes of records) {
      const record = new DataView(bytes.buffer);
      const wrong = this.#rightsProblem(role, record, loggedOn);
      if (wrong !== null) return wrong;
      const problems: string[] = [];
      for (; next < readings.length; next++) {
        const problem = this.#difference(readings[next] as Reading, record, role);
        if (problem === null) break;
        problems.push(problem);
      }
      if (next++ >= readings.length) return `sequenced, but not as sent: ${problems.join("; ")}`;
      const unstable = this.#roundTripProblem(record);
      if (unstable !== null) return unstable;
    }
    return null;
  }

  #rightsProblem(role: Role, record: DataView, loggedOn: boolean): string | null {
    const key = this.#target.keyOf(role);
    const templateId = record.getUint16(2, true);
    // A frame may hold a logon and then commands.
    const mayTrade = role === "trader" || role === "admin" || loggedOn;
    if (key === undefined || !mayTrade) {
      return `a ${role} had ${TYPE_NAMES[templateId]} sequenced`;
    }
    if (record.getUint32(KEY_NUMBER_OFFSET, true) !== key.keyNumber) return "under another key";
    if (!COMMAND_TEMPLATES.has(templateId)) return `${TYPE_NAMES[templateId]} is not for clients`;
    if (readRecord(record, 0, templateId) === null) return "a record that is not well-formed";
    if (role === "admin") return null;
    if (!TRADERS_TEMPLATES.has(templateId)) return `${TYPE_NAMES[templateId]} by a trader`;
    if (record.getUint32(32, true) !== key.account) return "for another account";
    if (templateId !== KILL_SWITCH) return null;
    killSwitch.wrap(record, 0);
    return killSwitch.engaged ? null : "a kill switch released by a trader";
  }

  /** null: the record says what the message says. */
  #difference(reading: Reading, record: DataView, role: Role): string | null {
    if (reading.type !== TYPE_NAMES[record.getUint16(2, true)]) return `a ${reading.type}`;
    const account = this.#target.keyOf(role)?.account ?? 0;
    if (reading.json !== null) return this.#textDifference(reading.json, record, account);
    return this.#recordDifference(reading.record as PlainRecord, record, account);
  }

  #textDifference(sent: JsonObject, record: DataView, account: number): string | null {
    const got = decodeCommand(record, 0, this.#directory);
    const names = new Set([...Object.keys(sent), ...Object.keys(got)]);
    const isRefused = record.getUint8(VERDICT_OFFSET) !== Verdict.pending;
    names.delete("receipt"); // a wish, which is not recorded
    for (const name of names) {
      // What did not convert is left out of a record that is refused.
      if (isRefused && name !== "type" && name !== "account" && name !== "requestId") continue;
      const expected = name in sent ? sent[name] : defaultOf(name, sent, account);
      if (!isSame(expected, got[name])) {
        return `${name} is ${JSON.stringify(got[name])}, sent ${JSON.stringify(sent[name])}`;
      }
    }
    return null;
  }

  #recordDifference(sent: PlainRecord, record: DataView, account: number): string | null {
    const got = readRecord(record, 0, sent.templateId);
    if (got === null) return "not well-formed";
    const isRefused = record.getUint8(VERDICT_OFFSET) !== Verdict.pending;
    for (const { name } of LAYOUTS.get(sent.templateId) ?? []) {
      const [before, after] = [sent.fields.get(name), got.fields.get(name)];
      if (before === after || this.#mayDiffer(name, sent, got, isRefused, account)) continue;
      return `${name} is ${String(after)}, sent ${String(before)}`;
    }
    return null;
  }

  #mayDiffer(
    name: string,
    sent: PlainRecord,
    got: PlainRecord,
    isRefused: boolean,
    account: number,
  ): boolean {
    const [before, after] = [sent.fields.get(name), got.fields.get(name)];
    switch (name) {
      case "seq":
      case "timestampUs":
      case "keyNumber":
      case "verdict":
      case "reason":
        return before === 0; // the server's to write
      case "flags":
        return before === CommandFlag.receipt && after === 0; // a wish, which is not recorded
      case "account":
        return before === 0 && after === account;
      case "timeInForce": {
        const isMarket = sent.fields.get("orderType") === OrderType.market;
        return before === 0 && after === (isMarket ? TimeInForce.ioc : TimeInForce.gtc);
      }
      case "instrumentId":
        return before === 0
          ? this.#directory.idOf(String(sent.fields.get("symbol"))) === after
          : isRefused && this.#directory.get(Number(before)) === undefined;
      case "symbol":
        return after === "" && Number(got.fields.get("instrumentId")) !== 0;
      case "present":
        return isRefused || after === (Number(before) | OrderField.quantity);
      default: {
        return isRefused || isSameDecimalField(name, sent, got);
      }
    }
  }

  /** An audit's reading of the record must lead back to the same record. */
  #roundTripProblem(record: DataView): string | null {
    if (record.getUint8(VERDICT_OFFSET) !== Verdict.pending) return null;
    const json = decodeCommand(record, 0, this.#directory);
    // Ticks and lots of a binary replaceOrder, which names no instrument, cannot be said in decimals.
    if (json.type === "replaceOrder" && Object.keys(json).some((name) => IN_UNITS.test(name))) {
      return null;
    }
    const options = { admin: true, accountRequired: false, internal: true };
    const length = encodeCommand(json, this.#directory, this.#scratch, 0, options);
    const templateId = record.getUint16(2, true);
    const [before, after] = [record, this.#scratch].map((view) => readRecord(view, 0, templateId));
    if (length !== record.byteLength || !before || !after) return "read back as another message";
    for (const [name, value] of before.fields) {
      if (name === "keyNumber" || value === after.fields.get(name)) continue;
      if (isSameDecimalField(name, before, after)) continue;
      return `read back as ${JSON.stringify(json)}, which is another record in ${name}`;
    }
    return null;
  }
}

const IN_UNITS = /Ticks$|Lots$/;
const killSwitch = new KillSwitch();
const KILL_SWITCH = TYPE_NAMES.indexOf("killSwitch");
const SESSION_START = TYPE_NAMES.indexOf("sessionStart");

function withoutSessionStart(sequenced: readonly Uint8Array[]): readonly Uint8Array[] {
  return sequenced.filter((bytes) => bytes[2] !== SESSION_START);
}

function readText(payload: Uint8Array): Reading[] {
  try {
    const parsed = strictParse(Buffer.from(payload).toString("utf8"));
    const type = String((parsed as JsonObject | null)?.type);
    const shape = SHAPES.get(type);
    const json = shape === undefined ? null : fitMessage(shape, parsed);
    return json === null ? [] : [{ type, json, record: null }];
  } catch {
    return [];
  }
}

function readBinary(payload: Uint8Array): Reading[] {
  const readings: Reading[] = [];
  for (const record of readFrame(payload)) {
    if (record === null || !CLIENT_TEMPLATES.has(record.templateId)) continue;
    readings.push({ type: TYPE_NAMES[record.templateId] as string, json: null, record });
  }
  return readings;
}

const QUERIES = new Set(["query", "instruments", "openOrders", "positions", "balances"]);
const SUBSCRIPTIONS = new Set(["subscribe", "resume"]);

function explains({ type, json, record }: Reading, said: readonly string[]): boolean {
  if (QUERIES.has(type)) return said.includes("queryEnd");
  // In binary, one record says both.
  if (type === "unsubscribe") return said.includes(json === null ? "subscribed" : "unsubscribed");
  if (SUBSCRIPTIONS.has(type)) return said.includes("subscribed");
  if (type === "logon") return said.includes("loggedOn");
  const wantsReceipt =
    json?.receipt === true || record?.fields.get("flags") === CommandFlag.receipt;
  if (said.includes("receipt") && wantsReceipt) return true;
  // A duplicate has a requestId; a completed one may have none.
  const requestId = json?.requestId ?? record?.fields.get("requestId") ?? 0;
  return said.includes("completed") || (said.includes("duplicateRequest") && requestId !== 0);
}

/** What a field that was not sent stands for. */
function defaultOf(name: string, sent: JsonObject, account: number): unknown {
  if (name === "account" && ABOUT_ACCOUNT.has(String(sent.type))) return account;
  if (name === "timeInForce") return sent.orderType === "market" ? "ioc" : "gtc";
  return undefined;
}

const ABOUT_ACCOUNT = new Set([
  "newOrder",
  "cancelOrder",
  "replaceOrder",
  "massCancel",
  "killSwitch",
]);

function isSame(sent: unknown, got: unknown): boolean {
  if (sent === got) return true;
  if (typeof sent === "object" && typeof got === "object" && sent !== null && got !== null) {
    const [a, b] = [sent as JsonObject, got as JsonObject];
    const names = Object.keys(a);
    return (
      names.length === Object.keys(b).length && names.every((name) => isSame(a[name], b[name]))
    );
  }
  // Left out where it says nothing.
  if (got === undefined) return sent === false || sent === "";
  return typeof sent === "string" && typeof got === "string" && isSameDecimal(sent, got);
}

function isSameDecimal(sent: string, got: string): boolean {
  const [a, b] = [canonicalText(sent), canonicalText(got)];
  if (a === null || b === null) return false;
  if (a === b) return true;
  // More digits than a record holds: it says so instead.
  const digits = a.replace(/[-.]/g, "").replace(/^0+/, "");
  const decimals = a.split(".")[1]?.length ?? 0;
  const isBeyond = BigInt(digits === "" ? "0" : digits) > MOST || decimals > FINEST_SCALE;
  const mark = b.replace("-", "");
  return isBeyond && (mark === "9007199254740992" || mark === `0.${"0".repeat(FINEST_SCALE - 1)}1`);
}

/** Without needless zeros; null: no decimal. */
function canonicalText(text: string): string | null {
  const parts = /^(-?)0*([0-9]+)(?:\.([0-9]*?)0*)?$/.exec(text);
  if (parts === null) return null;
  const [, sign, whole, fraction = ""] = parts as unknown as [string, string, string, string?];
  if (/^0*$/.test(whole) && fraction === "") return "0";
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** The same decimal, written with another scale. */
function isSameDecimalField(name: string, a: PlainRecord, b: PlainRecord): boolean {
  const owner = name.replace(/Scale$/, "");
  const scale = `${owner}Scale`;
  if (!a.fields.has(scale)) return false;
  const canonical = ({ fields }: PlainRecord) =>
    canonicalUnits(Number(fields.get(owner)), Number(fields.get(scale)));
  return canonical(a) === canonical(b);
}

function canonicalUnits(value: number, scale: number): string {
  if (scale >= SCALE_DOES_NOT_FIT) return `${Math.sign(value)} beyond`;
  let [units, places] = [value, scale];
  for (; places > 0 && units % 10 === 0; places--) units /= 10;
  return value === 0 ? "0" : `${units}@${places}`;
}
