import { formatUnits } from "../../protocol/decimal.ts";
import { MAX_INTEGER } from "../../protocol/terms.ts";
import type { AccountFigures, AuditFigures, InstrumentFigures, Money } from "./audit-figures.ts";
import { formatExact } from "./exact-sum.ts";
import { count, html, type Markup, NOTHING, table } from "./markup.ts";
import { shortNumber, timePlot } from "./plot.ts";

/** So that the page stays small; the rest is summed up, and `--csv` has all of it. */
const MOST_ROWS = 500;
const MOST_PLOTS = 8;

const number = (name: string) => ({ name, isNumber: true });

function byTrades(figures: AuditFigures): InstrumentFigures[] {
  return [...figures.instruments.values()].sort(
    (a, b) => b.trades - a.trades || a.terms.id - b.terms.id,
  );
}

function priceOf({ terms }: InstrumentFigures, ticks: number): string {
  return formatUnits(ticks, terms.tickSize.value, terms.tickSize.scale);
}

export function instrumentTable(figures: AuditFigures): Markup {
  const all = byTrades(figures);
  const rows = all.slice(0, MOST_ROWS).map((one) => {
    const { terms, trades, auctions } = one;
    const { lotSize, notionalUnit, quoteAsset, quoteAssetScale } = terms;
    const prices = trades === 0 ? ["", "", ""] : [one.lowTicks, one.highTicks, one.lastTicks];
    return [
      terms.symbol,
      count(trades),
      formatExact(one.lots.total, lotSize.value, lotSize.scale),
      `${formatExact(one.notional.total, notionalUnit, quoteAssetScale)} ${quoteAsset}`,
      ...prices.map((ticks) => (typeof ticks === "number" ? priceOf(one, ticks) : ticks)),
      `${formatExact(one.fees.total, 1, quoteAssetScale)} ${quoteAsset}`,
      count(auctions),
    ];
  });
  const names = ["Trades", "Volume", "Turnover", "Low", "High", "Last", "Fees", "Auctions"];
  const columns = [{ name: "Symbol" }, ...names.map(number)];
  return html`${table("Instruments with trades or auctions", columns, rows)}${others(all.length, "instruments")}`;
}

/** Volume over time, of those that traded most. */
export function instrumentPlots(figures: AuditFigures): Markup {
  const { scale } = figures;
  if (scale === undefined) return NOTHING;
  const traded = byTrades(figures).filter(({ trades }) => trades > 0);
  const plots = traded.slice(0, MOST_PLOTS).map((one) => {
    const { lotSize, symbol, baseAsset } = one.terms;
    const approximate = (lots: number) => shortNumber((lots * lotSize.value) / 10 ** lotSize.scale);
    const volume = (lots: number) =>
      lots <= MAX_INTEGER
        ? formatUnits(lots, lotSize.value, lotSize.scale)
        : `about ${approximate(lots)}`;
    const textOf = (bin: number) =>
      `${volume(one.lotsByBin[bin] ?? 0)} ${baseAsset} in ${count(one.tradesByBin[bin] ?? 0)} trades`;
    return timePlot(scale, {
      title: `${symbol}, volume`,
      values: one.lotsByBin,
      textOf,
      axisText: approximate,
    });
  });
  const rest = traded.length - plots.length;
  const note =
    rest > 0 ? html`<p class="none">${count(rest)} more instruments traded.</p>` : NOTHING;
  return html`${plots}${note}`;
}

export function accountTable(figures: AuditFigures): Markup {
  const all = [...figures.accounts].sort(
    ([a, one], [b, other]) => other.fills - one.fills || activity(other) - activity(one) || a - b,
  );
  const rows = all
    .slice(0, MOST_ROWS)
    .map(([account, one]) => [
      String(account),
      ...[one.accepted, one.rejected, one.replaced, one.canceled, one.fills].map(count),
      moneyText(one, ({ turnover }) => turnover.total),
      moneyText(one, ({ fees }) => fees.total),
    ]);
  const names = ["Accepted", "Rejected", "Replaced", "Canceled", "Fills", "Turnover", "Fees"];
  const columns = [{ name: "Account" }, ...names.map(number)];
  return html`<p><small>Fills are sides of trades; an order of the account that was taken off the book, by whomever, counts as canceled. Negative fees are rebates.</small></p>
${table("Accounts with orders or rejections", columns, rows)}${others(all.length, "accounts")}`;
}

function activity({ accepted, rejected, canceled, replaced }: AccountFigures): number {
  return accepted + rejected + canceled + replaced;
}

function moneyText({ money }: AccountFigures, amount: (money: Money) => bigint): Markup {
  const parts = [...money.values()].map(
    (one) => `${formatExact(amount(one), 1, one.scale)} ${one.asset}`,
  );
  return html`${parts.map((part, i) => (i === 0 ? part : html`<br>${part}`))}`;
}

function others(all: number, name: string): Markup {
  if (all <= MOST_ROWS) return NOTHING;
  return html`<p class="none">${count(all - MOST_ROWS)} more ${name}, with fewer fills.</p>`;
}
