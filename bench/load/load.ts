import { Worker } from "node:worker_threads";
import { encodeIntoCompressedBase64 } from "hdr-histogram-js";
import { compiledFile } from "../../protocol/compiled-file.ts";
import { ERROR_CODE_NAMES } from "../../protocol/generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  CANCELED_TEMPLATE_ID,
  REJECTED_TEMPLATE_ID,
  REPLACED_TEMPLATE_ID,
} from "../../protocol/generated/events.ts";
import { EVENT_HEADER_REQUEST_ID_OFFSET } from "../../protocol/generated/headers.ts";
import {
  ERROR_MESSAGE_CODE_OFFSET,
  ERROR_MESSAGE_REQUEST_ID_OFFSET,
  ERROR_MESSAGE_TEMPLATE_ID,
  RECEIPT_REQUEST_ID_OFFSET,
  RECEIPT_TEMPLATE_ID,
} from "../../protocol/generated/session.ts";
import { MESSAGE_HEADER_LENGTH, TWO_32 } from "../../protocol/generated/support.ts";
import { nowNs } from "../clock.ts";
import { type LatencySummary, latencyHistogram, summarize } from "../latency.ts";
import { LoadConnection } from "./connection.ts";
import { dueTimes } from "./due-times.ts";
import type { LoadOptions } from "./options.ts";
import { Sender, type SenderSetup } from "./sender.ts";
import { readReceipt, type StageStamps, type StageTime, StageTimes } from "./stage-times.ts";

