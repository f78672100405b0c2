import { type ClientOptions, PortableClient } from "./client.ts";
import { type MarketClientOptions, PortableMarketClient } from "./market-client.ts";
import { parseKey } from "./node-key.ts";
import { openWsSocket } from "./ws-socket.ts";

/** The client on Node: keys by node:crypto, sockets by the `ws` package. */
export class CrossbookClient extends PortableClient {
  /** Throws a ClientError ("invalidKey", "invalidUrl"). Does nothing until `connect`. */
  constructor(options: ClientOptions) {
    super(options, { parseKey, openSocket: openWsSocket });
  }
}

/** The client of market data on Node. */
export class CrossbookMarketClient extends PortableMarketClient {
  /** Throws a ClientError ("invalidUrl"). Connects with the first wish. */
  constructor(options: MarketClientOptions) {
    super(options, openWsSocket);
  }
}
