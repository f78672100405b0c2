// A bare /v1/trade session in JSON, independent of the project's own client.
import { createHmac } from "node:crypto";
import fs from "node:fs";
import { WebSocket } from "ws";
import { checkedMessageProblem } from "../../asyncapi.ts";

export type Message = Readonly<Record<string, unknown>> & { readonly type: string };

const PRIVATE_EVENTS = new Set([
  "accepted",
  "rejected",
  "trade",
  "canceled",
  "replaced",
  "reduced",
]);

export class PrivateClient {
  readonly #socket: WebSocket;
  readonly #messages: Message[] = [];
  #onMessage: (() => void) | null = null;
  #requestId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString("utf8")) as Message;
      const problem = checkedMessageProblem(message);
      if (problem !== null) throw new Error(problem);
      this.#messages.push(message);
      this.#onMessage?.();
    });
  }

  /** keyFile: what `keys create` printed. */
  static async logOn(
    url: string,
    keyFile: string,
    resumeAfter?: { seq: number; index: number },
  ): Promise<PrivateClient> {
    const key = JSON.parse(fs.readFileSync(keyFile, "utf8")) as { keyId: string; secret: string };
    const socket = new WebSocket(`${url}/v1/trade`);
    const client = new PrivateClient(socket);
    const { challenge, serverTime } = await client.next("challenge");
    const signed = createHmac("sha256", key.secret).update(
      `${challenge}\n${key.keyId}\n${serverTime}`,
    );
    socket.send(
      JSON.stringify({
        type: "logon",
        keyId: key.keyId,
        timestamp: serverTime,
        signature: signed.digest("base64"),
        ...(resumeAfter === undefined ? {} : { resumeAfter }),
      }),
    );
    const { lastRequestId } = await client.next("loggedOn");
    client.#requestId = lastRequestId as number;
    return client;
  }

  /** Sends all, waits until the last has its answer; the private events, in order. */
  async sendAll(commands: readonly object[]): Promise<Message[]> {
    for (const command of commands) {
      this.#socket.send(JSON.stringify({ ...command, requestId: ++this.#requestId }));
    }
    const events: Message[] = [];
    for (;;) {
      const message = await this.next();
      if (message.type === "error") throw new Error(JSON.stringify(message));
      if (!PRIVATE_EVENTS.has(message.type)) continue;
      events.push(message);
      if (message.requestId === this.#requestId && message.type !== "trade") return events;
    }
  }

  close(): void {
    this.#socket.close();
  }

  /** The next message, or the next one of that type. */
  async next(type?: string): Promise<Message> {
    for (;;) {
      while (this.#messages.length === 0) {
        await new Promise<void>((resolve, reject) => {
          this.#onMessage = resolve;
          this.#socket.once("close", (code) => reject(new Error(`closed with ${code}`)));
        });
      }
      const message = this.#messages.shift() as Message;
      if (type === undefined || message.type === type) return message;
    }
  }
}
