import { CommandError } from "../../../protocol/json/errors.ts";
import { parseJson } from "../../../protocol/json/parse.ts";
import type { ClientCommand } from "../../client/commands.ts";
import { ClientError } from "../../client/errors.ts";
import type { Message } from "../../client/messages.ts";
import { Session } from "../../client/session.ts";
import type { SessionHandler, SessionOptions } from "../../client/session-handler.ts";
import { LineSplitter } from "../run/line-splitter.ts";
import { Tally } from "./tally.ts";

export interface SubmissionOptions {
  /** Commands that may be without an answer; Infinity with a rate. */
  readonly window: number;
  /** Commands a second, whatever the answers do; null: as fast as the window lets them. */
  readonly rate: number | null;
  /** An event, as a line without its end. May throw: that ends the submission. */
  readonly print: (line: string) => void;
  /** What the user should know, without its end. */
  readonly tell: (line: string) => void;
}

const MAX_LINE_BYTES = 1 << 20;
/** More than this waits in the socket: the server reads slowly. */
const MAX_BUFFERED_BYTES = 4 << 20;
const NAP_MS = 1;
/** Lines about single commands; the tally counts them all. */
const MAX_COMPLAINTS = 100;

/** What follows these may need what they have changed. */
const WAIT_FOR: ReadonlySet<unknown> = new Set([
  "defineInstrument",
  "defineAsset",
  "setMarketState",
  "setAccount",
  "adjustBalance",
  "killSwitch",
  "snapshot",
]);
/** Of them, those that change how decimals are read. */
const DEFINITIONS: ReadonlySet<unknown> = new Set(["defineInstrument", "defineAsset"]);

