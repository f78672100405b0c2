import { ClientError } from "./errors.ts";

const SCHEMES: Readonly<Record<string, string>> = {
  "ws:": "ws:",
  "wss:": "wss:",
  "http:": "ws:",
  "https:": "wss:",
};

/**
 * The address of /v1/trade at a server that is named by its URL: ws or wss, http or https, with the
 * path or without. Throws a ClientError ("invalidUrl").
 */
export function tradeUrl(text: string): string {
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
  const path = url.pathname === "/" ? "/v1/trade" : url.pathname;
  return `${scheme}//${url.host}${path}${url.search}`;
}

function invalidUrl(text: string): ClientError {
  const allowed = "a URL such as ws://127.0.0.1:9001 (ws, wss, http or https)";
  return new ClientError("invalidUrl", `${JSON.stringify(text)} is not ${allowed}`);
}
