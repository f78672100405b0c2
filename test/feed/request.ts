// What a client of /v1/market asks for, written by the offsets of the documents.

/** docs/wire-format.md names it. */
export const SCHEMA_VERSION = 2;

export type RequestType = "subscribe" | "unsubscribe" | "resume";

const CHANNELS = ["none", "l1", "l2", "l3", "trades", "status", "indication"];

/** seq: for resume, what the client has. */
export function marketRequest(
  type: RequestType,
  channel: string,
  symbol: string,
  seq: number,
  isBinary: boolean,
): Buffer {
  const isResume = type === "resume";
  if (!isBinary) {
    const after = isResume ? { afterSeq: seq } : {};
    return Buffer.from(JSON.stringify({ type, channel, symbol, ...after }));
  }
  const bytes = Buffer.alloc(isResume ? 40 : 26);
  bytes.writeUInt16LE(bytes.length, 0);
  bytes.writeUInt16LE(isResume ? 152 : type === "subscribe" ? 139 : 140, 2);
  bytes.writeUInt16LE(0x4342, 4);
  bytes.writeUInt16LE(SCHEMA_VERSION, 6);
  const at = isResume ? 16 : 8;
  if (isResume) bytes.writeBigUInt64LE(BigInt(seq), 8);
  bytes.writeUInt8(CHANNELS.indexOf(channel), at);
  bytes.write(symbol, at + 1, "latin1");
  return bytes;
}
