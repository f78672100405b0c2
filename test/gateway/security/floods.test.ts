import { afterEach, describe, expect, test } from "vitest";
import type { SlowSocket } from "../../simulation/slow-socket.ts";
import { Market } from "../market/market.ts";
import { INSTRUMENT, type Json, order, TradeServer } from "../trade/trade-server.ts";
import { TRANSPORTS, until } from "../transports.ts";

describe.each(TRANSPORTS)("a flood over %s", (choice) => {
  let server: TradeServer;
  afterEach(async () => {
    await server.stop();
    expect(server.problems).toEqual([]);
  });

  test("beyond the rate is answered and not carried out, and another client's orders go through", async () => {
    const perSecond = 100;
    server = new TradeServer({ rates: { sessionPerSecond: perSecond } });
    await server.listen(choice);
    await server.setUp(INSTRUMENT);
    const flooder = await server.client("bob");
    const alice = await server.client("alice");
    const startMs = performance.now();
    const flood = 5000;
    for (let i = 1; i <= flood; i++) flooder.send(order({ clientOrderId: i, price: "90" }));
    const orders = 50;
    for (let i = 1; i <= orders; i++) alice.send(order({ clientOrderId: i, price: "91" }));
    await alice.last("accepted", orders);
    const answers = () => flooder.ofType("accepted").length + flooder.ofType("error").length;
    await until(() => answers() === flood, "an answer to each");
    const seconds = (performance.now() - startMs) / 1000;
    const accepted = flooder.ofType("accepted").length;
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThanOrEqual(Math.ceil(perSecond * (1 + seconds)));
    for (const error of flooder.ofType("error")) expect(error.code).toBe("rateLimited");
    expect(alice.ofType("error")).toEqual([]);
  });
});

describe("a thousand readers that never read", () => {
  test("cost bounded memory, are closed or told the newest state, and keep nothing from the others", () => {
    const market = new Market();
    const stuck: SlowSocket[] = [];
    for (let i = 0; i < 1000; i++) {
      const { socket } = market.subscribe(i % 2 === 0 ? "trades" : "l1");
      socket.isReading = false;
      stuck.push(socket);
    }
    const reader = market.subscribe("trades");
    let rounds = 0;
    let mostWaiting = 0;
    while (stuck[0]?.isOpen && rounds < 20_000) {
      market.order(1, 1, 1000, 1);
      market.order(2, 2, 1000, 1);
      if (rounds++ % 100 === 0) {
        for (const { isOpen, bufferedBytes } of stuck) {
          if (isOpen) mostWaiting = Math.max(mostWaiting, bufferedBytes);
        }
      }
    }
    const told = reader.socket.frames
      .map((frame) => JSON.parse(frame as string) as Json)
      .filter(({ type, snapshot }) => type === "trades" && snapshot === false);
    expect(told).toHaveLength(rounds);
    expect(stuck.filter(({ closeCode }) => closeCode === 1013)).toHaveLength(500);
    expect(stuck.filter(({ isOpen }) => isOpen)).toHaveLength(500); // l1: they are told later
    expect(mostWaiting).toBeGreaterThan(0);
    // The trades wait once for all of them, and not in their sockets.
    expect(mostWaiting).toBeLessThan(100_000);
  });
});
