import os from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { BENCH_SYMBOL, BenchServer } from "../../../bench/server.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { CrossbookClient } from "../../../gateway/client/index.ts";
import { replayDirectory } from "../../../replay/replay.ts";

let server: BenchServer | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

const order = {
  type: "newOrder",
  symbol: BENCH_SYMBOL,
  side: "buy",
  orderType: "limit",
  price: "10",
  quantity: "1",
} as const;

describe.each(["shared", "dedicated"])("receipts of a server with threading %s", (threading) => {
  test.each(["binary", "json"] as const)("every stage has its stamp (%s)", async (encoding) => {
    server = await BenchServer.start({
      durability: "fsync",
      clients: 1,
      parentDirectory: os.tmpdir(),
      flags: ["--threading", threading, "--risk-workers", "2", "--redis", "off"],
    });
    const [key] = server.keys;
    const client = new CrossbookClient({ url: server.url, key: JSON.stringify(key), encoding });
    await client.connect();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => client.sendWithReceipt(order)),
    );
    for (const { outcome, receipt } of answers) {
      expect(outcome.type).toBe("accepted");
      expect(receipt).toMatchObject({ seq: (outcome as { seq: number }).seq });
      const { sequencedNs, checkedNs, matchedNs, durableNs, sentNs } = receipt ?? {};
      const chain = [1, sequencedNs, checkedNs, matchedNs, sentNs].map(Number);
      // The clocks of two threads agree to a fraction of a microsecond.
      for (const [i, ns] of chain.entries()) {
        expect(ns + 2_000).toBeGreaterThan(Number(chain[i - 1] ?? 0));
      }
      expect(Number(durableNs) + 2_000).toBeGreaterThan(Number(checkedNs));
      expect(Number(sentNs) + 2_000).toBeGreaterThan(Number(durableNs));
      expect(sentNs).toBeLessThan(60e9);
    }
    client.close();
    const { result } = replayDirectory(new NodeDisk(), server.directory, { verify: false });
    expect(result.lastSeq).toBeGreaterThan(50);
  });
});
