// Which words the enumerations have in JSON: the names of the schema.
import {
  ACCOUNT_MODE_NAMES,
  INSTRUMENT_ACCESS_NAMES,
  MARKET_STATE_NAMES,
  ORDER_TYPE_NAMES,
  SELF_TRADE_PREVENTION_NAMES,
  SESSION_END_REASON_NAMES,
  SIDE_NAMES,
  TIME_IN_FORCE_NAMES,
} from "../generated/enums.ts";
import { MESSAGE_NAMES } from "../generated/messages.ts";
import { WordList } from "./fields.ts";

export const SIDES = new WordList(SIDE_NAMES);
export const ORDER_TYPES = new WordList(ORDER_TYPE_NAMES);
export const TIMES_IN_FORCE = new WordList(TIME_IN_FORCE_NAMES);
export const SELF_TRADE_PREVENTIONS = new WordList(SELF_TRADE_PREVENTION_NAMES);
export const MARKET_STATES = new WordList(MARKET_STATE_NAMES);
export const ACCOUNT_MODES = new WordList(ACCOUNT_MODE_NAMES);
export const INSTRUMENT_ACCESSES = new WordList(INSTRUMENT_ACCESS_NAMES);
export const SESSION_END_REASONS = new WordList(SESSION_END_REASON_NAMES);

/** The `type` of a message in JSON by template id: its name in the schema, first letter small. */
export const TYPE_NAMES: readonly string[] = MESSAGE_NAMES.map((name) =>
  name === "MarketStateChanged" ? "marketState" : name.charAt(0).toLowerCase() + name.slice(1),
);
