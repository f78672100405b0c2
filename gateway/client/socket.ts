/** Where messages come from and go to: what differs between Node and a browser. */
export interface ClientSocket {
  /** The bytes may be used again after the call. What is sent in one turn leaves together. */
  send(data: string | Uint8Array): void;
  /** Bytes accepted by send that have not left yet. */
  readonly bufferedBytes: number;
  /** Says good-bye; onClose follows within a few seconds, whatever the peer does. */
  close(): void;
  /** Cuts the connection; onClose follows. */
  terminate(): void;
}

export interface ClientSocketHandler {
  /** The connection stands. */
  onOpen?(): void;
  /** The bytes hold until the call returns. */
  onMessage(data: string | Uint8Array): void;
  /**
   * Once, last, also where the connection could not be made. code: of the close frame, 1006 without
   * one. problem: in words, "" where there was none.
   */
  onClose(code: number, problem: string): void;
}

/** Must not throw for a valid URL, nor call the handler before it returns. */
export type OpenSocket = (url: string, handler: ClientSocketHandler) => ClientSocket;
