// Hot path: no allocation here.
import fs from "node:fs";
import { CommandFlag } from "../../protocol/generated/enums.ts";
import { COMMAND_HEADER_FLAGS_OFFSET } from "../../protocol/generated/headers.ts";
import { nowNs } from "../clock.ts";
import { type FlowOptions, MAX_COMMAND_BYTES, OrderFlow } from "./flow.ts";
import { clientHeaderBytes, Opcode, writeClientHeader } from "./frame-reader.ts";
import { jsonCommand } from "./json-command.ts";

const BUFFER_BYTES = 64 * 1024;
/** What writing to a socket fails with that the other side, or then this one, has closed. */
const CLOSED = new Set(["EPIPE", "ECONNRESET", "EBADF"]);
/** Of JSON; a record is shorter. */
const MAX_PAYLOAD_BYTES = 512;
const MAX_FRAME_BYTES = clientHeaderBytes(MAX_PAYLOAD_BYTES) + MAX_PAYLOAD_BYTES;

/** Everything that sending needs; may be given to another thread. */
export interface SenderSetup {
  /** File descriptors of the sockets. Command k goes to connection k % their number. */
  readonly descriptors: readonly number[];
  /** The request id of each connection's first command. */
  readonly firstRequestIds: readonly number[];
  readonly flow: FlowOptions;
  readonly seed: number;
  readonly encoding: "binary" | "json";
  /** Every so manieth command asks for a receipt; 0: none does. */
  readonly receiptEvery: number;
  /** Float64: when each command is due, by the system's monotonic clock. */
  readonly dueNs: SharedArrayBuffer;
  /** Float64: when each was handed over to the socket; 0: not yet. Only the sender writes. */
  readonly sentNs: SharedArrayBuffer;
}

class Outlet {
  readonly bytes = Buffer.alloc(BUFFER_BYTES);
  readonly view = new DataView(this.bytes.buffer, this.bytes.byteOffset, BUFFER_BYTES);
  readonly descriptor: number;
  readonly flow: OrderFlow;
  /** Of JSON commands; null: binary ones. */
  readonly symbol: string | null;
  requestId: number;
  start = 0;
  end = 0;

  constructor(descriptor: number, flow: OrderFlow, requestId: number, symbol: string | null) {
    this.symbol = symbol;
    this.descriptor = descriptor;
    this.flow = flow;
    this.requestId = requestId;
  }

  hasRoom(): boolean {
    return BUFFER_BYTES - this.end >= MAX_FRAME_BYTES;
  }

  append(wantsReceipt: boolean): void {
    // The header's length is that of every frame: commands are shorter than 126 bytes.
    const at = this.end + clientHeaderBytes(MAX_COMMAND_BYTES);
    const length = this.flow.write(this.view, at, this.requestId++);
    if (this.symbol !== null) {
      this.#appendText(jsonCommand(this.view, at, this.symbol, wantsReceipt));
      return;
    }
    if (wantsReceipt) {
      this.bytes[at + COMMAND_HEADER_FLAGS_OFFSET] = CommandFlag.receipt;
    }
    writeClientHeader(this.bytes, this.end, Opcode.binary, length);
    this.end = at + length;
  }

  #appendText(text: string): void {
    const at = this.end + clientHeaderBytes(text.length);
    this.bytes.write(text, at, "latin1");
    writeClientHeader(this.bytes, this.end, Opcode.text, text.length);
    this.end = at + text.length;
  }

  /**
   * What the socket does not take now stays for the next time. Where the other side has closed it, what is
   * sent is lost; who listens for answers hears why.
   */
  flush(): void {
    try {
      this.start += fs.writeSync(this.descriptor, this.bytes, this.start, this.end - this.start);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (code === "EAGAIN") return;
      if (!CLOSED.has(code)) throw error;
      this.start = this.end;
    }
    if (this.start === this.end) {
      this.start = 0;
      this.end = 0;
    }
  }
}

/**
 * Sends each command as soon as it is due, straight to the sockets: a stream would copy it and may
 * keep it for a while.
 */
export class Sender {
  readonly #outlets: Outlet[];
  readonly #dueNs: Float64Array;
  readonly #sentNs: Float64Array;
  readonly #receiptEvery: number;
  #next = 0;
  #unsent = 0;

  constructor(setup: SenderSetup) {
    this.#dueNs = new Float64Array(setup.dueNs);
    this.#sentNs = new Float64Array(setup.sentNs);
    this.#receiptEvery = setup.receiptEvery;
    this.#outlets = setup.descriptors.map((descriptor, i) => {
      const requestId = setup.firstRequestIds[i] as number;
      // Client order ids may be those of a run before: start where the request ids start.
      return new Outlet(
        descriptor,
        new OrderFlow(setup.flow, setup.seed + i, requestId),
        requestId,
        setup.encoding === "json" ? setup.flow.symbol : null,
      );
    });
  }

  get isDone(): boolean {
    return this.#next === this.#dueNs.length && this.#unsent === 0;
  }

  /** When the next command is due; Infinity after the last, 0 where something waits for a socket. */
  get nextDueNs(): number {
    if (this.#unsent > 0) return 0;
    return this.#next < this.#dueNs.length
      ? (this.#dueNs[this.#next] as number)
      : Number.POSITIVE_INFINITY;
  }

  /** Sends what is due. */
  sendDue(): void {
    const now = nowNs();
    const outlets = this.#outlets;
    while (this.#next < this.#dueNs.length && (this.#dueNs[this.#next] as number) <= now) {
      const outlet = outlets[this.#next % outlets.length] as Outlet;
      if (!outlet.hasRoom()) break;
      outlet.append(this.#receiptEvery > 0 && this.#next % this.#receiptEvery === 0);
      this.#sentNs[this.#next++] = now;
    }
    this.#unsent = 0;
    for (let i = 0; i < outlets.length; i++) {
      const outlet = outlets[i] as Outlet;
      if (outlet.end > outlet.start) outlet.flush();
      this.#unsent += outlet.end - outlet.start;
    }
  }
}
