export type KeyErrorCode = "keysDamaged" | "keysBusy" | "keysUnwritable" | "unknownKey";

/** The key file cannot be used. The message names it. */
export class KeyError extends Error {
  override readonly name = "KeyError";
  readonly code: KeyErrorCode;

  constructor(code: KeyErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
