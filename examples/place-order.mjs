// Places an order, shows what happens to it, and cancels it.
//
//   node examples/place-order.mjs ws://127.0.0.1:9001 key.json BTC-USD 64000.25 0.5
//
// key.json is what `crossbook keys create --account 7 --role trader` has printed.
import { readFileSync } from "node:fs";
import { ClientError, CrossbookClient } from "crossbook/client";

const [url, keyFile, symbol, price, quantity] = process.argv.slice(2);
if (quantity === undefined) {
  console.error("usage: node examples/place-order.mjs URL KEYFILE SYMBOL PRICE QUANTITY");
  process.exit(64);
}

const client = new CrossbookClient({
  url,
  key: readFileSync(keyFile, "utf8"),
  onState: (state, error) => console.error(`${state}${error ? `: ${error.message}` : ""}`),
});

// Before `connect`, so that no event is missed.
const events = client.events();

try {
  const { account, role } = await client.connect();
  console.error(`logged on for account ${account} as ${role}`);

  const clientOrderId = Date.now();
  const placed = await client.send({
    type: "newOrder",
    symbol,
    side: "buy",
    orderType: "limit",
    price,
    quantity,
    clientOrderId,
  });
  if (placed.type === "accepted") await client.send({ type: "cancelOrder", clientOrderId });

  client.close();
  // What has come is still there to be read.
  for await (const event of events) console.log(JSON.stringify(event));
} catch (error) {
  if (!(error instanceof ClientError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
} finally {
  client.close();
}
