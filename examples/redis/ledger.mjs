// What each account bought, sold, paid and received, kept from the trades streams by a consumer group. It may be
// killed at any moment: the file holds the ledger and the ids up to which it goes, together.
//
//   node examples/redis/ledger.mjs redis://127.0.0.1:6379 ledger.json BTC-USD ETH-USD
import { format, parse } from "./decimals.mjs";
import { load, save } from "./state-file.mjs";
import { connect, readTrades } from "./trades.mjs";

const [url, file, ...symbols] = process.argv.slice(2);
if (symbols.length === 0) {
  console.error("usage: node examples/redis/ledger.mjs URL FILE SYMBOL …");
  process.exit(64);
}

/** positions: stream → last id. accounts: account → symbol → what it bought, sold, paid and received. */
const state = load(file, { positions: {}, trades: 0, accounts: {} });

function book(account, symbol, values) {
  state.accounts[account] ??= {};
  state.accounts[account][symbol] ??= { bought: "0", sold: "0", paid: "0", received: "0" };
  const held = state.accounts[account][symbol];
  for (const [name, value] of Object.entries(values)) {
    held[name] = format(parse(held[name]) + value);
  }
}

const redis = connect(url);
for await (const trades of readTrades(redis, { ...state, group: "ledger", symbols })) {
  if (trades.length === 0) continue;
  for (const { stream, id, symbol, price, quantity, buyAccount, sellAccount } of trades) {
    const size = parse(quantity);
    const cash = (parse(price) * size) / 10n ** 18n;
    book(buyAccount, symbol, { bought: size, paid: cash });
    book(sellAccount, symbol, { sold: size, received: cash });
    state.positions[stream] = id;
    state.trades++;
  }
  save(file, state);
  console.log(`${state.trades} trades`);
}
