import { beforeEach, describe, expect, test } from "vitest";
import { ClientError } from "../../../gateway/client/errors.ts";
import type { LoggedOn, Message } from "../../../gateway/client/messages.ts";
import { PendingCommands } from "../../../gateway/client/pending-commands.ts";
import { order } from "./harness.ts";

const ACCOUNT = 7;
let pending: PendingCommands<string>;
let answers: [tag: string, answer: Message | ClientError][];
beforeEach(() => {
  answers = [];
  pending = new PendingCommands((tag, answer) => answers.push([tag, answer]));
});

function logOn(lastRequestId: number, lastRequestSeq = lastRequestId * 10): void {
  pending.onLoggedOn({ lastRequestId, lastRequestSeq } as LoggedOn);
  for (const command of pending.all()) command.sends++;
}

function send(requestId: number, fields: Parameters<typeof order>[0] = {}): void {
  pending.add(requestId, order(fields), `#${requestId}`).sends = 1;
}

function event(requestId: number, fields: object = {}): Message {
  return { type: "accepted", seq: 9, index: 0, account: ACCOUNT, requestId, ...fields };
}

const busy = new ClientError("refused", "busy", { reason: "overloaded" });

describe("an order is answered", () => {
  test("by the first event of its own command, once", () => {
    logOn(0);
    send(1, { clientOrderId: 5 });
    for (const other of [
      event(2, { clientOrderId: 5 }),
      event(1, { clientOrderId: 6 }),
      event(1, { clientOrderId: 5, account: 8 }),
      event(1, { clientOrderId: 5, index: 1 }),
    ]) {
      pending.onEvent(other, ACCOUNT);
    }
    expect(answers).toEqual([]);
    const own = event(1, { clientOrderId: 5 });
    pending.onEvent(own, ACCOUNT);
    pending.onEvent(event(1, { clientOrderId: 5 }), ACCOUNT);
    expect(answers).toEqual([["#1", own]]);
    expect(pending.count).toBe(0);
  });

  test("by a duplicate where it was sent once: somebody else has used the number", () => {
    logOn(0);
    send(1);
    pending.onDuplicate({ type: "duplicateRequest", requestId: 1, seq: 4 }, 100);
    expect(answers).toMatchObject([["#1", { type: "duplicateRequest", seq: 4 }]]);
  });

  test("by its event where it was sent twice, whether that comes before or after the duplicate", () => {
    logOn(0);
    send(1);
    logOn(1);
    pending.onDuplicate({ type: "duplicateRequest", requestId: 1, seq: 40 }, 39);
    expect(answers).toEqual([]);
    expect(pending.recordedSeq).toBe(40);
    pending.onEvent(event(1), ACCOUNT);
    expect(answers).toMatchObject([["#1", { type: "accepted" }]]);
    expect(pending.recordedSeq).toBe(0);
  });

  test("with `outcomeUnknown` where the server has it and all events of its time show no trace", () => {
    logOn(0);
    send(1);
    logOn(1, 40);
    pending.onDuplicate({ type: "duplicateRequest", requestId: 1 }, 39);
    expect(answers).toEqual([]);
    pending.onComplete(40);
    expect(answers).toMatchObject([["#1", { code: "outcomeUnknown" }]]);
  });
});

describe("a refusal", () => {
  test("answers a command that the server did not have", () => {
    logOn(0);
    send(1);
    expect(pending.onError(1, busy, 0)).toBe(true);
    expect(answers).toEqual([["#1", busy]]);
    expect(pending.onError(1, busy, 0)).toBe(false);
  });

  test("does not answer one that it has: it was only too busy to see that", () => {
    logOn(0);
    send(1);
    logOn(1);
    expect(pending.onError(1, busy, 0)).toBe(true);
    expect(answers).toEqual([]);
    pending.onEvent(event(1), ACCOUNT);
    expect(answers).toMatchObject([["#1", { type: "accepted" }]]);
  });

  test("by a server that shuts down leaves the command for the one that comes after", () => {
    logOn(0);
    send(1);
    const leaving = new ClientError("refused", "good-bye", { reason: "shuttingDown" });
    expect(pending.onError(1, leaving, 0)).toBe(true);
    expect(answers).toEqual([]);
    logOn(0);
    expect([...pending.all()].map(({ requestId, sends }) => [requestId, sends])).toEqual([[1, 2]]);
  });
});

test("numbers go on above what an earlier session has used", () => {
  logOn(17);
  expect(pending.lastRequestId).toBe(17);
});

test("a server that has forgotten what it acknowledged is not trusted", () => {
  logOn(0);
  send(1);
  send(2);
  pending.onEvent(event(2), ACCOUNT);
  expect(() => logOn(1)).toThrow(expect.objectContaining({ code: "historyMismatch" }));
});

test("at the end every command has its answer", () => {
  logOn(0);
  send(1);
  send(2);
  pending.failAll(busy);
  expect(answers).toEqual([
    ["#1", busy],
    ["#2", busy],
  ]);
});
