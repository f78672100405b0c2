/** What logs on. How it signs is its own affair: in a browser by WebCrypto, say. */
export interface ClientKey {
  readonly keyId: string;
  /** The raw signature over the text (as UTF-8). */
  sign(text: string): Uint8Array | Promise<Uint8Array>;
}
