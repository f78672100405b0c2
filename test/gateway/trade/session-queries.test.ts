import { afterEach, describe, expect, test } from "vitest";
import { TRANSPORTS, until } from "../transports.ts";
import { INSTRUMENT, order, TradeServer } from "./trade-server.ts";

describe.each(TRANSPORTS)("queries over %s", (choice) => {
  let server: TradeServer;

  async function begin(): Promise<void> {
    server = new TradeServer({});
    await server.listen(choice);
    await server.setUp(INSTRUMENT);
  }

  afterEach(async () => {
    await server.stop();
    expect(server.problems).toEqual([]);
  });

  test("open orders, positions, balances and instruments, each with its end", async () => {
    await begin();
    await server.tradeAlong(2);
    const alice = await server.client("alice");
    alice.send(order({ price: "90", quantity: "2", displayQuantity: "0.5", clientOrderId: 4 }));
    await alice.first("accepted");
    ["openOrders", "positions", "balances", "instruments"].forEach((type, i) => {
      alice.send({ type, requestId: i + 1 });
    });
    await alice.last("queryEnd", 4);
    const lastSeq = server.exchange.intake.lastSeq;
    expect(alice.ofType("openOrder")).toEqual([
      {
        type: "openOrder",
        symbol: "BTC-USD",
        account: 7,
        clientOrderId: 4,
        orderId: lastSeq,
        side: "buy",
        orderType: "limit",
        timeInForce: "gtc",
        price: "90",
        quantity: "2",
        leavesQuantity: "2",
        displayQuantity: "0.5",
      },
    ]);
    expect(alice.ofType("position")).toEqual([
      { type: "position", account: 7, symbol: "BTC-USD", position: "0.02" },
    ]);
    // 2 × 0.01 at 100, and 0.2 % of it, each fee rounded up to a cent's hundredth or finer.
    expect(alice.ofType("assetBalance")).toMatchObject([
      { asset: "BTC", free: "0.02", held: "0", total: "0.02" },
      { asset: "USD", account: 7 },
    ]);
    expect(alice.ofType("instrument")).toMatchObject([
      { seq: 0, symbol: "BTC-USD", tickSize: "0.5", lotSize: "0.01", state: "continuous" },
    ]);
    expect(alice.ofType("queryEnd")).toEqual(
      ["openOrders", "positions", "balances", "instruments"].map((query, i) => ({
        type: "queryEnd",
        query,
        requestId: i + 1,
        rows: query === "balances" ? 2 : 1,
        lastSeq,
      })),
    );
  });

  test("instruments do not show the requestId of the admin who defined them", async () => {
    await begin();
    const admin = await server.client("root");
    const { type, ...definition } = INSTRUMENT;
    admin.send({ type, ...definition, requestId: 777 });
    await until(() => admin.ofType("instrument").length > 0, "the definition");
    expect(admin.ofType("instrument")[0]).toMatchObject({ requestId: 777 });
    const alice = await server.client("alice");
    alice.send({ type: "instruments", requestId: 5 });
    await alice.first("queryEnd");
    const [row] = alice.ofType("instrument");
    expect(row).toMatchObject({ symbol: "BTC-USD", seq: 0 });
    expect(row).not.toHaveProperty("requestId");
  });

  test("the next query waits until the answer to the last has been read", async () => {
    await begin();
    const alice = await server.client("alice");
    for (let i = 0; i < 2000; i++) alice.send(order({ price: "1" }));
    await until(() => alice.messages.length >= 2000, "2000 orders");
    alice.socket.pause();
    const queries = 100;
    for (let i = 1; i <= queries; i++) alice.send({ type: "openOrders", requestId: i });
    await new Promise((resolve) => setTimeout(resolve, 300));
    alice.socket.resume();
    await until(
      () => alice.ofType("queryEnd").length + alice.ofType("error").length === queries,
      "an answer to each query",
    );
    const refused = alice.ofType("error");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ code: "rateLimited" });
    expect(alice.closeCode).toBe(0);
  });

  test("a position agrees with the fills, the venue's fees with what was paid", async () => {
    await begin();
    await server.tradeAlong(5);
    const auditor = await server.client("auditor");
    auditor.send({ type: "balances" });
    await auditor.first("queryEnd");
    const totals = new Map<unknown, number>();
    for (const { asset, total } of auditor.ofType("assetBalance")) {
      totals.set(asset, (totals.get(asset) ?? 0) + Math.round(Number(total) * 1e6));
    }
    expect(totals).toEqual(
      new Map([
        ["BTC", 0],
        ["USD", 0],
      ]),
    );
  });
});
