// The client library for browsers: the same as index.ts, without anything of Node.
import { parseBrowserKey } from "./browser-key.ts";
import { openBrowserSocket } from "./browser-socket.ts";
import { type ClientOptions, PortableClient } from "./client.ts";
import { type MarketClientOptions, PortableMarketClient } from "./market-client.ts";

export type { ReconnectOptions } from "./back-off.ts";
export { parseBrowserKey as parseKey } from "./browser-key.ts";
export type { ClientOptions, ClientPlatform, ClientState, OutcomeWithReceipt } from "./client.ts";
export { PortableClient } from "./client.ts";
export type { ClientKey } from "./client-key.ts";
export type * from "./commands.ts";
export { ClientError, type ClientErrorCode } from "./errors.ts";
export { type BookChannel, type BookEntry, LocalBook } from "./local-book.ts";
export {
  type MarketChannel,
  type MarketClientOptions,
  type MarketUpdate,
  PortableMarketClient,
} from "./market-client.ts";
export type * from "./messages.ts";
export type { Encoding } from "./outbound.ts";
export type { ClientSocket, ClientSocketHandler, OpenSocket } from "./socket.ts";

/** The client in a browser: keys by WebCrypto, sockets by the browser. */
export class CrossbookClient extends PortableClient {
  /** Throws a ClientError ("invalidKey", "invalidUrl"). Does nothing until `connect`. */
  constructor(options: ClientOptions) {
    super(options, { parseKey: parseBrowserKey, openSocket: openBrowserSocket });
  }
}

/** The client of market data in a browser. */
export class CrossbookMarketClient extends PortableMarketClient {
  /** Throws a ClientError ("invalidUrl"). Connects with the first wish. */
  constructor(options: MarketClientOptions) {
    super(options, openBrowserSocket);
  }
}
