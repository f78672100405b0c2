/** Ends a command with a message for its user: no stack trace. An empty message: nobody to tell. */
export class ExitError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.exitCode = exitCode;
  }
}
