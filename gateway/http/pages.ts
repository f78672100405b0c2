import type { Registry } from "prom-client";
import type { HttpHandler, HttpResponse } from "../transport/transport.ts";
import { documentAt } from "./documents.ts";
import { HTML_TYPE, JSON_TYPE, page, TEXT_TYPE } from "./page.ts";
import type { ServerStatus } from "./server-status.ts";

/** /healthz, /readyz, /metrics, /docs and a page that leads to them. */
export function createPages(status: () => ServerStatus, metrics: Registry): HttpHandler {
  return (request) => {
    switch (request.path) {
      case "/healthz":
        return json(200, status());
      case "/readyz":
        return readiness(status());
      case "/metrics":
        return exposition(metrics);
      case "/":
        return { status: 200, contentType: HTML_TYPE, body: frontPage(status()) };
      default:
        return document(request.path);
    }
  };
}

function json(code: number, body: unknown): HttpResponse {
  return { status: code, contentType: JSON_TYPE, body: `${JSON.stringify(body)}\n` };
}

function readiness(status: ServerStatus): HttpResponse {
  return json(status.state === "ready" ? 200 : 503, { state: status.state });
}

async function exposition(metrics: Registry): Promise<HttpResponse> {
  return { status: 200, contentType: metrics.contentType, body: await metrics.metrics() };
}

function document(path: string): HttpResponse {
  const found = path === "/docs" || path.startsWith("/docs/") ? documentAt(path) : null;
  return found ?? { status: 404, contentType: TEXT_TYPE, body: `nothing at ${path}\n` };
}

function frontPage(status: ServerStatus): string {
  const rows = [
    ["state", status.state],
    ["version", status.version],
    ["last seq", String(status.lastSeq)],
    ["durability", status.durability],
    ["transport", status.transport],
    ["Redis", status.redis.state],
  ].map(([name, value]) => `<tr><th>${name}</th><td>${value}</td></tr>`);
  return page(
    "Crossbook",
    `<h1>Crossbook</h1><table>${rows.join("")}</table>
<p>Trading: <code>/v1/trade</code>, market data: <code>/v1/market</code> (WebSocket).</p>
<p><a href="/healthz">health</a>, <a href="/readyz">readiness</a>, <a href="/metrics">metrics</a>,
<a href="/docs">documents</a></p>`,
  );
}
