import { signEd25519, signHmac } from "../keys/signature.ts";
import type { ClientKey } from "./client-key.ts";
import { ClientError } from "./errors.ts";
import { readKeyText } from "./key-text.ts";

/**
 * The key in the JSON text that `crossbook keys create` prints. Throws a ClientError ("invalidKey")
 * that quotes nothing of it.
 */
export function parseKey(text: string): ClientKey {
  const found = readKeyText(text);
  const { keyId } = found;
  if ("secret" in found) return { keyId, sign: (data) => signHmac(found.secret, data) };
  const key: ClientKey = { keyId, sign: (data) => signEd25519(found.privateKey, data) };
  try {
    void key.sign("");
  } catch (error) {
    throw new ClientError("invalidKey", "privateKey is not PKCS #8 in base64", { cause: error });
  }
  return key;
}
