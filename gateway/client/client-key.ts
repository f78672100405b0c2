import { signEd25519, signHmac } from "../keys/signature.ts";
import { ClientError } from "./errors.ts";

/** What logs on. How it signs is its own affair: in a browser by WebCrypto, say. */
export interface ClientKey {
  readonly keyId: string;
  /** The raw signature over the text (as UTF-8). */
  sign(text: string): Uint8Array | Promise<Uint8Array>;
}

/**
 * The key in the JSON text that `crossbook keys create` prints. Throws a ClientError ("invalidKey")
 * that quotes nothing of it.
 */
export function parseKey(text: string): ClientKey {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalidKey("not JSON");
  }
  if (typeof json !== "object" || json === null) throw invalidKey("not a JSON object");
  const { keyId, secret, privateKey } = json as Record<string, unknown>;
  if (typeof keyId !== "string" || !/^[\x21-\x7e]{1,16}$/.test(keyId)) {
    throw invalidKey("keyId is missing");
  }
  if (typeof secret === "string") return { keyId, sign: (data) => signHmac(secret, data) };
  if (typeof privateKey !== "string") throw invalidKey("secret or privateKey is missing");
  const key: ClientKey = { keyId, sign: (data) => signEd25519(privateKey, data) };
  try {
    void key.sign("");
  } catch (error) {
    throw new ClientError("invalidKey", "privateKey is not PKCS #8 in base64", { cause: error });
  }
  return key;
}

function invalidKey(what: string): ClientError {
  return new ClientError("invalidKey", `the key is not what \`keys create\` prints: ${what}`);
}
