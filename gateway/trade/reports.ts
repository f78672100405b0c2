// Hot path: no allocation here for binary clients.
import { Liquidity, Side } from "../../protocol/generated/enums.ts";
import {
  CHECKPOINT_TEMPLATE_ID,
  TRADE_MAKER_ACCOUNT_OFFSET,
  TRADE_TEMPLATE_ID,
  Trade,
} from "../../protocol/generated/events.ts";
import {
  EVENT_HEADER_ACCOUNT_OFFSET,
  EVENT_HEADER_KEY_TAG_OFFSET,
  EVENT_HEADER_REQUEST_ID_OFFSET,
} from "../../protocol/generated/headers.ts";
import { FILL_LENGTH, Fill } from "../../protocol/generated/session.ts";
import type { Key } from "../keys/key-directory.ts";
import type { Messenger } from "../messages/messenger.ts";

/** Whose events a session sees. */
export interface Sight {
  readonly account: number;
  readonly allAccounts: boolean;
  /** Of the key: of the keys that trade, each sees its own requestIds only. */
  readonly keyNumber: number;
  /** A viewer is a drop copy: it sees all that belongs to its account. */
  readonly role: Key["role"];
}

const KEY_TAG_MASK = 0xffff;

const trade = new Trade();
const fill = new Fill();
const scratch = new DataView(new ArrayBuffer(256));

/** True where the event says something to the session. */
export function concerns(view: DataView, offset: number, sight: Sight): boolean {
  const templateId = view.getUint16(offset + 2, true);
  if (templateId === CHECKPOINT_TEMPLATE_ID) return false;
  if (sight.allAccounts) return true;
  if (view.getUint32(offset + EVENT_HEADER_ACCOUNT_OFFSET, true) === sight.account) return true;
  return (
    templateId === TRADE_TEMPLATE_ID &&
    view.getUint32(offset + TRADE_MAKER_ACCOUNT_OFFSET, true) === sight.account
  );
}

/**
 * Reports an event that concerns the session. Of a trade only the session's own side, as a fill; who
 * sees all accounts gets both sides. The requestId is that of the command behind the event, so only
 * that command's key and the account's viewers see it. The event has only the low bits of the key's
 * number; that it is one of the same account (`owner`) is told exactly.
 */
export function report(
  messenger: Messenger,
  view: DataView,
  offset: number,
  owner: number,
  sight: Sight,
): void {
  if (view.getUint16(offset + 2, true) !== TRADE_TEMPLATE_ID) {
    const tag = view.getUint16(offset + EVENT_HEADER_KEY_TAG_OFFSET, true);
    if (isOwn(tag, sight.account, owner, sight)) messenger.record(view, offset);
    else reportWithoutRequest(messenger, view, offset);
    return;
  }
  trade.wrap(view, offset);
  if (sight.allAccounts || trade.account === sight.account) {
    writeFill(messenger, true, isOwn(trade.keyTag, trade.account, owner, sight));
  }
  if (sight.allAccounts || trade.makerAccount === sight.account) {
    writeFill(messenger, false, isOwn(trade.keyTag, trade.makerAccount, owner, sight));
  }
}

/** Whether the command was the session's own, or one of those it sees all of. */
function isOwn(keyTag: number, account: number, owner: number, sight: Sight): boolean {
  if (sight.allAccounts) return true;
  if (account !== owner) return false;
  return sight.role === "viewer" || keyTag === (sight.keyNumber & KEY_TAG_MASK);
}

function reportWithoutRequest(messenger: Messenger, view: DataView, offset: number): void {
  const length = view.getUint16(offset, true);
  for (let i = 0; i < length; i += 4) {
    scratch.setInt32(i, view.getInt32(offset + i, true), true);
  }
  scratch.setInt32(EVENT_HEADER_REQUEST_ID_OFFSET, 0, true);
  scratch.setInt32(EVENT_HEADER_REQUEST_ID_OFFSET + 4, 0, true);
  scratch.setUint16(EVENT_HEADER_KEY_TAG_OFFSET, 0, true);
  messenger.record(scratch, 0);
}

/** In an uncross (aggressorSide none) the buyer stands in the taker's place. */
function writeFill(messenger: Messenger, isTaker: boolean, withRequest: boolean): void {
  const { aggressorSide } = trade;
  const takerSide = aggressorSide === Side.sell ? Side.sell : Side.buy;
  const makerSide = takerSide === Side.buy ? Side.sell : Side.buy;
  const record = messenger.begin(fill, FILL_LENGTH);
  record.seq = trade.seq;
  record.timestampUs = trade.timestampUs;
  record.index = trade.index;
  record.instrumentId = trade.instrumentId;
  record.aggressorSide = aggressorSide;
  if (withRequest) {
    record.requestId = trade.requestId;
    record.keyTag = trade.keyTag;
  }
  record.tradeId = trade.tradeId;
  record.quantityLots = trade.quantityLots;
  record.priceTicks = trade.priceTicks;
  if (isTaker) {
    record.account = trade.account;
    record.side = takerSide;
    record.orderId = trade.takerOrderId;
    record.clientOrderId = trade.takerClientOrderId;
    record.leavesLots = trade.takerLeavesLots;
    record.feeUnits = trade.takerFeeUnits;
    record.liquidity = aggressorSide === Side.none ? Liquidity.auction : Liquidity.taker;
  } else {
    record.account = trade.makerAccount;
    record.side = makerSide;
    record.orderId = trade.makerOrderId;
    record.clientOrderId = trade.makerClientOrderId;
    record.leavesLots = trade.makerLeavesLots;
    record.feeUnits = trade.makerFeeUnits;
    record.liquidity = aggressorSide === Side.none ? Liquidity.auction : Liquidity.maker;
  }
  messenger.finish(FILL_LENGTH);
}
