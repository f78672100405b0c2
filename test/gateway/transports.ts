import { startTransport, type TransportChoice } from "../../gateway/transport/start.ts";
import type { Transport, TransportOptions } from "../../gateway/transport/transport.ts";
import { loadUws } from "../../gateway/transport/uws-binding.ts";

/** Every transport that runs on this machine: the gateway's tests run against each. */
export const TRANSPORTS: readonly Exclude<TransportChoice, "auto">[] =
  loadUws() instanceof Error ? ["ws"] : ["uws", "ws"];

export function start(
  choice: TransportChoice,
  options: Pick<TransportOptions, "endpoints"> & Partial<TransportOptions>,
): Promise<Transport> {
  return startTransport(
    {
      host: "127.0.0.1",
      port: 0,
      http: () => ({ status: 404, contentType: "text/plain", body: "nothing here" }),
      ...options,
    },
    choice,
    () => {},
  );
}

/** Waits for something that other parties bring about. Fails after five seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
