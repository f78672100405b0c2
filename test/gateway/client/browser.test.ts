import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import {
  CrossbookClient,
  CrossbookMarketClient,
  parseKey,
} from "../../../gateway/client/browser.ts";
import { parseKey as parseOnNode } from "../../../gateway/client/node-key.ts";
import { signEd25519 } from "../../../gateway/keys/signature.ts";
import { ClientHarness, INSTRUMENT, keyText, order } from "./harness.ts";

const ENTRY = fileURLToPath(new URL("../../../gateway/client/browser.ts", import.meta.url));
const IMPORT = /^(?:import|export)\s+(?:(?<names>[\w\s{},*$]*?)\s+from\s+)?"(?<target>[^"]+)"/gm;

/** Every module that the file brings along at run time, by path, and what it asks of others. */
function importGraph(entry: string): Map<string, readonly string[]> {
  const graph = new Map<string, readonly string[]>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (graph.has(file)) continue;
    const targets: string[] = [];
    for (const { groups } of codeOf(file).matchAll(IMPORT)) {
      const { names = "", target = "" } = groups ?? {};
      if (/^\s*type\b/.test(names)) continue; // gone when compiled
      targets.push(target);
      if (target.startsWith(".")) waiting.push(path.resolve(path.dirname(file), target));
    }
    graph.set(file, targets);
  }
  return graph;
}

function codeOf(file: string): string {
  return fs.readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
}

describe("the client for browsers", () => {
  test("brings along nothing of Node and no package", () => {
    const graph = importGraph(ENTRY);
    expect(graph.size).toBeGreaterThan(30);
    for (const [file, targets] of graph) {
      expect(
        targets.filter((target) => !target.startsWith(".")),
        file,
      ).toEqual([]);
      const code = codeOf(file);
      expect(
        code.match(/\b(?:Buffer|process|require|setImmediate|__dirname)\b[.(]/g),
        file,
      ).toBeNull();
    }
    // The same look at the entry for Node finds what there is to find.
    const found = [...importGraph(ENTRY.replace("browser.ts", "index.ts")).values()].flat();
    expect(found).toContain("node:crypto");
    expect(found).toContain("ws");
  });

  test("has the same names as the one for Node", async () => {
    const names = (module: object) => Object.keys(module).sort();
    const browser = await import("../../../gateway/client/browser.ts");
    const node = await import("../../../gateway/client/index.ts");
    expect(names(browser)).toEqual(names(node));
  });

  test("signs as the one for Node does", async () => {
    const hmac = keyText("alice");
    expect(await parseKey(hmac).sign("text é")).toEqual(
      new Uint8Array(await parseOnNode(hmac).sign("text é")),
    );
    const privateKey = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
    const ed25519 = JSON.stringify({ keyId: "e", privateKey });
    expect(await parseKey(ed25519).sign("x")).toEqual(new Uint8Array(signEd25519(privateKey, "x")));
    expect(() => parseKey("{}")).toThrow(expect.objectContaining({ code: "invalidKey" }));
  });
});

describe("with a browser's WebSocket", () => {
  let harness: ClientHarness;
  beforeEach(async () => {
    vi.stubGlobal("WebSocket", WebSocket);
    harness = await ClientHarness.start();
  });
  afterEach(async () => {
    await harness.stop();
    vi.unstubAllGlobals();
    expect(harness.server.problems).toEqual([]);
  });

  test.each(["binary", "json"] as const)(
    "it logs on and trades in %s, over a lost connection",
    async (encoding) => {
      await harness.setUp(INSTRUMENT);
      const reconnect = { initialDelayMs: 10 };
      const client = new CrossbookClient({
        url: harness.url,
        key: keyText("alice"),
        encoding,
        reconnect,
      });
      await client.connect();
      expect(await client.send(order({ clientOrderId: 1 }))).toMatchObject({ type: "accepted" });
      harness.proxy.cut();
      const outcome = await client.send({ type: "cancelOrder", clientOrderId: 1 });
      expect(outcome).toMatchObject({ type: "canceled", clientOrderId: 1 });
      client.close();
    },
  );

  test("its book is the server's", async () => {
    await harness.setUp(INSTRUMENT);
    const { client } = await harness.connected("alice");
    await client.send(order());
    const market = new CrossbookMarketClient({ url: `ws://127.0.0.1:${harness.server.port}` });
    const book = market.book("BTC-USD", "l2");
    await market.reached(book);
    expect(book.bids(1)).toMatchObject([{ price: "100", quantity: "1" }]);
    market.close();
  });
});
