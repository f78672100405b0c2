import { ClientError } from "./errors.ts";

const SCHEMES: Readonly<Record<string, string>> = {
  "ws:": "ws:",
  "wss:": "wss:",
  "http:": "ws:",
  "https:": "wss:",
};

/** As `tradeUrl`, of /v1/market, where the server is to begin in this encoding. */
export function marketUrl(text: string, encoding: "binary" | "json"): string {
  const url = new URL(serverUrl(text, "/v1/market"));
  if (encoding === "binary") url.searchParams.set("encoding", "binary");
  return url.href;
}

/**
 * The address of /v1/trade at a server that is named by its URL: ws or wss, http or https, with the
 * path or without. Throws a ClientError ("invalidUrl").
 */
export function tradeUrl(text: string): string {
  return serverUrl(text, "/v1/trade");
}

function serverUrl(text: string, defaultPath: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalidUrl(text);
  }
  const scheme = SCHEMES[url.protocol];
  if (scheme === undefined || url.host === "" || url.username !== "" || url.hash !== "") {
    throw invalidUrl(text);
  }
  const path = url.pathname === "/" ? defaultPath : url.pathname;
  return `${scheme}//${url.host}${path}${url.search}`;
}

function invalidUrl(text: string): ClientError {
  const allowed = "a URL such as ws://127.0.0.1:9001 (ws, wss, http or https)";
  return new ClientError("invalidUrl", `${JSON.stringify(text)} is not ${allowed}`);
}
