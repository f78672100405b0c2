// Reads the system calls of a server, as strace wrote them with -f -xx, and finds out whether anything
// about a command left on a socket before the fdatasync that covers the command had ended.
//
// Blocks are told by their own bytes: a write that begins with CROSSBLK and is of a journal names its
// first and last seq. They are durable when an fdatasync of the same file that began after the write
// had ended has ended itself. What leaves is told by its bytes too: WebSocket frames with JSON, each of
// which names the seq of its command.

export interface AckTrace {
  readonly blocks: number;
  /** Journal blocks that an fdatasync covered. */
  readonly syncedBlocks: number;
  readonly lastDurableSeq: number;
  /** Messages with a seq that left on sockets. */
  readonly messages: number;
  readonly lastToldSeq: number;
  /** What is wrong, in words; empty: nothing left too early. */
  readonly findings: readonly string[];
}

interface Call {
  readonly name: string;
  /** As strace printed them: the text between the parentheses. */
  args: string;
  /** What was durable when the call began. */
  readonly durableSeq: number;
  /** fdatasync: the last seq written to that file before it began. */
  readonly coversSeq: number;
}

interface JournalFile {
  /** The last seq written, and the blocks since the last sync. */
  writtenSeq: number;
  unsyncedBlocks: number;
}

const MAGIC = Buffer.from("CROSSBLK");
const KIND_OFFSET = 10;
const JOURNAL_KIND = 1;
const FIRST_SEQ_OFFSET = 48;
const LAST_SEQ_OFFSET = 56;
const WRITES = new Set(["pwrite64", "pwritev", "pwritev2"]);
const SENDS = new Set(["sendto", "sendmsg", "sendmmsg", "write", "writev"]);

export class AckTraceReader {
  readonly findings: string[] = [];
  readonly #files = new Map<number, JournalFile>();
  readonly #unfinished = new Map<string, Call>();
  readonly #sockets = new Map<number, WebSocketStream>();
  #blocks = 0;
  #syncedBlocks = 0;
  #durableSeq = 0;
  #messages = 0;
  #lastToldSeq = 0;

  /** One line of the trace, in order. */
  line(text: string): void {
    const match = /^(\d+) +(.*)$/.exec(text);
    if (match === null) return;
    const [, thread = "", rest = ""] = match;
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest);
    if (resumed !== null) {
      const call = this.#unfinished.get(thread);
      this.#unfinished.delete(thread);
      if (call === undefined) return;
      call.args += resumed[2] ?? "";
      this.#end(call);
      return;
    }
    const begun = /^(\w+)\((.*)$/.exec(rest);
    if (begun === null) return;
    const [, name = "", args = ""] = begun;
    const call = this.#begin(name, args);
    if (args.endsWith("<unfinished ...>")) {
      call.args = args.slice(0, -"<unfinished ...>".length);
      this.#unfinished.set(thread, call);
    } else {
      this.#end(call);
    }
  }

  result(): AckTrace {
    return {
      blocks: this.#blocks,
      syncedBlocks: this.#syncedBlocks,
      lastDurableSeq: this.#durableSeq,
      messages: this.#messages,
      lastToldSeq: this.#lastToldSeq,
      findings: this.findings,
    };
  }

  #begin(name: string, args: string): Call {
    const file = Number.parseInt(args, 10);
    const coversSeq = this.#files.get(file)?.writtenSeq ?? 0;
    return { name, args, durableSeq: this.#durableSeq, coversSeq };
  }

