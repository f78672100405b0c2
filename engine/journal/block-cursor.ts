import type { LogEnd, LogPosition } from "./log-cursor.ts";
import type { SegmentHeader } from "./segment-format.ts";

/** Gives out a journal block by block, each checked. */
export interface BlockCursor {
  /** The log after the current block. */
  readonly position: LogPosition;
  /** Of the segment that the current block is in. */
  readonly segment: SegmentHeader | undefined;
  /** Set when `next` has returned false. */
  readonly end: LogEnd | undefined;
  /** Of that segment's file, and the block's offset in it. */
  readonly path: string;
  readonly blockOffset: number;
  /** Of the current block; valid until the next call of `next`. */
  readonly block: { readonly firstSeq: number; readonly lastSeq: number };
  /** Moves on. False: no whole block there. Throws a DamageError. */
  next(): boolean;
  /** Copies the current block's records; returns their bytes. */
  copyBody(into: Uint8Array): number;
  close(): void;
}
