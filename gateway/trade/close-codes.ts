/** WebSocket close codes. The message before says why, by its ErrorCode. */
export const CloseCode = {
  normal: 1000,
  /** More than the largest message. */
  tooLarge: 1009,
  /** Too many errors, or too many connections. */
  policy: 1008,
  internalError: 1011,
  /** The server stops, and comes back. */
  serverShutdown: 1012,
  /** The client reads too slowly, or the server is overloaded: try again and resume. */
  tryAgain: 1013,
  logonRefused: 4401,
  keyRevoked: 4403,
  /** Nothing was heard from the client for three heartbeats. */
  heartbeatTimeout: 4408,
  /** The same key has logged on elsewhere. */
  replaced: 4409,
  /** The position to resume after is not in this server's history, or what follows it cannot be read. */
  resumeUnavailable: 4410,
} as const;
