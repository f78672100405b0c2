import {
  ADJUST_BALANCE_TEMPLATE_ID,
  ADVANCE_TIME_TEMPLATE_ID,
  CANCEL_ORDER_TEMPLATE_ID,
  DEFINE_ASSET_TEMPLATE_ID,
  DEFINE_INSTRUMENT_TEMPLATE_ID,
  KILL_SWITCH_TEMPLATE_ID,
  MASS_CANCEL_TEMPLATE_ID,
  NEW_ORDER_TEMPLATE_ID,
  REPLACE_ORDER_TEMPLATE_ID,
  SESSION_END_TEMPLATE_ID,
  SESSION_START_TEMPLATE_ID,
  SET_ACCOUNT_TEMPLATE_ID,
  SET_MARKET_STATE_TEMPLATE_ID,
  SNAPSHOT_TEMPLATE_ID,
} from "../generated/commands.ts";
import { BLOCK_LENGTHS } from "../generated/messages.ts";
import type { InstrumentDirectory } from "../instrument-directory.ts";
import { COMMON_FIELDS, type EncodeOptions } from "./command-header.ts";
import * as admin from "./encode-admin.ts";
import * as order from "./encode-order.ts";
import { CommandError } from "./errors.ts";
import { checkFieldNames, type JsonObject, stringField } from "./fields.ts";
import { shorten } from "./parse.ts";
import { TYPE_NAMES } from "./words.ts";

/** Who may send a command. */
type Sender = "anyone" | "admin" | "sequencer";

interface CommandType {
  readonly templateId: number;
  readonly sender: Sender;
  readonly fields: ReadonlySet<string>;
  readonly internalFields: ReadonlySet<string>;
}

const COMMAND_TYPES = new Map<string, CommandType>();

function define(
  templateId: number,
  sender: Sender,
  fields: readonly string[],
  internalFields: readonly string[] = [],
): void {
  const all = [...COMMON_FIELDS, ...fields];
  COMMAND_TYPES.set(TYPE_NAMES[templateId] as string, {
    templateId,
    sender,
    fields: new Set(all),
    internalFields: new Set([...all, "timestamp", ...internalFields]),
  });
}

define(NEW_ORDER_TEMPLATE_ID, "anyone", order.NEW_ORDER_FIELDS);
define(CANCEL_ORDER_TEMPLATE_ID, "anyone", order.CANCEL_ORDER_FIELDS);
define(REPLACE_ORDER_TEMPLATE_ID, "anyone", order.REPLACE_ORDER_FIELDS, ["openQuantity"]);
define(MASS_CANCEL_TEMPLATE_ID, "anyone", order.MASS_CANCEL_FIELDS);
define(KILL_SWITCH_TEMPLATE_ID, "anyone", admin.KILL_SWITCH_FIELDS);
define(DEFINE_INSTRUMENT_TEMPLATE_ID, "admin", admin.DEFINE_INSTRUMENT_FIELDS);
define(DEFINE_ASSET_TEMPLATE_ID, "admin", admin.DEFINE_ASSET_FIELDS);
define(SET_MARKET_STATE_TEMPLATE_ID, "admin", admin.SET_MARKET_STATE_FIELDS);
define(SET_ACCOUNT_TEMPLATE_ID, "admin", admin.SET_ACCOUNT_FIELDS);
define(ADJUST_BALANCE_TEMPLATE_ID, "admin", admin.ADJUST_BALANCE_FIELDS);
define(SNAPSHOT_TEMPLATE_ID, "admin", []);
define(SESSION_START_TEMPLATE_ID, "sequencer", admin.SESSION_START_FIELDS);
define(SESSION_END_TEMPLATE_ID, "sequencer", admin.SESSION_END_FIELDS);
define(ADVANCE_TIME_TEMPLATE_ID, "sequencer", []);

/** True for the `type` of a command, whoever may send it. */
export function isCommandType(type: string): boolean {
  return COMMAND_TYPES.has(type);
}

/**
 * Writes the command as a record at offset (192 bytes must be there), cleared first, and returns its
 * block length. Strict: a wrong JSON type, an unknown field or word, a missing field, or a sender
 * who may not throws a CommandError that names the field and what it may be; the record means
 * nothing then. Decimals that are well-formed but do not convert, and unknown symbols, do not
 * throw: the record says `refusedAtEntry` and why, and is to be sequenced like any other.
 *
 * seq and (without `internal`) timestamp are left 0, key number too.
 */
export function encodeCommand(
  json: unknown,
  directory: InstrumentDirectory,
  view: DataView,
  offset: number,
  options: EncodeOptions,
): number {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new CommandError("malformed", "a command is a JSON object");
  }
  const object = json as JsonObject;
  const name = stringField("type", object.type);
  const type = COMMAND_TYPES.get(name);
  if (type === undefined) {
    const allowed = [...COMMAND_TYPES.keys()].join(", ");
    throw new CommandError(
      "invalidCommand",
      `unknown type ${JSON.stringify(shorten(name))}; commands are ${allowed}`,
    );
  }
  const internal = options.internal === true;
  if (type.sender === "admin" && !options.admin) {
    throw new CommandError("notAuthorized", `${name} is for admins`);
  }
  if (type.sender === "sequencer" && !internal) {
    throw new CommandError("notAuthorized", `${name} is not for clients`);
  }
  checkFieldNames(object, internal ? type.internalFields : type.fields, name);

  switch (type.templateId) {
    case NEW_ORDER_TEMPLATE_ID:
      order.encodeNewOrder(object, directory, view, offset, options);
      break;
    case CANCEL_ORDER_TEMPLATE_ID:
      order.encodeCancelOrder(object, view, offset, options);
      break;
    case REPLACE_ORDER_TEMPLATE_ID:
      order.encodeReplaceOrder(object, view, offset, options);
      break;
    case MASS_CANCEL_TEMPLATE_ID:
      order.encodeMassCancel(object, directory, view, offset, options);
      break;
    case DEFINE_INSTRUMENT_TEMPLATE_ID:
      admin.encodeDefineInstrument(object, view, offset);
      break;
    case DEFINE_ASSET_TEMPLATE_ID:
      admin.encodeDefineAsset(object, view, offset);
      break;
    case SET_MARKET_STATE_TEMPLATE_ID:
      admin.encodeSetMarketState(object, directory, view, offset);
      break;
    case SET_ACCOUNT_TEMPLATE_ID:
      admin.encodeSetAccount(object, directory, view, offset);
      break;
    case ADJUST_BALANCE_TEMPLATE_ID:
      admin.encodeAdjustBalance(object, view, offset);
      break;
    case KILL_SWITCH_TEMPLATE_ID:
      admin.encodeKillSwitch(object, view, offset, options);
      break;
    case SNAPSHOT_TEMPLATE_ID:
      admin.encodeSnapshot(object, view, offset);
      break;
    case SESSION_START_TEMPLATE_ID:
      admin.encodeSessionStart(object, view, offset);
      break;
    case SESSION_END_TEMPLATE_ID:
      admin.encodeSessionEnd(object, view, offset);
      break;
    default:
      admin.encodeAdvanceTime(object, view, offset);
  }
  return BLOCK_LENGTHS[type.templateId] as number;
}
