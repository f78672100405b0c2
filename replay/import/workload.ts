/** A binary file of fixed-size messages that become commands one by one. */
export interface WorkloadFormat {
  readonly headerBytes: number;
  readonly recordBytes: number;
  /** Messages that the file's header promises; undefined: it does not say. */
  messageCount(header: DataView): number | undefined;
  /** True: the message is about an instrument that `encodeInstrument` has to define before. */
  needsInstrument(source: DataView, at: number): boolean;
  /** Writes the definition as a command; returns its block length. */
  encodeInstrument(source: DataView, at: number, view: DataView, offset: number): number;
  /**
   * Writes the message at `source`+`at` as a command in ticks and lots; returns its block length.
   * seq, timestamp and verdict are left 0. Throws an ImportError (damaged) where it is none.
   */
  encode(source: DataView, at: number, view: DataView, offset: number): number;
}

/** What the author of a workload publishes as the right answer, made from our events. */
export interface WorkloadReport {
  /** The events that follow are those of this message. */
  begin(source: DataView, at: number): void;
  onEvent(view: DataView, offset: number): void;
  /** One line. Ends the report. */
  result(): string;
}
