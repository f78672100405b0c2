// Frames from a client, taken apart. Hot path for binary clients.
import { QueryKind } from "../../protocol/generated/enums.ts";
import {
  HEARTBEAT_TEMPLATE_ID,
  LOGON_TEMPLATE_ID,
  QUERY_TEMPLATE_ID,
  Query,
} from "../../protocol/generated/session.ts";
import { isCommandType } from "../../protocol/json/encode-command.ts";
import { CommandError, invalid } from "../../protocol/json/errors.ts";
import {
  checkFieldNames,
  integerField,
  type JsonObject,
  stringField,
} from "../../protocol/json/fields.ts";
import { parseJson, shorten } from "../../protocol/json/parse.ts";
import { checkRecord, messageLength } from "../../protocol/record-check.ts";
import { checkHeartbeat } from "../messages/heartbeat.ts";
import { NO_REQUEST, type RequestNames } from "../messages/messenger.ts";
import { type LogonRequest, readBinaryLogon, readJsonLogon } from "./logon.ts";
import { kindOf, namesOfBinary, namesOfJson, templateIdOf } from "./session-commands.ts";

/** Commands have the template ids below this. */
const FIRST_EVENT_TEMPLATE_ID = 64;

const query = new Query();
const QUERIES = new Map<string, QueryKind>([
  ["instruments", QueryKind.instruments],
  ["openOrders", QueryKind.openOrders],
  ["positions", QueryKind.positions],
  ["balances", QueryKind.balances],
]);
const QUERY_FIELDS: ReadonlySet<string> = new Set(["type", "requestId"]);

/** What a session does with what its client says. May throw CommandErrors; `onError` gets them. */
export interface InputHandler {
  readonly isOpen: boolean;
  /** Asked before anything is done about a message. False: it has been answered. */
  mayGoOn(isCancel: boolean, isLogon: boolean, names: () => RequestNames): boolean;
  onLogon(request: LogonRequest): void;
  onQuery(kind: QueryKind, requestId: number): void;
  onJsonCommand(json: JsonObject, templateId: number, names: RequestNames): void;
  onBinaryCommand(view: DataView, at: number, templateId: number): void;
  onError(error: CommandError, names: RequestNames): void;
}

/** The text is valid UTF-8. Errors that are not a client's are thrown on. */
export function takeText(data: Uint8Array, handler: InputHandler): void {
  let names: RequestNames = NO_REQUEST;
  try {
    const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8");
    const json = parseJson(text);
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      throw new CommandError("malformed", "a message is a JSON object");
    }
    const object = json as JsonObject;
    names = namesOfJson(object);
    const type = stringField("type", object.type);
    if (QUERIES.has(type)) names = { ...names, templateId: QUERY_TEMPLATE_ID, type };
    const templateId = templateIdOf(type);
    const isLogon = templateId === LOGON_TEMPLATE_ID;
    if (!handler.mayGoOn(kindOf(templateId) === "cancel", isLogon, () => names)) return;
    const kind = QUERIES.get(type);
    if (kind !== undefined) {
      checkFieldNames(object, QUERY_FIELDS, type);
      const { requestId } = object;
      handler.onQuery(kind, requestId === undefined ? 0 : integerField("requestId", requestId, 1));
    } else if (isLogon) handler.onLogon(readJsonLogon(object));
    else if (templateId === HEARTBEAT_TEMPLATE_ID) checkHeartbeat(object);
    else if (isCommandType(type)) handler.onJsonCommand(object, templateId, names);
    else throw invalid(`unknown type ${JSON.stringify(shorten(type))}`);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    handler.onError(error, names);
  }
}

/** One message or several, one after the other, and nothing else. */
export function takeBinary(data: Uint8Array, handler: InputHandler): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = data.byteLength;
  let at = 0;
  do {
    const length = messageLength(view, at, end);
    if (length === 0) {
      const what = `no message at byte ${at}; what comes after it in the frame is not read`;
      handler.onError(new CommandError("malformed", what), NO_REQUEST);
      return;
    }
    takeRecord(view, at, handler);
    at += length;
  } while (at < end && handler.isOpen);
}

function takeRecord(view: DataView, at: number, handler: InputHandler): void {
  const templateId = view.getUint16(at + 2, true);
  const isCommand = templateId < FIRST_EVENT_TEMPLATE_ID;
  // Made only where an error needs them: this is the way of every order.
  const names = () => {
    if (isCommand) return namesOfBinary(view, at, templateId);
    if (templateId !== QUERY_TEMPLATE_ID) return NO_REQUEST;
    query.wrap(view, at);
    return { ...NO_REQUEST, templateId, requestId: query.requestId };
  };
  try {
    const isLogon = templateId === LOGON_TEMPLATE_ID;
    if (!handler.mayGoOn(kindOf(templateId) === "cancel", isLogon, names)) return;
    if (isCommand) {
      handler.onBinaryCommand(view, at, templateId);
      return;
    }
    const wrong = checkRecord(view, at);
    if (wrong !== null) throw new CommandError("malformed", wrong);
    if (isLogon) handler.onLogon(readBinaryLogon(view, at));
    else if (templateId === QUERY_TEMPLATE_ID) {
      query.wrap(view, at);
      if (query.kind === QueryKind.none) throw invalid("kind is missing");
      handler.onQuery(query.kind, query.requestId);
    } else if (templateId !== HEARTBEAT_TEMPLATE_ID) {
      throw new CommandError("malformed", `template ${templateId} is not for clients to send`);
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    handler.onError(error, names());
  }
}
