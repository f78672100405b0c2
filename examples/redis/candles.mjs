// Candles (open, high, low, close, volume) of one symbol out of its trades stream. A candle that is over
// is printed as a line of JSON; the file holds the candle under way, those that are over, and the id up
// to which all that goes, so that it may be killed at any moment.
//
//   node examples/redis/candles.mjs redis://127.0.0.1:6379 candles.json BTC-USD 60
import { format, parse } from "./decimals.mjs";
import { load, save } from "./state-file.mjs";
import { connect, readTrades } from "./trades.mjs";

const [url, file, symbol, seconds = "60"] = process.argv.slice(2);
const periodUs = Number(seconds) * 1e6;
if (symbol === undefined || !(periodUs > 0)) {
  console.error("usage: node examples/redis/candles.mjs URL FILE SYMBOL [SECONDS]");
  process.exit(64);
}

const state = load(file, { positions: {}, candle: null, done: [] });
const greater = (a, b) => (parse(a) > parse(b) ? a : b);
const less = (a, b) => (parse(a) < parse(b) ? a : b);

/** Of the time that the trade bears, not of the moment at which it is read: a replay gives the same. */
function add({ price, quantity, timestamp }) {
  const from = Math.floor(Number(timestamp) / periodUs) * periodUs;
  if (state.candle !== null && state.candle.from !== from) {
    state.done.push(state.candle);
    state.candle = null;
  }
  const before = state.candle;
  state.candle = {
    from,
    open: before?.open ?? price,
    high: before === null ? price : greater(before.high, price),
    low: before === null ? price : less(before.low, price),
    close: price,
    volume: format(parse(before?.volume ?? "0") + parse(quantity)),
    trades: (before?.trades ?? 0) + 1,
  };
}

const redis = connect(url);
for await (const trades of readTrades(redis, { ...state, group: "candles", symbols: [symbol] })) {
  if (trades.length === 0) continue;
  const known = state.done.length;
  for (const trade of trades) {
    add(trade);
    state.positions[trade.stream] = trade.id;
  }
  save(file, state);
  for (const candle of state.done.slice(known)) console.log(JSON.stringify({ symbol, ...candle }));
}