/** Sends a file of commands through one session, and prints the events that come back. */
export class Submission implements SessionHandler<number> {
  readonly tally = new Tally();
  readonly #options: SubmissionOptions;
  readonly #session: Session<number>;
  readonly #lines: (string | undefined)[] = [];
  readonly #splitter = new LineSplitter(MAX_LINE_BYTES, (line) => this.#lines.push(line));
  #line = 0;
  #characters = 0;
  #complaints = 0;
  #startedMs = 0;
  /** Of the commands that have an answer, the last. */
  #lastSeq = 0;
  #isReady = false;
  #isStopped = false;
  /** Why it cannot go on. */
  #failure: unknown = null;
  #wake: (() => void) | null = null;
  #interrupt: () => void = () => {};
  readonly #interrupted = new Promise<{ done: true }>((resolve) => {
    this.#interrupt = () => resolve({ done: true });
  });

  constructor(session: SessionOptions, options: SubmissionOptions) {
    this.#options = options;
    this.#session = new Session(session, this);
  }

  /**
   * Logs on, sends, and returns when every command has its answer and all events of the last one
   * have come. onProgress: characters of input that are done. Throws a ClientError, or what `print` has
   * thrown.
   */
  async run(input: AsyncIterable<Buffer>, onProgress: (characters: number) => void): Promise<void> {
    this.#session.open();
    await this.#until(() => this.#isReady);
    this.#startedMs = performance.now();
    const chunks = input[Symbol.asyncIterator]();
    for (;;) {
      // Somebody at a keyboard may not write for long.
      const next = await Promise.race([chunks.next(), this.#interrupted]);
      if (next.done === true) break;
      this.#splitter.push(next.value);
      await this.#sendLines(onProgress);
    }
    if (!this.#isStopped) this.#splitter.end();
    await this.#sendLines(onProgress);
    await this.#until(() => this.#session.pendingCount === 0);
    await this.#complete();
    this.#session.close();
  }

  /** Sends nothing more; `run` returns once all is answered. */
  stop(): void {
    this.#isStopped = true;
    this.#interrupt();
    this.#wake?.();
  }

  close(): void {
    this.#session.close();
  }

  get seconds(): number {
    return this.#startedMs === 0 ? 0 : (performance.now() - this.#startedMs) / 1000;
  }

  async #sendLines(onProgress: (characters: number) => void): Promise<void> {
    for (const line of this.#lines) {
      this.#line++;
      this.#characters += (line?.length ?? MAX_LINE_BYTES) + 1;
      if (line?.trim() === "") continue;
      if (this.#mustWait()) {
        onProgress(this.#characters);
        await this.#turn();
      }
      if (this.#isStopped) break;
      const type = this.#sendLine(line);
      if (!WAIT_FOR.has(type)) continue;
      await this.#until(() => this.#session.pendingCount === 0);
      if (DEFINITIONS.has(type)) await this.#complete();
    }
    this.#lines.length = 0;
  }

  /** Its type; null: it was not sent. */
  #sendLine(line: string | undefined): unknown {
    try {
      if (line === undefined) {
        throw new CommandError("malformed", `longer than ${MAX_LINE_BYTES} bytes`);
      }
      // A byte order mark may stand at the start of a file.
      const json = parseJson(this.#line === 1 ? line.replace(/^\ufeff/, "") : line);
      const command = withoutTimestamp(json) as ClientCommand;
      if (this.#session.send(command, this.#line) !== 0) {
        this.tally.commands++;
        return command.type;
      }
      this.tally.commands++;
      this.#onDuplicate(this.#line, command.requestId);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.tally.badLines++;
      this.#complain(this.#line, error.message);
    }
    return null;
  }

  #mustWait(): boolean {
    const { rate, window } = this.#options;
    return (
      rate !== null ||
      this.#failure !== null ||
      this.#session.pendingCount >= window ||
      this.#session.bufferedBytes > MAX_BUFFERED_BYTES
    );
  }

  /** Waits until it is the next command's turn. */
  async #turn(): Promise<void> {
    const { rate, window } = this.#options;
    if (rate !== null) {
      // Counted from the start: what is late is made up for.
      const dueMs = this.#startedMs + (this.tally.commands / rate) * 1000;
      for (;;) {
        const leftMs = dueMs - performance.now();
        if (leftMs <= 0 || this.#isStopped || this.#failure !== null) break;
        await nap(leftMs);
      }
    }
    await this.#until(() => this.#session.pendingCount < window || this.#isStopped);
    while (this.#session.bufferedBytes > MAX_BUFFERED_BYTES && this.#failure === null) {
      await nap(NAP_MS);
    }
  }

  /** Looks again whenever something has come from the server. */
  async #until(condition: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      if (condition()) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }

  async #complete(): Promise<void> {
    await this.#session.complete(this.#lastSeq);
    if (this.#failure !== null) throw this.#failure;
  }

  // What the session says.

  onReady(again: boolean): void {
    this.#isReady = true;
    if (again) this.#options.tell("connected again");
    this.#wake?.();
  }

  onEvent(event: Message): void {
    this.tally.onEvent(event);
    try {
      this.#options.print(JSON.stringify(event));
    } catch (error) {
      this.#fail(error);
    }
  }

  onAnswer(line: number, answer: Message | ClientError): void {
    if (answer instanceof ClientError) {
      const { code, reason, message } = answer;
      this.tally.onError(code, reason);
      if (code === "refused" || code === "outcomeUnknown") {
        this.#complain(line, `${reason ?? code}: ${message}`);
      }
    } else {
      const { type, requestId, seq } = answer;
      if (typeof seq === "number" && seq > this.#lastSeq) this.#lastSeq = seq;
      if (type === "duplicateRequest") this.#onDuplicate(line, requestId as number);
      else this.tally.onAnswer(type);
    }
    this.#wake?.();
  }

  onLost(error: ClientError): void {
    this.#options.tell(`the connection was lost (${error.message}); trying again`);
  }

  onServerShutdown(): void {
    this.#options.tell("the server is shutting down");
  }

  onProblem(error: ClientError): void {
    this.#options.tell(`the server says ${error.reason}: ${error.message}`);
  }

  onEnd(error: ClientError): void {
    this.#failure ??= error;
    this.#interrupt();
    this.#wake?.();
  }

  #onDuplicate(line: number, requestId: number | undefined): void {
    this.tally.duplicates++;
    this.#complain(line, `requestId ${requestId} was used before, so nothing was done`);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#session.close();
    this.#interrupt();
    this.#wake?.();
  }

  #complain(line: number, message: string): void {
    if (this.#complaints++ < MAX_COMPLAINTS) this.#options.tell(`line ${line}: ${message}`);
    else if (this.#complaints === MAX_COMPLAINTS + 1) {
      this.#options.tell("… and more lines like these");
    }
  }
}

function withoutTimestamp(json: unknown): unknown {
  if (typeof json !== "object" || json === null || !("timestamp" in json)) return json;
  const { timestamp, ...rest } = json;
  return rest;
}

function nap(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
