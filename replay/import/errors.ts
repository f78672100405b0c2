/** `missing`: no such file. `damaged`: not in the format it should be in. */
export type ImportErrorCode = "missing" | "damaged";

/** A recorded market that cannot be read. */
export class ImportError extends Error {
  readonly code: ImportErrorCode;

  constructor(code: ImportErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
