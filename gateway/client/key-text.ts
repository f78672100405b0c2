import { ClientError } from "./errors.ts";

/** A key as `crossbook keys create` prints it: the secret of an HMAC key, or a private key. */
export type KeyText =
  | { readonly keyId: string; readonly secret: string }
  /** PKCS #8 in base64. */
  | { readonly keyId: string; readonly privateKey: string };

/** Throws a ClientError ("invalidKey") that quotes nothing of the text. */
export function readKeyText(text: string): KeyText {
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
  if (typeof secret === "string") return { keyId, secret };
  if (typeof privateKey === "string") return { keyId, privateKey };
  throw invalidKey("secret or privateKey is missing");
}

function invalidKey(what: string): ClientError {
  return new ClientError("invalidKey", `the key is not what \`keys create\` prints: ${what}`);
}
