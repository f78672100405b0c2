/**
 * `eventDiffers`, `eventMissing`, `eventsBeyondEnd`, `hashDiffers`: the event log is not what the
 * commands give. `verdictDiffers`: the rules of risk give another verdict. `anchorDiffers`: the
 * journal is not the one whose hash was noted. `noSuchSeq`, `noSuchSymbol`: the request names what
 * is not there. `snapshotDiffers`: a snapshot on the way is damaged, or of another state. `isTakenOut`: a command that is to be taken out is so already. `doesNotFail`: there is no
 * reason to take it out.
 */
export type ReplayErrorCode =
  | "eventDiffers"
  | "eventsBeyondEnd"
  | "hashDiffers"
  | "verdictDiffers"
  | "anchorDiffers"
  | "noSuchSeq"
  | "noSuchSymbol"
  | "snapshotDiffers"
  | "isTakenOut"
  | "doesNotFail";

/** Replay found something that should not be. */
export class ReplayError extends Error {
  readonly code: ReplayErrorCode;

  constructor(code: ReplayErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
