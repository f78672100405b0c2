import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { createMetrics } from "../../../gateway/http/metrics.ts";
import { createPages } from "../../../gateway/http/pages.ts";
import type { ServerStatus } from "../../../gateway/http/server-status.ts";

const STATUS: ServerStatus = {
  state: "ready",
  version: "1.2.3",
  startedUs: 1,
  durability: "fsync",
  transport: "ws",
  lastSeq: 42,
  lags: { risk: 1, matched: 2, durable: 3 },
  log: { lastSeq: 41, eventCount: 99 },
  check: { seq: 40, stateHash: "aa", eventHash: "bb", events: 90, trades: 7 },
  history: { state: "whole", checkedSeq: 42, damage: null },
  redis: {
    state: "publishing",
    code: null,
    reason: null,
    lastSeq: 39,
    lastId: "39-1",
    lag: 2,
    lagEvents: 5,
    lagSeconds: 0.25,
    publishedEvents: 94,
    events: 90,
    trades: 7,
    batches: 3,
    faults: 1,
    connections: 2,
  },
  journal: { commands: 42, blocks: 5, bytes: 4096, lastCommitUs: 200, maxCommitUs: 900, epoch: 3 },
  sessions: { trade: 2, market: 1, marketBehind: 1 },
  refused: { overloaded: 5, diskLow: 0 },
  risk: { restarts: 0, rebuilding: 0 },
  killSwitch: { count: 0, lastUs: 0, maxUs: 0 },
  diskLow: false,
};

function pagesWith(status: Partial<ServerStatus>) {
  const current = { ...STATUS, ...status };
  return createPages(
    () => current,
    createMetrics(() => current),
  );
}

async function get(pages: ReturnType<typeof createPages>, path: string) {
  const response = await pages({ path, query: "" });
  return { ...response, text: Buffer.from(response.body).toString() };
}

const DOCS = new URL("../../../docs/", import.meta.url);

async function documentPaths(pages: ReturnType<typeof createPages>): Promise<string[]> {
  const { text } = await get(pages, "/docs");
  const all = [...text.matchAll(/href="(\/docs\/[^"]*)"/g)].map(([, path]) => path as string);
  return all.filter((path) => !path.endsWith(".json"));
}

describe("pages", () => {
  it("healthz tells seq and hashes of the last check", async () => {
    const { status, text } = await get(pagesWith({}), "/healthz");
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ lastSeq: 42, check: { seq: 40, stateHash: "aa" } });
  });

  it("readyz is 503 until orders are accepted", async () => {
    expect((await get(pagesWith({ state: "recovering" }), "/readyz")).status).toBe(503);
    expect((await get(pagesWith({}), "/readyz")).status).toBe(200);
    expect((await get(pagesWith({ state: "stopping" }), "/readyz")).status).toBe(503);
  });

  it("metrics show lags by stage and refusals by reason, without adding up between scrapes", async () => {
    const pages = pagesWith({});
    await get(pages, "/metrics");
    const { text } = await get(pages, "/metrics");
    expect(text).toContain('crossbook_stage_lag_commands{stage="durable"} 3');
    expect(text).toContain('crossbook_refused_total{reason="overloaded"} 5');
    expect(text).toContain("crossbook_events_total 99");
    expect(text).toContain("crossbook_redis_lag_events 5");
    expect(text).toContain("crossbook_redis_lag_seconds 0.25");
    expect(text).toContain("crossbook_redis_trades_total 7");
    expect(text).not.toContain("crossbook_redis_halted{");
  });

  it("metrics name the code of a halt", async () => {
    const redis = { ...STATUS.redis, state: "halted", code: "foreignEntry", lagEvents: null };
    const { text } = await get(pagesWith({ redis }), "/metrics");
    expect(text).toContain('crossbook_redis_halted{code="foreignEntry"} 1');
    expect(text).toContain("crossbook_redis_publishing 0");
    expect(text).toContain("crossbook_redis_lag_events -1");
  });

  it("docs lists every document, and shows it as a page and as it is written", async () => {
    const pages = pagesWith({});
    const { text: contents } = await get(pages, "/docs");
    const names = fs
      .readdirSync(DOCS, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"));
    expect(names.length).toBeGreaterThan(15);
    for (const name of names) {
      const path = `/docs/${name.slice(0, -3)}`;
      expect(contents).toContain(`href="${path}"`);
      const { status, contentType, text } = await get(pages, path);
      expect([status, contentType]).toEqual([200, "text/html; charset=utf-8"]);
      expect(text).toContain("<h1 id=");
      const written = await get(pages, `${path}.md`);
      expect(written.contentType).toBe("text/plain; charset=utf-8");
      expect(written.text).toBe(fs.readFileSync(new URL(name, DOCS), "utf8"));
    }
  });

  it("no markup of a document is left over, and none runs", async () => {
    const pages = pagesWith({});
    for (const path of await documentPaths(pages)) {
      const { text } = await get(pages, path);
      const shown = text.replace(/<(pre|code|style)\b[^>]*>.*?<\/\1>/gs, "");
      expect(shown.match(/\*\*|`|\]\(|^\||^#+ |^[-*] |\ue000/m), path).toBeNull();
      expect(text).not.toMatch(/<script|<img|<link|<iframe|javascript:|\bon\w+=/i);
    }
  });

  it("every link leads to a page, and every anchor is there", async () => {
    const pages = pagesWith({});
    let anchors = 0;
    for (const path of ["/docs", ...(await documentPaths(pages))]) {
      const { text } = await get(pages, path);
      for (const [, target] of text.matchAll(/href="([^"]*)"/g)) {
        if (target?.startsWith("http")) continue;
        const [there, anchor] = (target as string).split("#");
        const found = there === "" ? text : (await get(pages, there as string)).text;
        expect(found, `${path}: ${target}`).not.toContain("nothing at");
        if (anchor === undefined) continue;
        expect(found, `${path}: ${target}`).toContain(`id="${anchor}"`);
        anchors++;
      }
    }
    expect(anchors).toBeGreaterThan(10);
  });

  it("docs has the description of the API, and nothing outside of the folder", async () => {
    const pages = pagesWith({});
    const description = await get(pages, "/docs/asyncapi.json");
    expect(JSON.parse(description.text)).toMatchObject({ asyncapi: "3.0.0" });
    for (const path of [
      ...["/docs/../package.json", "/docs/../README", "/docs/..%2fREADME", "/docs/no-such.md"],
      ...["/docs/decisions", "/docs//etc/passwd", "/docsapi", "/docs/api.md/", "/docs/API"],
    ]) {
      expect((await get(pages, path)).status, path).toBe(404);
    }
  });

  it("an unknown path is a 404", async () => {
    expect((await get(pagesWith({}), "/etc/passwd")).status).toBe(404);
  });
});
