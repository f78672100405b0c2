// Hot path for binary clients.
import {
  CANCEL_ORDER_TEMPLATE_ID,
  KILL_SWITCH_TEMPLATE_ID,
  MASS_CANCEL_TEMPLATE_ID,
  NEW_ORDER_CLIENT_ORDER_ID_OFFSET,
  NEW_ORDER_TEMPLATE_ID,
  REPLACE_ORDER_TEMPLATE_ID,
  SNAPSHOT_TEMPLATE_ID,
} from "../../protocol/generated/commands.ts";
import { CommandFlag, ErrorCode } from "../../protocol/generated/enums.ts";
import {
  COMMAND_HEADER_FLAGS_OFFSET,
  COMMAND_HEADER_REQUEST_ID_OFFSET,
  CommandHeader,
} from "../../protocol/generated/headers.ts";
import { TWO_32 } from "../../protocol/generated/support.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import { CommandError } from "../../protocol/json/errors.ts";
import type { JsonObject } from "../../protocol/json/fields.ts";
import { TYPE_NAMES } from "../../protocol/json/words.ts";
import { monotonicNs } from "../../protocol/monotonic.ts";
import type { ReceiptDesk } from "../../protocol/rings/receipts.ts";
import type { CommandIntake, CommandKind } from "../intake.ts";
import type { Key } from "../keys/key-directory.ts";
import type { Views } from "../views/views.ts";
import { copyBinaryCommand } from "./binary-command.ts";
import type { RequestLedger } from "./request-ledger.ts";
import type { TradeServices } from "./services.ts";

const header = new CommandHeader();
const TEMPLATE_IDS = new Map(TYPE_NAMES.map((name, templateId) => [name, templateId]));

/** 0: no such type. */
export function templateIdOf(type: string): number {
  return TEMPLATE_IDS.get(type) ?? 0;
}

export function kindOf(templateId: number): CommandKind {
  switch (templateId) {
    case NEW_ORDER_TEMPLATE_ID:
    case REPLACE_ORDER_TEMPLATE_ID:
      return "order";
    case CANCEL_ORDER_TEMPLATE_ID:
    case MASS_CANCEL_TEMPLATE_ID:
    case KILL_SWITCH_TEMPLATE_ID:
      return "cancel";
    default:
      return "other";
  }
}

/** Orders and kill switch are about an account: the sender's own where none is named. */
function isAboutAccount(templateId: number): boolean {
  return templateId <= MASS_CANCEL_TEMPLATE_ID || templateId === KILL_SWITCH_TEMPLATE_ID;
}

/** True where a command that does well may have no event to show for it. */
export function mayBeSilent(templateId: number): boolean {
  return templateId === MASS_CANCEL_TEMPLATE_ID || templateId === SNAPSHOT_TEMPLATE_ID;
}

/** What became of a command. `seq`: its own, or for a duplicate the first one's (0: not known). */
export interface Outcome {
  result: "sequenced" | "duplicate" | "refused";
  seq: number;
  requestId: number;
  /** Sequenced: its sender wants a receipt. */
  wantsReceipt: boolean;
  /** Then: where its stamps will be; −1: nowhere. */
  receiptPlace: number;
  /** Then: when it was about to be published, by `monotonicNs`. */
  sequencedNs: number;
}

