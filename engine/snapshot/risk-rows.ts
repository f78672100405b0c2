// What a snapshot holds of the risk checks: positions and order rates. Limits come from the settings,
// what is open from the orders. A worker takes what is its own, so their number may change.
import { OrderType } from "../../protocol/generated/enums.ts";
import {
  ACCOUNT_LENGTH,
  ASSET_LENGTH,
  INSTRUMENT_LENGTH,
} from "../../protocol/generated/events.ts";
import { FLAG } from "../book/layout.ts";
import type { RiskGate } from "../risk/risk-gate.ts";
import type { RiskState } from "../risk/risk-state.ts";
import type { TokenBucket } from "../risk/token-bucket.ts";
import { LAST_PRICE_BYTES } from "./engine-rows.ts";
import { restoreLedger, saveLedger } from "./ledger-rows.ts";
import { hiddenLots, ORDER_ROW, orderRows } from "./order-rows.ts";
import { type RowReader, type RowWriter, SectionId } from "./rows.ts";
import type { Snapshot } from "./snapshot-format.ts";

const EXPOSURE_BYTES = 16;
const TOKENS_BYTES = 24;

/** state, ledger: of a single worker that has every account. */
export function saveRisk(state: RiskState, writer: RowWriter, ledger = state.ledger): void {
  saveLedger(ledger, writer);
  const accounts = [...state.accounts()].sort((a, b) => a.account - b.account);
  writer.begin(SectionId.exposures);
  for (const { account, exposures } of accounts) {
    for (const exposure of exposures) {
      if (exposure === undefined || exposure.positionLots === 0) continue;
      const at = writer.row(EXPOSURE_BYTES);
      writer.view.setUint32(at, account, true);
      writer.view.setUint32(at + 4, exposure.instrumentId, true);
      writer.number(at + 8, exposure.positionLots);
    }
  }
  writer.begin(SectionId.tokens);
  for (const { account, limits, exposures } of accounts) {
    saveTokens(writer, account, 0, limits.rate);
    for (const exposure of exposures) {
      if (exposure === undefined) continue;
      saveTokens(writer, account, exposure.instrumentId, exposure.limits.rate);
    }
  }
}

function saveTokens(
  writer: RowWriter,
  account: number,
  instrumentId: number,
  rate: TokenBucket | null,
): void {
  if (rate === null) return;
  const at = writer.row(TOKENS_BYTES);
  writer.view.setUint32(at, account, true);
  writer.view.setUint32(at + 4, instrumentId, true);
  writer.number(at + 8, rate.microTokens);
  writer.number(at + 16, rate.atUs);
}

/** For a gate that has seen nothing. Throws a DamageError where the rows make no sense. */
export function restoreRisk(gate: RiskGate, { rows, place }: Snapshot): void {
  const { state } = gate;
  const { view } = rows;
  absorbSettings(state, rows);
  let instrumentId = 0;
  for (const at of rows.rows(SectionId.lastPrices, LAST_PRICE_BYTES)) {
    instrumentId++;
    if (view.getUint8(at + 4) !== 0) {
      state.restoreLastPrice(instrumentId, view.getInt32(at, true));
    }
  }
  restoreLedger(state.ledger, rows);
  for (const at of orderRows(rows)) {
    if (state.owns(view.getUint32(at + ORDER_ROW.account, true))) restoreOrder(state, rows, at);
  }
  for (const at of rows.rows(SectionId.exposures, EXPOSURE_BYTES)) {
    const account = view.getUint32(at, true);
    if (!state.owns(account)) continue;
    const exposure = state.exposure(state.account(account), view.getUint32(at + 4, true));
    exposure.positionLots = rows.number(at + 8);
  }
  restoreTokens(state, rows);
  gate.settle(place.seq);
}

/** Settings and order rates alone, for a state that has seen nothing. */
export function restoreRates(state: RiskState, { rows }: Snapshot): void {
  absorbSettings(state, rows);
  restoreTokens(state, rows);
}

function absorbSettings(state: RiskState, rows: RowReader): void {
  const { view } = rows;
  for (const at of rows.rows(SectionId.assets, ASSET_LENGTH)) state.absorb(view, at);
  for (const at of rows.rows(SectionId.instruments, INSTRUMENT_LENGTH)) state.absorb(view, at);
  for (const at of rows.rows(SectionId.settings, ACCOUNT_LENGTH)) state.absorb(view, at);
}

function restoreTokens(state: RiskState, rows: RowReader): void {
  const { view } = rows;
  for (const at of rows.rows(SectionId.tokens, TOKENS_BYTES)) {
    const account = view.getUint32(at, true);
    if (!state.owns(account)) continue;
    const id = view.getUint32(at + 4, true);
    const row = state.account(account);
    const { rate } = id === 0 ? row.limits : state.exposure(row, id).limits;
    if (rate === null) throw rows.damaged(at, "tokens of a rate that is not set");
    rate.restore(rows.number(at + 8), rows.number(at + 16));
  }
}

function restoreOrder(state: RiskState, rows: RowReader, at: number): void {
  const { view } = rows;
  const flags = view.getInt32(at + ORDER_ROW.flags, true);
  const type = (flags >> FLAG.typeShift) & FLAG.typeMask;
  const waits = (flags & FLAG.waiting) !== 0;
  const price = view.getInt32(at + (waits ? ORDER_ROW.limit : ORDER_ROW.price), true);
  const hasPrice = type === OrderType.limit || type === OrderType.stopLimit;
  state.restoreOrder(
    rows.number(at + ORDER_ROW.orderId),
    rows.number(at + ORDER_ROW.clientOrderId),
    view.getUint32(at + ORDER_ROW.account, true),
    view.getUint32(at + ORDER_ROW.instrumentId, true),
    flags & FLAG.sideMask,
    rows.number(at + ORDER_ROW.quantity),
    rows.number(at + ORDER_ROW.open) + hiddenLots(rows, at),
    hasPrice ? price : 0,
    hasPrice,
  );
}
