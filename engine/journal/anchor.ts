/**
 * What stands for the whole journal up to the end of one block. Noted elsewhere, it shows any later
 * change of that history, however well it was done.
 */
export interface JournalAnchor {
  /** The last command up to there; 0: none. */
  readonly seq: number;
  /** Number of the block. */
  readonly block: number;
  /** SHA-256 over the block, which holds that of the block before: 64 hexadecimal digits. */
  readonly chain: string;
  /** When that last command was sequenced, microseconds since 1970. */
  readonly timestamp: number;
}
