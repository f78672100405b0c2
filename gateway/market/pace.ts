/** Figures that only tests change. */
export interface Pace {
  /** A client that has more unread is behind. */
  readonly slowBytes: number;
  /** After so much has been published, a look at who does not read it. */
  readonly probeBytes: number;
  /** An update of more rows is not published, but given to each reader at its own pace. */
  readonly largeRows: number;
  /** More rows than these come in parts. */
  readonly rowsAPart: number;
  /** What is kept of each book's channel for who is behind: powers of two, at least 64 and 256. */
  readonly windowUpdates: number;
  readonly windowRows: number;
  /** A snapshot of as many parts is shared. */
  readonly sharedParts: number;
  /** Catching up may take so long in one go; then it rests, and orders get their turns. */
  readonly catchUpMs: number;
}

export const PACE: Pace = {
  slowBytes: 16 * 1024,
  probeBytes: 32 * 1024,
  largeRows: 1600,
  rowsAPart: 400,
  windowUpdates: 8192,
  windowRows: 16_384,
  sharedParts: 3,
  catchUpMs: 0.5,
};