/** The first command is due so long after everything is ready. */
const LEAD_NS = 50e6;
const TYPE = /^{"type":"(\w+)"/;
const REQUEST_ID = /"requestId":(\d+)/;
const CODE = /"code":"(\w+)"/;
/** Fills and what others caused may carry a number that is not ours: only these answer. */
const ANSWERS = new Set(["accepted", "canceled", "replaced"]);

function readNumber(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * TWO_32;
}

export interface LoadResult {
  readonly ratePerSecond: number;
  /** First due to last answer, of the measured commands. */
  readonly achievedPerSecond: number;
  readonly sent: number;
  readonly answered: number;
  /** Of the answered: refused by the engine, by risk, or at the door. */
  readonly rejected: number;
  readonly errors: number;
  /** No answer within the time to drain. They are in no percentile, so any but 0 spoils a figure. */
  readonly lost: number;
  /** What the server said was wrong, and how often: codes of errors, and why it closed a connection. */
  readonly complaints: Readonly<Record<string, number>>;
  /** From the scheduled moment to the answer. */
  readonly latency: LatencySummary;
  /** From the scheduled moment to the sending: how late the generator itself was. */
  readonly sendDelay: LatencySummary;
  /** Of its process, while it sent. */
  readonly generatorCpuUsPerCommand: number;
  /** The latencies as an HdrHistogram, compressed, base64. */
  readonly histogram: string;
  /** Where the time of those went that asked for a receipt; null: none did. */
  readonly stages: readonly StageTime[] | null;
}

/** Runs one load; everything is fixed beforehand but when the answers come. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const connections = await Promise.all(
    Array.from({ length: options.connections }, () => LoadConnection.open(options.url)),
  );
  try {
    const firstRequestIds = await Promise.all(
      connections.map(async (connection, i) => {
        if (options.protocol === "echo") return 1;
        const key = options.keys[i];
        if (key === undefined) throw new Error("there are fewer keys than connections");
        return 1 + (await connection.logOn(key));
      }),
    );
    const schedule = dueTimes(options, options.warmUpSeconds + options.seconds);
    const count = schedule.length;
    const due = new Float64Array(new SharedArrayBuffer(count * 8));
    due.set(schedule);
    const setup: SenderSetup = {
      descriptors: connections.map((connection) => connection.descriptor),
      firstRequestIds,
      flow: options.flow,
      seed: options.seed,
      encoding: options.encoding,
      receiptEvery: options.protocol === "crossbook" ? options.receiptEvery : 0,
      dueNs: due.buffer as SharedArrayBuffer,
      sentNs: new SharedArrayBuffer(count * 8),
    };
    const answers = new Answers(options, connections, setup);
    const startNs = nowNs() + LEAD_NS;
    for (let i = 0; i < count; i++) due[i] = (due[i] as number) + startNs;
    const cpuBefore = process.cpuUsage();
    if (options.pacing === "spin") await spin(new Sender(setup), answers);
    else await sleepInBetween(setup);
    const { user, system } = process.cpuUsage(cpuBefore);
    await answers.drained(options.drainSeconds);
    return { ...answers.result(), generatorCpuUsPerCommand: (user + system) / count };
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Sends and receives in turns on this thread, which never sleeps. */
function spin(sender: Sender, answers: Answers): Promise<void> {
  return new Promise((resolve, reject) => {
    const turn = () => {
      try {
        answers.check();
        sender.sendDue();
      } catch (error) {
        reject(error as Error);
        return;
      }
      if (sender.isDone) resolve();
      else setImmediate(turn);
    };
    turn();
  });
}

/** Sends on another thread; this one waits for answers. */
function sleepInBetween(setup: SenderSetup): Promise<void> {
  const worker = new Worker(compiledFile("bench/load/sender.worker.js"), { workerData: setup });
  return new Promise((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
  });
}

/** Matches answers with commands and keeps the times. */
class Answers {
  readonly #options: LoadOptions;
  readonly #count: number;
  readonly #warmUpNs: number;
  readonly #dueNs: Float64Array;
  readonly #sentNs: Float64Array;
  readonly #firstRequestIds: readonly number[];
  readonly #isAnswered: Uint8Array;
  readonly #latency = latencyHistogram();
  readonly #stages = new StageTimes();
  #chunkNs = 0;
  #lastAnswerNs = 0;
  #answered = 0;
  #rejected = 0;
  #errors = 0;
  readonly #complaints = new Map<string, number>();
  #failure: Error | null = null;

  constructor(options: LoadOptions, connections: readonly LoadConnection[], setup: SenderSetup) {
    this.#options = options;
    this.#dueNs = new Float64Array(setup.dueNs);
    this.#sentNs = new Float64Array(setup.sentNs);
    this.#count = this.#dueNs.length;
    this.#warmUpNs = options.warmUpSeconds * 1e9;
    this.#firstRequestIds = setup.firstRequestIds;
    this.#isAnswered = new Uint8Array(this.#count);
    connections.forEach((connection, i) => {
      connection.listen(
        () => {
          this.#chunkNs = nowNs();
        },
        (bytes, start, length) => this.#onFrame(i, bytes, start, length),
        (text) => this.#onText(i, text),
        (error) => {
          if (!options.mayBeCut) this.#failure ??= error;
          this.#complain(error.message);
        },
      );
    });
  }

  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  async drained(seconds: number): Promise<void> {
    const untilNs = nowNs() + seconds * 1e9;
    while (this.#answered < this.#count && nowNs() < untilNs) {
      this.check();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  result(): Omit<LoadResult, "generatorCpuUsPerCommand"> {
    const firstNs = (this.#dueNs[0] as number) + this.#warmUpNs;
    const sendDelay = latencyHistogram();
    let sent = 0;
    for (let i = 0; i < this.#count; i++) {
      const sentNs = this.#sentNs[i] as number;
      if (sentNs === 0) continue;
      sent++;
      const dueNs = this.#dueNs[i] as number;
      if (dueNs >= firstNs) sendDelay.recordValue(Math.max(1, sentNs - dueNs));
    }
    const seconds = (this.#lastAnswerNs - firstNs) / 1e9;
    return {
      ratePerSecond: this.#options.ratePerSecond,
      achievedPerSecond: seconds > 0 ? Math.round(this.#latency.totalCount / seconds) : 0,
      sent,
      answered: this.#answered,
      rejected: this.#rejected,
      errors: this.#errors,
      lost: sent - this.#answered,
      complaints: Object.fromEntries(this.#complaints),
      latency: summarize(this.#latency),
      sendDelay: summarize(sendDelay),
      histogram: encodeIntoCompressedBase64(this.#latency),
      stages: this.#stages.count === 0 ? null : this.#stages.result(),
    };
  }

  /** A server may put several records into one frame. */
  #onFrame(connection: number, bytes: Buffer, start: number, length: number): void {
    const end = start + length;
    for (let at = start; at + MESSAGE_HEADER_LENGTH <= end; ) {
      const blockLength = bytes.readUInt16LE(at);
      if (blockLength === 0) throw new Error("a record without a length");
      this.#onRecord(connection, bytes, at);
      at += blockLength;
    }
  }

  #onRecord(connection: number, bytes: Buffer, start: number): void {
    const templateId = bytes.readUInt16LE(start + 2);
    let at = start + EVENT_HEADER_REQUEST_ID_OFFSET;
    if (this.#options.protocol === "crossbook") {
      // Fills and what others caused may carry a number that is not ours: only these answer.
      switch (templateId) {
        case ACCEPTED_TEMPLATE_ID:
        case CANCELED_TEMPLATE_ID:
        case REPLACED_TEMPLATE_ID:
        case REJECTED_TEMPLATE_ID:
          break;
        case ERROR_MESSAGE_TEMPLATE_ID:
          at = start + ERROR_MESSAGE_REQUEST_ID_OFFSET;
          this.#complain(ERROR_CODE_NAMES[bytes[start + ERROR_MESSAGE_CODE_OFFSET] ?? 0] ?? "");
          break;
        case RECEIPT_TEMPLATE_ID:
          this.#onReceipt(
            connection,
            readNumber(bytes, start + RECEIPT_REQUEST_ID_OFFSET),
            readReceipt(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), start),
          );
          return;
        default:
          return;
      }
    }
    const what =
      templateId === REJECTED_TEMPLATE_ID
        ? "rejected"
        : templateId === ERROR_MESSAGE_TEMPLATE_ID
          ? "error"
          : "done";
    this.#onAnswer(connection, readNumber(bytes, at), what);
  }

  /** As for a record: the type stands first, and only these types answer. */
  #onText(connection: number, text: string): void {
    const type = TYPE.exec(text)?.[1] ?? "";
    const requestId = Number(REQUEST_ID.exec(text)?.[1] ?? 0);
    if (this.#options.protocol === "echo") this.#onAnswer(connection, requestId, "done");
    else if (ANSWERS.has(type)) this.#onAnswer(connection, requestId, "done");
    else if (type === "rejected" || type === "error") {
      if (type === "error") this.#complain(CODE.exec(text)?.[1] ?? "");
      this.#onAnswer(connection, requestId, type);
    } else if (type === "receipt") {
      this.#onReceipt(connection, requestId, JSON.parse(text) as StageStamps);
    }
  }

  #complain(what: string): void {
    this.#complaints.set(what, (this.#complaints.get(what) ?? 0) + 1);
  }

  #onReceipt(connection: number, requestId: number, stamps: StageStamps): void {
    const k = this.#commandOf(connection, requestId);
    const dueNs = this.#dueNs[k];
    if (dueNs === undefined || !this.#isMeasured(dueNs)) return;
    this.#stages.add(stamps, this.#chunkNs - (this.#sentNs[k] as number));
  }

  #commandOf(connection: number, requestId: number): number {
    const first = this.#firstRequestIds[connection] as number;
    return connection + (requestId - first) * this.#firstRequestIds.length;
  }

  #isMeasured(dueNs: number): boolean {
    return dueNs >= (this.#dueNs[0] as number) + this.#warmUpNs;
  }

  #onAnswer(connection: number, requestId: number, what: "done" | "rejected" | "error"): void {
    const k = this.#commandOf(connection, requestId);
    if (k < 0 || k >= this.#count || this.#isAnswered[k] === 1) return;
    this.#isAnswered[k] = 1;
    this.#answered++;
    if (what === "rejected") this.#rejected++;
    else if (what === "error") this.#errors++;
    const dueNs = this.#dueNs[k] as number;
    if (!this.#isMeasured(dueNs)) return;
    this.#lastAnswerNs = this.#chunkNs;
    this.#latency.recordValue(Math.max(1, this.#chunkNs - dueNs));
  }
}
