import { CommandFlag, QUERY_KIND_NAMES, Verdict } from "../../protocol/generated/enums.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import {
  HEARTBEAT_LENGTH,
  Heartbeat,
  LOGON_LENGTH,
  LOGON_SIGNATURE_OFFSET,
  Logon,
  QUERY_LENGTH,
  Query,
} from "../../protocol/generated/session.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import { CommandError } from "../../protocol/json/errors.ts";
import { RECORD_BYTES } from "../../protocol/terms.ts";
import type { ClientCommand } from "./commands.ts";
import type { Position, QueryName } from "./messages.ts";
import type { ClientSocket } from "./socket.ts";

export type Encoding = "binary" | "json";

export interface LogonFields {
  readonly keyId: string;
  readonly timestampUs: number;
  readonly signature: Uint8Array;
  readonly cancelOnDisconnect: boolean;
  /** Events behind this one are wanted again. */
  readonly resumeAfter: Position | null;
}

/** Whose commands they are. */
export interface Sender {
  readonly account: number;
  readonly admin: boolean;
}

/** The server takes frames of 64 KiB, unless told otherwise. */
const FRAME_BYTES = 16 * 1024;

/**
 * What a client says, in its encoding, in order. Binary commands of one turn of the event loop leave
 * in one frame.
 */
export class Outbound {
  readonly #encoding: Encoding;
  readonly #directory: InstrumentDirectory;
  readonly #bytes = new Uint8Array(FRAME_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #flushPending = false;
  readonly #header = new CommandHeader();
  #socket: ClientSocket | null = null;

  constructor(encoding: Encoding, directory: InstrumentDirectory) {
    this.#encoding = encoding;
    this.#directory = directory;
  }

  /** From now on there, or with null nowhere. What has not left yet is forgotten. */
  attach(socket: ClientSocket | null): void {
    this.#socket = socket;
    this.#length = 0;
  }

  get bufferedBytes(): number {
    return this.#socket?.bufferedBytes ?? 0;
  }

  logon(fields: LogonFields): void {
    const { keyId, timestampUs, signature, cancelOnDisconnect, resumeAfter } = fields;
    if (this.#encoding === "json") {
      this.#sendJson({
        type: "logon",
        keyId,
        timestamp: timestampUs,
        signature: btoa(String.fromCharCode(...signature)),
        cancelOnDisconnect,
        ...(resumeAfter === null ? {} : { resumeAfter }),
      });
      return;
    }
    const record = this.#begin(new Logon());
    record.keyId = keyId;
    record.timestampUs = timestampUs;
    record.cancelOnDisconnect = cancelOnDisconnect;
    record.signatureLength = signature.length;
    this.#bytes.set(signature, record.offset + LOGON_SIGNATURE_OFFSET);
    if (resumeAfter !== null) {
      record.resume = true;
      record.resumeSeq = resumeAfter.seq;
      record.resumeIndex = resumeAfter.index;
    }
    this.#finish(LOGON_LENGTH);
    this.flush();
  }

  heartbeat(): void {
    if (this.#encoding === "json") {
      this.#sendJson({ type: "heartbeat" });
      return;
    }
    this.#begin(new Heartbeat());
    this.#finish(HEARTBEAT_LENGTH);
    this.flush();
  }

  query(name: QueryName, requestId: number): void {
    if (this.#encoding === "json") {
      this.#sendJson({ type: name, requestId });
      return;
    }
    const record = this.#begin(new Query());
    record.kind = QUERY_KIND_NAMES.indexOf(name) as Query["kind"];
    record.requestId = requestId;
    this.#finish(QUERY_LENGTH);
    this.flush();
  }

  /** Throws a CommandError where it is no command of this sender's. Sends nothing. */
  check(command: ClientCommand, sender: Sender): void {
    this.#encode(command, sender);
  }

  /**
   * As JSON too where ticks and lots cannot say it (a price off the tick, a symbol that is not known
   * here): the server gives it a seq and says why it is rejected. Throws a CommandError where it is
   * no command of this sender's.
   */
  command(command: ClientCommand, requestId: number, sender: Sender): void {
    const length = this.#encode(command, sender);
    const header = this.#header;
    if (this.#encoding === "json" || header.verdict !== Verdict.pending) {
      const { account, ...rest } = command;
      this.#sendJson({ ...(sender.admin && account ? { account } : {}), ...rest, requestId });
      return;
    }
    header.requestId = requestId;
    if (command.receipt === true) header.flags |= CommandFlag.receipt;
    this.#finish(length);
  }

  flush(): void {
    if (this.#length === 0) return;
    this.#socket?.send(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
  }

  /** Writes the record behind those that wait; `#finish` makes it one of them. */
  #encode(command: ClientCommand, sender: Sender): number {
    this.#makeRoom();
    const { admin } = sender;
    const options = { admin, accountRequired: false };
    const length = encodeCommand(command, this.#directory, this.#view, this.#length, options);
    const header = this.#header;
    header.wrap(this.#view, this.#length);
    if (!admin && header.account !== 0) {
      if (header.account !== sender.account) {
        throw new CommandError(
          "notAuthorized",
          `account ${header.account} is not the key's own, which is ${sender.account}`,
        );
      }
      header.account = 0;
    }
    return length;
  }

  #begin<R extends { wrap(view: DataView, offset: number): boolean; clear(): R }>(record: R): R {
    this.#makeRoom();
    record.wrap(this.#view, this.#length);
    return record.clear();
  }

  #makeRoom(): void {
    if (this.#length + RECORD_BYTES > FRAME_BYTES) this.flush();
  }

  #finish(length: number): void {
    this.#length += length;
    if (this.#flushPending) return;
    this.#flushPending = true;
    queueMicrotask(() => {
      this.#flushPending = false;
      this.flush();
    });
  }

  #sendJson(json: Readonly<Record<string, unknown>>): void {
    this.flush();
    this.#socket?.send(JSON.stringify(json));
  }
}
