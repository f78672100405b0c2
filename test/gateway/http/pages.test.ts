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
  redis: { state: "publishing", reason: null, lastSeq: 39, lag: 2 },
  journal: { commands: 42, blocks: 5, bytes: 4096, lastCommitUs: 200, maxCommitUs: 900, epoch: 3 },
  sessions: { trade: 2, market: 1 },
  refused: { overloaded: 5, diskLow: 0 },
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
  });

  it("docs lists and shows the documents, and nothing outside of them", async () => {
    const pages = pagesWith({});
    const { text } = await get(pages, "/docs");
    expect(text).toContain("/docs/configuration.md");
    expect((await get(pages, "/docs/configuration.md")).status).toBe(200);
    expect((await get(pages, "/docs/../package.json")).status).toBe(404);
    expect((await get(pages, "/docs/no-such.md")).status).toBe(404);
  });

  it("an unknown path is a 404", async () => {
    expect((await get(pagesWith({}), "/etc/passwd")).status).toBe(404);
  });
});
