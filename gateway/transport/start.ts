import type { Transport, TransportOptions } from "./transport.ts";
import { loadUws } from "./uws-binding.ts";
import { startUwsTransport } from "./uws-transport.ts";
import { startWsTransport } from "./ws-transport.ts";

export type TransportChoice = "auto" | "uws" | "ws";

/**
 * Starts uWebSockets where its binary loads, otherwise `ws`, and tells `notice` so in one sentence.
 * Throws a TransportError where the port or the certificate does not do.
 */
export async function startTransport(
  options: TransportOptions,
  choice: TransportChoice,
  notice: (sentence: string) => void,
): Promise<Transport> {
  if (choice === "ws") return startWsTransport(options);
  const uws = loadUws();
  if (!(uws instanceof Error)) return startUwsTransport(uws, options);
  if (choice === "uws") throw uws;
  notice(
    `uWebSockets has no binary for ${process.platform}-${process.arch} with Node ${process.versions.node} here; the slower ws transport serves instead`,
  );
  return startWsTransport(options);
}
