/** The codes are names of ErrorCode: the gateway answers with them as they are. */
export type CommandErrorCode = "malformed" | "invalidCommand" | "notAuthorized";

/**
 * What was sent is not a command: it gets an error and no seq. A command that is well-formed but
 * cannot be done is no CommandError: it is sequenced and rejected.
 */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: CommandErrorCode;

  /** Without a stack, which nobody reads and which would cost a flood of errors most of its time. */
  constructor(code: CommandErrorCode, message: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
  }
}

export function invalid(message: string): CommandError {
  return new CommandError("invalidCommand", message);
}
