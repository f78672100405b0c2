/**
 * - `invalidKey`: the key is not what `crossbook keys create` prints.
 * - `invalidUrl`: not the URL of a server.
 * - `connectFailed`: no connection to the server could be made.
 * - `logonRefused`: the server does not take the key, or has revoked it.
 * - `replaced`: the same key has logged on elsewhere; one session at a time sends with it.
 * - `protocolViolation`: what came is not what a server of this protocol sends.
 * - `historyMismatch`: the server has not what it acknowledged: it is another one, or its data were
 *   put back.
 * - `resumeUnavailable`: events were missed, and the server cannot give them again.
 * - `connectionLost`: and not to be had again within the time that was allowed.
 * - `refused`: the command was not taken; `reason` is the server's error code.
 * - `outcomeUnknown`: the connection was lost before the answer came, and afterwards no trace of the
 *   command was found.
 * - `eventsOverflow`: events were not read fast enough; the iterator ends.
 * - `bookMismatch`: a book of the market data did not agree with the server's; a new one is asked for.
 * - `closed`: the client was closed by its owner.
 */
export type ClientErrorCode =
  | "invalidKey"
  | "invalidUrl"
  | "connectFailed"
  | "logonRefused"
  | "replaced"
  | "protocolViolation"
  | "historyMismatch"
  | "resumeUnavailable"
  | "connectionLost"
  | "refused"
  | "outcomeUnknown"
  | "eventsOverflow"
  | "bookMismatch"
  | "closed";

export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;
  /** The error code of the server (or of the check before sending, which has the same codes). */
  readonly reason: string | null;

  constructor(
    code: ClientErrorCode,
    message: string,
    more: { readonly reason?: string; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.reason = more.reason ?? null;
  }
}
