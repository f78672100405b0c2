// What a private session says, message by message.
import { Role } from "../../protocol/generated/enums.ts";
import {
  CHALLENGE_LENGTH,
  Challenge,
  COMPLETED_LENGTH,
  Completed,
  DUPLICATE_REQUEST_LENGTH,
  DuplicateRequest,
  HEARTBEAT_LENGTH,
  Heartbeat,
  LOGGED_ON_LENGTH,
  LoggedOn,
  RECEIPT_LENGTH,
  Receipt,
  SERVER_SHUTDOWN_LENGTH,
  ServerShutdown,
} from "../../protocol/generated/session.ts";
import type { Stamps } from "../../protocol/rings/receipts.ts";
import type { Key } from "../keys/key-directory.ts";
import type { Messenger } from "../messages/messenger.ts";
import type { RequestLedger } from "./request-ledger.ts";
import type { ReceiptRequest } from "./session-receipts.ts";

const challengeRecord = new Challenge();
const loggedOn = new LoggedOn();
const heartbeat = new Heartbeat();
const duplicateRequest = new DuplicateRequest();
const completed = new Completed();
const receipt = new Receipt();
const serverShutdown = new ServerShutdown();

export function sayChallenge(messenger: Messenger, challenge: string, nowUs: number): void {
  const record = messenger.begin(challengeRecord, CHALLENGE_LENGTH);
  record.serverTimeUs = nowUs;
  record.challenge = challenge;
  messenger.finish(CHALLENGE_LENGTH);
}

export function sayLoggedOn(
  messenger: Messenger,
  key: Key,
  requests: RequestLedger,
  lastSeq: number,
  heartbeatIntervalMs: number,
): void {
  const record = messenger.begin(loggedOn, LOGGED_ON_LENGTH);
  record.lastSeq = lastSeq;
  record.lastRequestId = requests.lastRequestId(key.keyNumber);
  record.lastRequestSeq = requests.lastRequestSeq(key.keyNumber);
  record.account = key.account;
  record.heartbeatIntervalMs = heartbeatIntervalMs;
  record.role = Role[key.role];
  messenger.finish(LOGGED_ON_LENGTH);
}

/** lastSeq: everything up to it has been said; 0: nothing is said about that. */
export function sayHeartbeat(messenger: Messenger, lastSeq: number, nowUs: number): void {
  const record = messenger.begin(heartbeat, HEARTBEAT_LENGTH);
  record.lastSeq = lastSeq;
  record.serverTimeUs = nowUs;
  messenger.finish(HEARTBEAT_LENGTH);
}

/** seq: of the first; 0: not known any more. */
export function sayDuplicate(messenger: Messenger, requestId: number, seq: number): void {
  const record = messenger.begin(duplicateRequest, DUPLICATE_REQUEST_LENGTH);
  record.requestId = requestId;
  record.seq = seq;
  messenger.finish(DUPLICATE_REQUEST_LENGTH);
}

export function sayCompleted(messenger: Messenger, seq: number, requestId: number): void {
  const record = messenger.begin(completed, COMPLETED_LENGTH);
  record.seq = seq;
  record.requestId = requestId;
  messenger.finish(COMPLETED_LENGTH);
}

/** sentNs: now, as all times by `monotonicNs`. */
export function sayReceipt(
  messenger: Messenger,
  request: ReceiptRequest,
  stamps: Stamps,
  sentNs: number,
): void {
  const { receivedNs } = request;
  const record = messenger.begin(receipt, RECEIPT_LENGTH);
  record.seq = request.seq;
  record.requestId = request.requestId;
  record.clientOrderId = request.clientOrderId;
  record.receivedUs = request.receivedUs;
  record.sequencedNs = since(receivedNs, request.sequencedNs);
  record.checkedNs = since(receivedNs, stamps.checkedNs);
  record.matchedNs = since(receivedNs, stamps.matchedNs);
  record.durableNs = since(receivedNs, stamps.durableNs);
  record.sentNs = since(receivedNs, sentNs);
  messenger.finish(RECEIPT_LENGTH);
}

/** 0 stays "not known"; what is known is at least 1, though clocks of threads differ by a little. */
function since(receivedNs: number, ns: number): number {
  return ns === 0 ? 0 : Math.max(1, Math.round(ns - receivedNs));
}

export function sayShutdown(messenger: Messenger, lastSeq: number): void {
  const record = messenger.begin(serverShutdown, SERVER_SHUTDOWN_LENGTH);
  record.lastSeq = lastSeq;
  messenger.finish(SERVER_SHUTDOWN_LENGTH);
}
