import { randomBytes } from "node:crypto";
import net from "node:net";
import { signedText, signHmac } from "../../gateway/keys/signature.ts";
import { clientHeaderBytes, FrameReader, Opcode, writeClientHeader } from "./frame-reader.ts";
import type { LoadKey } from "./options.ts";

const READ_BYTES = 256 * 1024;
const READER_BYTES = 1024 * 1024;

type OnMessage = (bytes: Buffer, start: number, length: number) => void;

/** A WebSocket to a server on this machine or near by: as little as will do between us and it. */
export class LoadConnection {
  readonly #socket: net.Socket;
  readonly #reader = new FrameReader(READER_BYTES);
  #isOpen = false;
  #onText: ((text: string) => void) | null = null;
  #onBinary: OnMessage | null = null;
  #onChunk: (() => void) | null = null;
  #failure: Error | null = null;
  #onFailure: ((error: Error) => void) | null = null;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  static async open(url: string): Promise<LoadConnection> {
    const { hostname, port, pathname } = new URL(url);
    const chunk = Buffer.alloc(READ_BYTES);
    const socket: net.Socket = net.connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer: chunk,
        callback: (bytes: number) => {
          connection.#received(chunk.subarray(0, bytes));
          return true;
        },
      },
    });
    const connection = new LoadConnection(socket);
    const opened = connection.#upgraded();
    socket.once("connect", () => {
      socket.write(
        [
          `GET ${pathname} HTTP/1.1`,
          `Host: ${hostname}:${port}`,
          "Upgrade: websocket",
          "Connection: Upgrade",
          `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
          "Sec-WebSocket-Version: 13",
          "\r\n",
        ].join("\r\n"),
      );
    });
    socket.on("error", (error) => connection.#fail(error));
    socket.on("close", () => connection.#fail(new Error("the connection was closed")));
    await opened;
    return connection;
  }

  /** The socket itself, for one who writes whole frames to it. */
  get descriptor(): number {
    const { _handle: handle } = this.#socket as unknown as { _handle: { fd: number } | null };
    if (handle === null || handle.fd < 0) throw new Error("the socket has no file descriptor");
    return handle.fd;
  }

  /** Answers the server's challenge; resolves with the last request id that it knows of the key. */
  async logOn(key: LoadKey): Promise<number> {
    const challenge = await this.#message("challenge");
    const timestamp = challenge.serverTime as number;
    const text = signedText(challenge.challenge as string, key.keyId, timestamp);
    const signature = signHmac(key.secret, text).toString("base64");
    const answer = this.#message("loggedOn");
    this.sendText(JSON.stringify({ type: "logon", keyId: key.keyId, timestamp, signature }));
    return Number((await answer).lastRequestId ?? 0);
  }

  /** Whole frames. */
  write(frames: Uint8Array): void {
    this.#socket.write(frames);
  }

  sendText(text: string): void {
    const payload = Buffer.from(text);
    const header = Buffer.alloc(clientHeaderBytes(payload.length));
    writeClientHeader(header, 0, Opcode.text, payload.length);
    this.#socket.write(Buffer.concat([header, payload]));
  }

  /** Sends a JSON command and waits for its event of that type. */
  async request(command: object, type: string): Promise<Record<string, unknown>> {
    const answer = this.#message(type);
    this.sendText(JSON.stringify(command));
    return answer;
  }

  /** onChunk is called before the messages that came together, onBinary or onText for each of them. */
  listen(
    onChunk: () => void,
    onBinary: OnMessage,
    onText: (text: string) => void,
    onFailure: (error: Error) => void,
  ): void {
    this.#onChunk = onChunk;
    this.#onBinary = onBinary;
    this.#onText = onText;
    this.#onFailure = onFailure;
    if (this.#failure !== null) onFailure(this.#failure);
  }

  close(): void {
    this.#onFailure = null;
    this.#socket.destroy();
  }

  async #upgraded(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#onFailure = reject;
      this.#onChunk = () => {
        const head = this.#reader.takeThrough("\r\n\r\n");
        if (head === null) return;
        this.#onChunk = null;
        this.#isOpen = true;
        if (head.startsWith("HTTP/1.1 101")) resolve();
        else reject(new Error(`no WebSocket: ${head.split("\r\n")[0]}`));
      };
    });
    this.#onFailure = null;
  }

  /** The next JSON message of that type; an error message rejects. */
  async #message(type: string): Promise<Record<string, unknown>> {
    const found = await new Promise<Record<string, unknown>>((resolve, reject) => {
      this.#onFailure = reject;
      if (this.#failure !== null) reject(this.#failure);
      this.#onText = (text) => {
        const message = JSON.parse(text) as Record<string, unknown>;
        if (message.type === type) resolve(message);
        else if (message.type === "error" || message.type === "rejected") {
          reject(new Error(`the server refuses: ${text}`));
        }
      };
      this.#takeFrames();
    });
    this.#onFailure = null;
    return found;
  }

  #received(chunk: Uint8Array): void {
    this.#reader.push(chunk);
    this.#onChunk?.();
    if (this.#isOpen) this.#takeFrames();
  }

  #takeFrames(): void {
    const reader = this.#reader;
    // Before anybody has asked, frames wait in the reader.
    while ((this.#onText !== null || this.#onBinary !== null) && reader.next()) {
      const { opcode, start, length } = reader;
      if (opcode === Opcode.binary) this.#onBinary?.(reader.bytes, start, length);
      else if (opcode === Opcode.text) {
        this.#onText?.(reader.bytes.toString("latin1", start, start + length));
      } else if (opcode === Opcode.ping) this.#pong(start, length);
      else if (opcode === Opcode.close) this.#fail(new Error(closeText(reader)));
    }
  }

  #pong(start: number, length: number): void {
    const header = Buffer.alloc(clientHeaderBytes(length));
    writeClientHeader(header, 0, Opcode.pong, length);
    const payload = this.#reader.bytes.subarray(start, start + length);
    this.#socket.write(Buffer.concat([header, payload]));
  }

  /** Once: a server that says why it closes then closes. */
  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#onFailure?.(error);
  }
}

/** Of a frame that says, if the server likes, why. */
function closeText({ bytes, start, length }: FrameReader): string {
  if (length < 2) return "the connection was closed";
  const reason = bytes.toString("utf8", start + 2, start + length);
  return `the connection was closed: ${bytes.readUInt16BE(start)} ${reason}`.trimEnd();
}
