// The client library: all that its users import.
export type { ReconnectOptions } from "./back-off.ts";
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
export { CrossbookClient, CrossbookMarketClient } from "./node-client.ts";
export { parseKey } from "./node-key.ts";
export type { Encoding } from "./outbound.ts";
export type { ClientSocket, ClientSocketHandler, OpenSocket } from "./socket.ts";
