import type { ClientKey } from "./client-key.ts";
import { ClientError } from "./errors.ts";
import { readKeyText } from "./key-text.ts";

/**
 * The key in the JSON text that `crossbook keys create` prints, signing by WebCrypto, which a browser
 * has on pages of https and of localhost only. Throws a ClientError ("invalidKey") that quotes nothing
 * of the text; a private key that is none shows with the first signature.
 */
export function parseBrowserKey(text: string): ClientKey {
  const found = readKeyText(text);
  const { subtle } = globalThis.crypto;
  if (subtle === undefined) {
    throw new ClientError("invalidKey", "there is no WebCrypto here: it takes https or localhost");
  }
  const { keyId } = found;
  if ("secret" in found) {
    const hmac = { name: "HMAC", hash: "SHA-256" };
    const bytes = new TextEncoder().encode(found.secret);
    return signer(keyId, "HMAC", () => subtle.importKey("raw", bytes, hmac, false, ["sign"]));
  }
  const bytes = bytesOfBase64(found.privateKey);
  const name = "Ed25519";
  return signer(keyId, name, () => subtle.importKey("pkcs8", bytes, { name }, false, ["sign"]));
}

type CryptoKey = Awaited<ReturnType<typeof globalThis.crypto.subtle.importKey>>;

/** The key is imported once, when it is first used. */
function signer(keyId: string, algorithm: string, load: () => Promise<CryptoKey>): ClientKey {
  let loaded: Promise<CryptoKey> | null = null;
  return {
    keyId,
    async sign(text) {
      loaded ??= load();
      const data = new TextEncoder().encode(text);
      return new Uint8Array(await globalThis.crypto.subtle.sign(algorithm, await loaded, data));
    },
  };
}

function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  let binary: string;
  try {
    binary = globalThis.atob(text);
  } catch (error) {
    throw new ClientError("invalidKey", "privateKey is not PKCS #8 in base64", { cause: error });
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