/** The way of one session's commands from the wire into the ring. */
export class SessionCommands {
  readonly #intake: CommandIntake;
  readonly #requests: RequestLedger;
  readonly #receipts: ReceiptDesk;
  readonly #views: Views;
  readonly #key: Key;
  // One for all commands: valid until the next.
  readonly #outcome: Outcome = {
    result: "refused",
    seq: 0,
    requestId: 0,
    wantsReceipt: false,
    receiptPlace: -1,
    sequencedNs: 0,
  };

  constructor(services: TradeServices, key: Key) {
    this.#intake = services.intake;
    this.#requests = services.requests;
    this.#receipts = services.receipts;
    this.#views = services.views;
    this.#key = key;
  }

  /** Throws a CommandError. `refused`: the intake says why. */
  takeJson(json: JsonObject, templateId: number): Outcome {
    this.#checkRole();
    const offset = this.#intake.claim(kindOf(templateId));
    if (offset < 0) return this.#withoutSlot(namesOfJson(json).requestId);
    encodeCommand(json, this.#views.directory, this.#intake.view, offset, {
      admin: this.#key.role === "admin",
      accountRequired: false,
    });
    return this.#sequence(offset, templateId, json.receipt === true);
  }

  /** The message header is right. Throws a CommandError. `refused`: the intake says why. */
  takeBinary(view: DataView, at: number, templateId: number): Outcome {
    this.#checkRole();
    const offset = this.#intake.claim(kindOf(templateId));
    if (offset < 0) return this.#withoutSlot(namesOfBinary(view, at, templateId).requestId);
    const admin = this.#key.role === "admin";
    copyBinaryCommand(view, at, this.#intake.view, offset, this.#views.directory, admin);
    const flags = view.getUint8(at + COMMAND_HEADER_FLAGS_OFFSET);
    return this.#sequence(offset, templateId, (flags & CommandFlag.receipt) !== 0);
  }

  #checkRole(): void {
    if (this.#key.role === "viewer") {
      throw new CommandError("notAuthorized", "a viewer sends no commands");
    }
  }

  /**
   * Nothing can be sequenced now. A command that was done before is a duplicate all the same: whoever
   * sends it again must not take it for refused.
   */
  #withoutSlot(requestId: number): Outcome {
    this.#outcome.requestId = requestId;
    if (!this.#isDuplicate(requestId)) this.#outcome.result = "refused";
    return this.#outcome;
  }

  /** Fills in the outcome where it is true. */
  #isDuplicate(requestId: number): boolean {
    const { keyNumber } = this.#key;
    if (requestId === 0 || requestId > this.#requests.lastRequestId(keyNumber)) return false;
    this.#outcome.result = "duplicate";
    this.#outcome.seq = this.#requests.seqOf(keyNumber, requestId);
    return true;
  }

  #sequence(offset: number, templateId: number, wantsReceipt: boolean): Outcome {
    const { account, keyNumber, role } = this.#key;
    const outcome = this.#outcome;
    header.wrap(this.#intake.view, offset);
    const named = header.account;
    if (named !== 0 && named !== account && role !== "admin") {
      throw new CommandError("notAuthorized", `this key is for account ${account}`);
    }
    if (named === 0 && isAboutAccount(templateId)) header.account = account;
    header.keyNumber = keyNumber;
    const { requestId } = header;
    outcome.requestId = requestId;
    if (this.#isDuplicate(requestId)) return outcome;
    outcome.result = "sequenced";
    outcome.wantsReceipt = wantsReceipt;
    // Before the command is published: a stage may be done with it at once.
    if (wantsReceipt) {
      outcome.receiptPlace = this.#receipts.ask(this.#intake.lastSeq + 1);
      outcome.sequencedNs = monotonicNs();
    }
    outcome.seq = this.#intake.commit(offset);
    return outcome;
  }
}

/** Names of a binary command for an error message; whatever its bytes are. */
export function namesOfBinary(view: DataView, at: number, templateId: number) {
  const number = (offset: number) =>
    view.getUint32(at + offset, true) + (view.getUint32(at + offset + 4, true) & 0x1fffff) * TWO_32;
  // newOrder, cancelOrder and replaceOrder have it at the same place.
  const hasOrderId = templateId <= REPLACE_ORDER_TEMPLATE_ID;
  return {
    templateId,
    requestId: number(COMMAND_HEADER_REQUEST_ID_OFFSET),
    clientOrderId: hasOrderId ? number(NEW_ORDER_CLIENT_ORDER_ID_OFFSET) : 0,
  };
}

/** Names of a JSON message for an error message; whatever its fields are. */
export function namesOfJson(json: JsonObject) {
  const integer = (value: unknown) =>
    typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
  return {
    templateId: typeof json.type === "string" ? templateIdOf(json.type) : 0,
    requestId: integer(json.requestId),
    clientOrderId: integer(json.clientOrderId),
  };
}

export function errorCodeOf(error: CommandError): ErrorCode {
  return ErrorCode[error.code];
}
