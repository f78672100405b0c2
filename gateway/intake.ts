export type CommandKind = "order" | "cancel" | "other";

/** Names of ErrorCode: what the client is told. */
export type IntakeRefusal = "overloaded" | "diskLow" | "shuttingDown";

/** The gateway's door into the pipeline: the sequencer stands behind it. Main thread only. */
export interface CommandIntake {
  /**
   * Place for one command (view + byte offset, RECORD_BYTES long), or -1 when intake is closed or
   * the ring is (nearly) full: `refusal` says why. Cancels may use the last part of the ring. A
   * claim that is not committed costs nothing: the next one gives the same place.
   */
  claim(kind: CommandKind): number;
  /** For what the gateway itself has to say (session ends): also while intake is closed. -1: full. */
  claimOwn(): number;
  readonly view: DataView;
  /**
   * Stamps seq, timestamp; publishes; returns seq. The record at the claimed offset must be complete
   * (verdict pending or refusedAtEntry).
   */
  commit(offset: number): number;
  readonly lastSeq: number;
  readonly accepting: boolean;
  /** Why the last claim was refused. */
  readonly refusal: IntakeRefusal;
}
