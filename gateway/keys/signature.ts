import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";

export const HMAC_BYTES = 32;
export const ED25519_BYTES = 64;

/** What a client signs. timestampUs: an integer, printed in decimal. */
export function signedText(challenge: string, keyId: string, timestampUs: number): string {
  return `${challenge}\n${keyId}\n${timestampUs}`;
}

/** secret: as printed when the key was made; its UTF-8 bytes are the key. */
export function signHmac(secret: string, text: string): Buffer {
  return createHmac("sha256", Buffer.from(secret, "utf8")).update(text, "utf8").digest();
}

/** privateKey: PKCS #8 in base64, as printed when the key was made. */
export function signEd25519(privateKey: string, text: string): Buffer {
  const key = createPrivateKey({
    key: Buffer.from(privateKey, "base64"),
    format: "der",
    type: "pkcs8",
  });
  return sign(null, Buffer.from(text, "utf8"), key);
}

/** publicKey: SPKI in base64. */
export function publicKeyOf(publicKey: string): KeyObject {
  return createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
}

// Stand-ins for keys that do not exist. Nobody knows their other half.
const NO_SECRET = randomBytes(32).toString("base64url");
const NO_PUBLIC_KEY = generateKeyPairSync("ed25519").publicKey;

/**
 * True where the signature is the key's. What this costs depends on the length of the signature
 * alone: an unknown key, or one of the other algorithm, takes as long as a wrong signature, so that
 * the time says nothing about which keys there are.
 */
export function checkSignature(
  secret: string | null,
  publicKey: KeyObject | null,
  text: string,
  signature: Uint8Array,
): boolean {
  if (signature.length === HMAC_BYTES) {
    const same = timingSafeEqual(signHmac(secret ?? NO_SECRET, text), signature);
    return same && secret !== null;
  }
  if (signature.length === ED25519_BYTES) {
    const good = verify(null, Buffer.from(text, "utf8"), publicKey ?? NO_PUBLIC_KEY, signature);
    return good && publicKey !== null;
  }
  return false;
}
