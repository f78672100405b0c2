import { LOGON_SIGNATURE_LENGTH_OFFSET, Logon } from "../../protocol/generated/session.ts";
import { invalid } from "../../protocol/json/errors.ts";
import {
  booleanField,
  checkFieldNames,
  integerField,
  type JsonObject,
  stringField,
  wrong,
} from "../../protocol/json/fields.ts";
import { ED25519_BYTES, HMAC_BYTES } from "../keys/signature.ts";

/** A logon as it came, in either encoding. */
export interface LogonRequest {
  readonly keyId: string;
  readonly timestampUs: number;
  readonly signature: Uint8Array;
  readonly cancelOnDisconnect: boolean;
  readonly resumeAfter: { readonly seq: number; readonly index: number } | null;
}

/** The challenge is good for this long, and client and server clock may be this far apart. */
export const LOGON_WINDOW_MS = 5000;

const LOGON_FIELDS: ReadonlySet<string> = new Set([
  "type",
  "keyId",
  "timestamp",
  "signature",
  "cancelOnDisconnect",
  "resumeAfter",
]);
const RESUME_FIELDS: ReadonlySet<string> = new Set(["seq", "index"]);
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const MAX_INDEX = 4294967295;

/** Throws a CommandError. */
export function readJsonLogon(json: JsonObject): LogonRequest {
  checkFieldNames(json, LOGON_FIELDS, "logon");
  const keyId = stringField("keyId", json.keyId);
  const signature = stringField("signature", json.signature);
  if (signature.length > 128 || !BASE64.test(signature)) {
    throw invalid("signature must be base64 of 32 or 64 bytes");
  }
  const cancel = json.cancelOnDisconnect;
  return {
    keyId,
    timestampUs: integerField("timestamp", json.timestamp, 0),
    signature: Buffer.from(signature, "base64"),
    cancelOnDisconnect: cancel === undefined ? false : booleanField("cancelOnDisconnect", cancel),
    resumeAfter: readResume(json.resumeAfter),
  };
}

function readResume(value: unknown): LogonRequest["resumeAfter"] {
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong("resumeAfter", value, 'an object such as {"seq":17,"index":0}');
  }
  const json = value as JsonObject;
  checkFieldNames(json, RESUME_FIELDS, "resumeAfter");
  return {
    seq: integerField("seq", json.seq, 0),
    index: integerField("index", json.index, 0, MAX_INDEX),
  };
}

const logon = new Logon();

/** The record has passed checkRecord. Throws a CommandError. */
export function readBinaryLogon(view: DataView, offset: number): LogonRequest {
  logon.wrap(view, offset);
  const { signatureLength } = logon;
  if (signatureLength !== HMAC_BYTES && signatureLength !== ED25519_BYTES) {
    throw invalid(
      `signatureLength (byte ${LOGON_SIGNATURE_LENGTH_OFFSET}) must be ${HMAC_BYTES} or ${ED25519_BYTES}`,
    );
  }
  const all = logon.signature();
  for (let i = signatureLength; i < all.length; i++) {
    if (all[i] !== 0) throw invalid("signature must be padded with zeros");
  }
  const { resume, resumeSeq, resumeIndex } = logon;
  if (!resume && (resumeSeq !== 0 || resumeIndex !== 0)) {
    throw invalid("resumeSeq and resumeIndex must be zero without resume");
  }
  return {
    keyId: logon.keyId,
    timestampUs: logon.timestampUs,
    signature: all.slice(0, signatureLength),
    cancelOnDisconnect: logon.cancelOnDisconnect,
    resumeAfter: resume ? { seq: resumeSeq, index: resumeIndex } : null,
  };
}
