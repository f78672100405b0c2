// The two encodings of the trade endpoint as a client of its own writes and reads them. Made from the
// documentation and the schema alone, so that a fault of the server's own codec cannot hide.
import { createHmac } from "node:crypto";
import type { FlowCommand } from "./order-flow.ts";

/** Any message in its JSON form; the binary encoding is brought to the same form. */
export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

export interface Key {
  readonly keyId: string;
  readonly secret: string;
  readonly account: number;
  readonly role: string;
}

export interface Position {
  readonly seq: number;
  readonly index: number;
}

export interface LogonValues {
  readonly keyId: string;
  readonly timestamp: number;
  readonly signature: Buffer;
  readonly cancelOnDisconnect: boolean;
  readonly resumeAfter: Position | null;
}

export type QueryName = "openOrders" | "positions";

export interface Wire {
  readonly name: "json" | "binary";
  logon(values: LogonValues): string | Uint8Array;
  command(requestId: number, command: FlowCommand): string | Uint8Array;
  query(name: QueryName): string | Uint8Array;
  heartbeat(): string | Uint8Array;
}

/** What the server wants to see signed, with the secret's text as the key. */
export function sign(key: Key, challenge: string, timestamp: number): Buffer {
  const text = `${challenge}\n${key.keyId}\n${timestamp}`;
  return createHmac("sha256", Buffer.from(key.secret, "utf8")).update(text, "utf8").digest();
}
