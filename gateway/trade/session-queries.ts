import { QueryKind } from "../../protocol/generated/enums.ts";
import {
  ASSET_BALANCE_LENGTH,
  AssetBalance,
  OPEN_ORDER_LENGTH,
  OpenOrder,
  POSITION_LENGTH,
  Position,
  QUERY_END_LENGTH,
  QueryEnd,
} from "../../protocol/generated/session.ts";
import type { Messenger } from "../messages/messenger.ts";
import { NO_ORDER, type OrderTable } from "../views/order-table.ts";
import type { Views } from "../views/views.ts";
import type { Sight } from "./reports.ts";

const openOrder = new OpenOrder();
const position = new Position();
const assetBalance = new AssetBalance();
const queryEnd = new QueryEnd();

/** More rows than this are not given in one answer. */
export const MAX_ROWS = 200_000;

/** Rows of what the session may see, then their end. False: too many rows, nothing is said. */
export function answerQuery(
  messenger: Messenger,
  views: Views,
  sight: Sight,
  kind: QueryKind,
  requestId: number,
  lastSeq: number,
): boolean {
  if (sight.allAccounts && kind === QueryKind.openOrders && views.orders.table.count > MAX_ROWS) {
    return false;
  }
  let rows = 0;
  if (kind === QueryKind.instruments) rows = sayInstruments(messenger, views);
  else if (kind === QueryKind.openOrders) {
    const { table } = views.orders;
    const accounts = sight.allAccounts ? table.accounts() : [sight.account];
    for (const account of accounts) rows += sayOrders(messenger, table, account);
  } else {
    const accounts = sight.allAccounts ? views.holdings.accounts() : [sight.account];
    const say = kind === QueryKind.positions ? sayPositions : sayBalances;
    for (const account of accounts) rows += say(messenger, views, account);
  }
  const end = messenger.begin(queryEnd, QUERY_END_LENGTH);
  end.requestId = requestId;
  end.lastSeq = lastSeq;
  end.rowCount = rows;
  end.kind = kind;
  messenger.finish(QUERY_END_LENGTH);
  return true;
}

/** As the `instrument` event that defined it last, with seq 0 and the state that holds now. */
function sayInstruments(messenger: Messenger, { definitions }: Views): number {
  for (const definition of definitions.values()) {
    messenger.record(new DataView(definition.buffer, definition.byteOffset), 0);
  }
  return definitions.size;
}

function sayOrders(messenger: Messenger, table: OrderTable, account: number): number {
  let rows = 0;
  let slot = table.firstOfAccount(account);
  for (; slot !== NO_ORDER; slot = table.nextOfAccount(slot)) {
    const row = messenger.begin(openOrder, OPEN_ORDER_LENGTH);
    row.orderId = table.orderId[slot] as number;
    row.clientOrderId = table.clientOrderId[slot] as number;
    row.quantityLots = table.quantityLots[slot] as number;
    row.leavesLots = table.leavesLots[slot] as number;
    row.displayLots = table.displayLots[slot] as number;
    row.expireTimeUs = table.expireTimeUs[slot] as number;
    row.priceTicks = table.priceTicks[slot] as number;
    row.stopPriceTicks = table.stopPriceTicks[slot] as number;
    row.account = account;
    row.instrumentId = table.instrumentId[slot] as number;
    row.side = table.side[slot] as OpenOrder["side"];
    row.orderType = table.orderType[slot] as OpenOrder["orderType"];
    row.timeInForce = table.timeInForce[slot] as OpenOrder["timeInForce"];
    row.present = table.present[slot] as number;
    messenger.finish(OPEN_ORDER_LENGTH);
    rows++;
  }
  return rows;
}

function sayPositions(messenger: Messenger, { holdings }: Views, account: number): number {
  const positions = holdings.positions(account);
  for (const [instrumentId, lots] of positions) {
    const row = messenger.begin(position, POSITION_LENGTH);
    row.account = account;
    row.instrumentId = instrumentId;
    row.positionLots = lots;
    messenger.finish(POSITION_LENGTH);
  }
  return positions.length;
}

function sayBalances(messenger: Messenger, views: Views, account: number): number {
  const balances = views.holdings.balances(account);
  for (const { assetId, heldUnits, totalUnits } of balances) {
    const terms = views.directory.asset(assetId);
    const row = messenger.begin(assetBalance, ASSET_BALANCE_LENGTH);
    row.account = account;
    row.assetId = assetId;
    row.totalUnits = totalUnits;
    row.heldUnits = heldUnits;
    row.asset = terms?.asset ?? "";
    row.assetScale = terms?.scale ?? 0;
    messenger.finish(ASSET_BALANCE_LENGTH);
  }
  return balances.length;
}