  #end(call: Call): void {
    const status = / = (-?\d+)[^=]*$/.exec(call.args);
    const result = Number(status?.[1] ?? -1);
    const file = Number.parseInt(call.args, 10);
    if (call.name === "close") {
      this.#files.delete(file);
      this.#sockets.delete(file);
    } else if (call.name === "fdatasync" || call.name === "fsync") {
      if (result === 0) this.#synced(file, call.coversSeq);
    } else if (WRITES.has(call.name)) {
      if (result > 0) this.#written(file, bytesIn(call.args));
    } else if (SENDS.has(call.name) && result > 0) {
      this.#sent(file, bytesIn(call.args), result, call.durableSeq);
    }
  }

  #written(file: number, bytes: Buffer): void {
    if (bytes.length < LAST_SEQ_OFFSET + 8 || !bytes.subarray(0, 8).equals(MAGIC)) return;
    if (bytes[KIND_OFFSET] !== JOURNAL_KIND) return;
    const firstSeq = Number(bytes.readBigUInt64LE(FIRST_SEQ_OFFSET));
    const lastSeq = Number(bytes.readBigUInt64LE(LAST_SEQ_OFFSET));
    const journal = this.#files.get(file) ?? { writtenSeq: 0, unsyncedBlocks: 0 };
    this.#files.set(file, journal);
    if (firstSeq > this.#durableSeq + 1) {
      this.findings.push(
        `the block from seq ${firstSeq} was written when ${this.#durableSeq} was durable`,
      );
    }
    journal.writtenSeq = Math.max(journal.writtenSeq, lastSeq);
    journal.unsyncedBlocks++;
    this.#blocks++;
  }

  #synced(file: number, coversSeq: number): void {
    const journal = this.#files.get(file);
    if (journal === undefined || coversSeq === 0) return;
    this.#syncedBlocks += journal.unsyncedBlocks;
    journal.unsyncedBlocks = 0;
    this.#durableSeq = Math.max(this.#durableSeq, coversSeq);
  }

  #sent(file: number, bytes: Buffer, count: number, durableSeq: number): void {
    let stream = this.#sockets.get(file);
    if (bytes.subarray(0, 12).toString("latin1") === "HTTP/1.1 101") {
      stream = new WebSocketStream();
      this.#sockets.set(file, stream);
    }
    if (stream === undefined) return; // not a WebSocket
    if (bytes.length < count) {
      this.findings.push(`a send of ${count} bytes, of which the trace shows ${bytes.length}`);
      return;
    }
    for (const text of stream.take(bytes.subarray(0, count))) {
      const seq = seqOf(text);
      if (seq === 0) continue;
      this.#messages++;
      this.#lastToldSeq = Math.max(this.#lastToldSeq, seq);
      if (seq <= durableSeq) continue;
      this.findings.push(`told when only ${durableSeq} was durable: ${text.slice(0, 200)}`);
    }
  }
}

export function readAckTrace(lines: Iterable<string>): AckTrace {
  const reader = new AckTraceReader();
  for (const line of lines) reader.line(line);
  return reader.result();
}

/** The highest seq that a message names as done; 0: none. */
function seqOf(text: string): number {
  const message = JSON.parse(text) as Record<string, unknown>;
  const { seq, lastSeq } = message;
  return Math.max(typeof seq === "number" ? seq : 0, typeof lastSeq === "number" ? lastSeq : 0);
}

/** All buffers of a call, one after the other. */
function bytesIn(args: string): Buffer {
  const parts: Buffer[] = [];
  for (const match of args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)) {
    parts.push(Buffer.from((match[1] as string).replaceAll("\\x", ""), "hex"));
  }
  return Buffer.concat(parts);
}

/** The frames that a server sends: never masked, here never in fragments. */
class WebSocketStream {
  #bytes = Buffer.alloc(0);
  #isOpen = false;

  /** The texts that are whole with these bytes. */
  take(bytes: Buffer): string[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (!this.#isOpen) {
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end < 0) return [];
      this.#bytes = this.#bytes.subarray(end + 4);
      this.#isOpen = true;
    }
    const texts: string[] = [];
    for (;;) {
      if (this.#bytes.length < 2) return texts;
      const opcode = (this.#bytes[0] as number) & 15;
      let length = (this.#bytes[1] as number) & 127;
      let start = 2;
      if (length === 126 && this.#bytes.length >= 4) {
        length = this.#bytes.readUInt16BE(2);
        start = 4;
      } else if (length === 127 && this.#bytes.length >= 10) {
        length = Number(this.#bytes.readBigUInt64BE(2));
        start = 10;
      } else if (length >= 126) {
        return texts;
      }
      if (this.#bytes.length < start + length) return texts;
      const payload = this.#bytes.subarray(start, start + length);
      if (opcode === 1) texts.push(payload.toString("utf8"));
      this.#bytes = this.#bytes.subarray(start + length);
    }
  }
}
