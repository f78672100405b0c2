// What a snapshot holds of the ledger: what accounts have, and what their open orders hold of it.
import type { Ledger } from "../ledger/ledger.ts";
import { type RowReader, type RowWriter, SectionId } from "./rows.ts";

const HOLDING_BYTES = 16;
const HOLD_BYTES = 48;

/** ledger: one that has every account. */
export function saveLedger(ledger: Ledger, writer: RowWriter): void {
  writer.begin(SectionId.holdings);
  const row = (account: number, kind: number, id: number, amount: number): void => {
    const at = writer.row(HOLDING_BYTES);
    writer.view.setUint32(at, account, true);
    writer.view.setUint32(at + 4, id * 2 + kind, true);
    writer.number(at + 8, amount);
  };
  for (const account of [...ledger.accounts()].sort((a, b) => a - b)) {
    for (const [id, lots] of ledger.positions(account)) row(account, 0, id, lots);
    for (const { assetId, totalUnits } of ledger.balances(account)) {
      row(account, 1, assetId, totalUnits);
    }
  }
  writer.begin(SectionId.holds);
  for (const hold of [...ledger.holds()].sort((a, b) => a.orderId - b.orderId)) {
    const at = writer.row(HOLD_BYTES);
    writer.number(at, hold.orderId);
    writer.view.setUint32(at + 8, hold.account, true);
    writer.view.setUint32(at + 12, hold.instrumentId, true);
    writer.view.setInt32(at + 16, hold.priceTicks, true);
    writer.view.setUint8(at + 20, hold.side);
    writer.number(at + 24, hold.leavesLots);
    writer.number(at + 32, hold.units);
    writer.number(at + 40, hold.feeUnits);
  }
}

/** For a ledger that knows assets, instruments and settings, and nothing else. */
export function restoreLedger(ledger: Ledger, rows: RowReader): void {
  const { view } = rows;
  for (const at of rows.rows(SectionId.holdings, HOLDING_BYTES)) {
    const account = view.getUint32(at, true);
    const name = view.getUint32(at + 4, true);
    const amount = rows.number(at + 8);
    if ((name & 1) === 0) ledger.restorePosition(account, name >>> 1, amount);
    else ledger.restoreTotal(account, name >>> 1, amount);
  }
  for (const at of rows.rows(SectionId.holds, HOLD_BYTES)) {
    ledger.restoreHold({
      orderId: rows.number(at),
      account: view.getUint32(at + 8, true),
      instrumentId: view.getUint32(at + 12, true),
      priceTicks: view.getInt32(at + 16, true),
      side: view.getUint8(at + 20),
      leavesLots: rows.number(at + 24),
      units: rows.number(at + 32),
      feeUnits: rows.number(at + 40),
    });
  }
}
