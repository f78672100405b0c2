import { type ClientOptions, PortableClient } from "./client.ts";
import { parseKey } from "./client-key.ts";
import { openWsSocket } from "./ws-socket.ts";

/** The client on Node: keys by node:crypto, sockets by the `ws` package. */
export class CrossbookClient extends PortableClient {
  /** Throws a ClientError ("invalidKey", "invalidUrl"). Does nothing until `connect`. */
  constructor(options: ClientOptions) {
    super(options, { parseKey, openSocket: openWsSocket });
  }
}
