// Keeps the book of a symbol, order by order, and says after each update that it is the server's.
//
//   node examples/watch-book.mjs ws://127.0.0.1:9001 BTC-USD
import { CrossbookMarketClient } from "crossbook/client";

const [url, symbol] = process.argv.slice(2);
if (symbol === undefined) {
  console.error("usage: node examples/watch-book.mjs URL SYMBOL");
  process.exit(64);
}

const market = new CrossbookMarketClient({
  url,
  onProblem: ({ code, message }) => console.error(`${code}: ${message}`),
});
const updates = market.updates();
const book = market.book(symbol, "l3");
process.once("SIGINT", () => market.close());

const line = ({ price, quantity, orderId }) => `${quantity} at ${price} (order ${orderId})`;
for await (const { channel } of updates) {
  if (channel !== "l3") continue;
  const [bid] = book.bids(1);
  const [ask] = book.asks(1);
  console.log(
    `my book is yours at ${book.seq}, checksum ${book.checksum}:`,
    bid === undefined ? "no bid" : line(bid),
    "/",
    ask === undefined ? "no ask" : line(ask),
  );
}
