// What the WebSocket protocol (RFC 6455) asks of a server, case by case, over raw TCP: our own list of
// what the public test suites try. docs/websocket-cases.md has the table.
import fs from "node:fs";
import net from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FrameReader } from "../../../bench/load/frame-reader.ts";
import type { SocketEndpoint, Transport } from "../../../gateway/transport/transport.ts";
import { handshake } from "../../hostile/wire-faults.ts";
import { closeFrame, fragments, frame, Opcode } from "../../hostile/ws-frame.ts";
import { Random } from "../../reference/fuzz/random.ts";
import { start, TRANSPORTS, until } from "../transports.ts";

const MOST_BYTES = 70_000;
/** In the place of a close code: the connection ended without a close frame. */
const CUT = 0;
const LOOK_MS = 50;
/** How a connection may end that did wrong: the reason as a code, or no word. */
const FAILED: readonly number[] = [CUT, 1002, 1005, 1007, 1009];

/** Sends back what it gets. */
const echo: SocketEndpoint = {
  path: "/v1/echo",
  limits: { maxPayloadBytes: MOST_BYTES, maxBackpressureBytes: 1 << 20, idleTimeoutSeconds: 60 },
  admit: () => 0,
  open: (socket) => ({
    onMessage: (data, isBinary) => {
      socket.send(isBinary ? data : Buffer.from(data).toString("utf8"));
    },
    onDrain: () => {},
    onClose: () => {},
  }),
};

class Peer {
  readonly got: { readonly opcode: number; readonly payload: Buffer }[] = [];
  readonly socket: net.Socket;
  status = 0;
  closeCode = CUT;
  hasEnded = false;
  readonly #reader = new FrameReader(1024);

  constructor(port: number) {
    this.socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.on("error", () => undefined);
    for (const event of ["end", "close"]) {
      this.socket.on(event, () => {
        this.hasEnded = true;
      });
    }
    this.socket.on("data", (chunk) => {
      this.#reader.push(chunk);
      this.#read();
    });
  }

  async upgrade(): Promise<this> {
    this.socket.write(handshake(echo.path));
    await until(() => this.status !== 0, "an answer to the handshake");
    expect(this.status).toBe(101);
    return this;
  }

  #read(): void {
    if (this.status === 0) {
      const head = this.#reader.takeThrough("\r\n\r\n");
      if (head === null) return;
      this.status = Number(head.slice(9, 12));
    }
    if (this.status !== 101) return;
    while (this.#reader.next()) {
      const { opcode, start, length, bytes } = this.#reader;
      const payload = Buffer.from(bytes.subarray(start, start + length));
      if (opcode === Opcode.close) {
        this.closeCode = length >= 2 ? payload.readUInt16BE(0) : 1005;
        this.hasEnded = true;
      } else this.got.push({ opcode, payload });
    }
  }
}

interface Case {
  readonly name: string;
  readonly sent: readonly Buffer[];
  /** What must come back, in order. */
  readonly back?: readonly { readonly opcode: number; readonly payload: Uint8Array }[];
  /** Close codes one of which must end it; maybe: the transports differ; default: it stays open. */
  readonly ends?: readonly number[] | "maybe";
}

const text = (words: string) => ({ opcode: Opcode.text, payload: Buffer.from(words) });
const pong = (payload: Buffer) => ({ opcode: Opcode.pong, payload });
const HELLO = Buffer.from("hello");
const random = new Random(1);
const sized = (length: number) => Buffer.alloc(length, 120);

function echoed(opcode: number, length: number): Case {
  const payload = sized(length);
  return {
    name: `${opcode === Opcode.text ? "text" : "binary"} of ${length} bytes comes back`,
    sent: [frame(opcode, payload)],
    back: [{ opcode, payload }],
  };
}

const SIZES = [0, 1, 125, 126, 127, 128, 65_535, 65_536];
const EURO = Buffer.from("κόσμε €𐀀");
const ENDS_WELL = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 4000, 4999];
const ENDS_BADLY = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535];
const BAD_TEXTS: readonly (readonly [string, readonly number[]])[] = [
  ["a lone continuation byte", [0x80]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["a code point beyond the last", [0xf4, 0x90, 0x80, 0x80]],
  ["a byte that never occurs", [0xff]],
  ["a character that is cut off", [0xe2, 0x82]],
];

const CASES: readonly Case[] = [
  ...SIZES.map((length) => echoed(Opcode.text, length)),
  ...SIZES.map((length) => echoed(Opcode.binary, length)),
  {
    name: "a ping is answered with its payload, of up to 125 bytes",
    sent: [0, 5, 125].map((length) => frame(Opcode.ping, sized(length))),
    back: [0, 5, 125].map((length) => pong(sized(length))),
  },
  {
    name: "a pong that nobody asked for is ignored",
    sent: [frame(Opcode.pong, HELLO), frame(Opcode.text, HELLO)],
    back: [text("hello")],
  },
  { name: "a ping of 126 bytes fails", sent: [frame(Opcode.ping, sized(126))], ends: FAILED },
  ...[1, 2, 4, 7].map((reserved) => ({
    name: `reserved bits ${reserved} fail`,
    sent: [frame(Opcode.text, HELLO, { reserved })],
    ends: FAILED,
  })),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ({
    name: `opcode ${opcode} fails`,
    sent: [frame(opcode, HELLO)],
    ends: FAILED,
  })),
  {
    name: "a text in three fragments, one of them empty, comes back whole",
    sent: [
      frame(Opcode.text, Buffer.from("hel"), { isFinal: false }),
      frame(Opcode.continuation, Buffer.alloc(0), { isFinal: false }),
      frame(Opcode.continuation, Buffer.from("lo")),
    ],
    back: [text("hello")],
  },
  {
    name: "a ping between fragments is answered before the message",
    sent: fragments(Opcode.text, HELLO, 2, random, () => frame(Opcode.ping, Buffer.from("p"))),
    back: [pong(Buffer.from("p")), text("hello")],
  },
  {
    name: "a ping in fragments fails",
    sent: [frame(Opcode.ping, HELLO, { isFinal: false })],
    ends: FAILED,
  },
  {
    name: "a continuation of nothing fails",
    sent: [frame(Opcode.continuation, HELLO)],
    ends: FAILED,
  },
  {
    name: "a text within a text in fragments fails",
    sent: [frame(Opcode.text, HELLO, { isFinal: false }), frame(Opcode.text, HELLO)],
    ends: FAILED,
  },
  {
    name: "characters of several bytes come back, cut anywhere into fragments",
    sent: Array.from(EURO, (_, at) => [
      frame(Opcode.text, EURO.subarray(0, at), { isFinal: false }),
      frame(Opcode.continuation, EURO.subarray(at)),
    ]).flat(),
    back: Array.from(EURO, () => ({ opcode: Opcode.text, payload: EURO })),
  },
  ...BAD_TEXTS.map(([what, bytes]) => ({
    name: `a text with ${what} fails`,
    sent: [frame(Opcode.text, Buffer.from(bytes))],
    ends: FAILED,
  })),
  {
    name: "bad UTF-8 in the second fragment fails",
    sent: [
      frame(Opcode.text, HELLO, { isFinal: false }),
      frame(Opcode.continuation, Buffer.from([0xc0, 0xaf])),
    ],
    ends: FAILED,
  },
  ...ENDS_WELL.map((code) => ({
    name: `a close with ${code} is answered in kind`,
    sent: [closeFrame(code)],
    ends: [code],
  })),
  ...[3000, 3999].map((code) => ({
    name: `a close with ${code} is answered`,
    sent: [closeFrame(code)],
    ends: [code, 1005],
  })),
  {
    name: "an unmasked frame is not taken",
    sent: [frame(Opcode.text, HELLO, { isMasked: false })],
    back: [],
    ends: "maybe",
  },
  ...([16, 64] as const).map((lengthBits) => ({
    name: `a length of ${lengthBits} bits that needs fewer is taken`,
    sent: [frame(Opcode.text, HELLO, { lengthBits })],
    back: [text("hello")],
  })),
  {
    // uWebSockets makes one message of both.
    name: "a binary message within a text in fragments fails, or is one message with it",
    sent: [frame(Opcode.text, HELLO, { isFinal: false }), frame(Opcode.binary, HELLO)],
    back: [{ opcode: Opcode.binary, payload: Buffer.from("hellohello") }],
    ends: "maybe",
  },
  ...ENDS_BADLY.map((code) => ({
    name: `a close with ${code}, which is no code to send, fails`,
    sent: [closeFrame(code)],
    ends: FAILED,
  })),
  {
    name: "a close without a code is answered",
    sent: [frame(Opcode.close, Buffer.alloc(0))],
    ends: [1005, 1000],
  },
  {
    name: "a close of one byte fails",
    sent: [frame(Opcode.close, Buffer.from([3]))],
    ends: FAILED,
  },
  {
    name: "a close with a reason of 123 bytes is answered",
    sent: [closeFrame(1000, sized(123))],
    ends: [1000],
  },
  {
    name: "a close with a reason of 124 bytes fails",
    sent: [closeFrame(1000, sized(124))],
    ends: FAILED,
  },
  {
    name: "a close whose reason is no UTF-8 fails",
    sent: [closeFrame(1000, Buffer.from([0xc0, 0xaf]))],
    ends: FAILED,
  },
  {
    name: "what comes after a close is not looked at",
    sent: [closeFrame(1000), frame(Opcode.text, HELLO), frame(Opcode.ping, HELLO)],
    back: [],
    ends: [1000],
  },
  {
    name: "a message beyond the limit fails before all of it has come",
    sent: [frame(Opcode.binary, sized(10), { lengthBits: 64, declaredLength: 1n << 40n })],
    ends: FAILED,
  },
  {
    name: "a length with the highest bit set fails",
    sent: [frame(Opcode.binary, sized(10), { lengthBits: 64, declaredLength: 1n << 63n })],
    ends: FAILED,
  },
  {
    name: "fragments that are too much together fail",
    sent: [0, 1, 2].map((part) =>
      frame(part === 0 ? Opcode.binary : Opcode.continuation, sized(30_000), { isFinal: false }),
    ),
    ends: FAILED,
  },
];

const HANDSHAKES: readonly (readonly [name: string, request: (right: string) => string])[] = [
  ["a handshake without a key is refused", (right) => right.replace(/Sec-WebSocket-Key.*\r\n/, "")],
  ["a handshake with a short key is refused", (right) => right.replace(/-Key: .*/, "-Key: abc")],
  ["a handshake of another version is refused", (right) => right.replace("n: 13", "n: 12")],
  [
    "a handshake without Upgrade is refused",
    (right) => right.replace("Upgrade: websocket\r\n", ""),
  ],
  ["a POST is no handshake", (right) => right.replace("GET", "POST")],
  ["another path has no WebSocket", (right) => right.replace("/v1/echo", "/v1/nothing")],
];

test("docs/websocket-cases.md lists every case and no other", () => {
  const page = fs.readFileSync(
    new URL("../../../docs/websocket-cases.md", import.meta.url),
    "utf8",
  );
  const listed = page.split("\n").filter((line) => line.startsWith("- "));
  const names = [...CASES.map(({ name }) => name), ...HANDSHAKES.map(([name]) => name)];
  expect(listed.map((line) => line.slice(2)).sort()).toEqual(names.sort());
});

describe.each(TRANSPORTS)("the protocol over %s", (choice) => {
  let transport: Transport;
  const peers: Peer[] = [];
  beforeEach(async () => {
    transport = await start(choice, { endpoints: [echo] });
  });
  afterEach(async () => {
    for (const { socket } of peers.splice(0)) socket.destroy();
    await transport.close();
  });

  function connect(): Peer {
    const peer = new Peer(transport.port);
    peers.push(peer);
    return peer;
  }

  async function check(peer: Peer, { back = [], ends }: Case): Promise<void> {
    if (ends === "maybe") {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      for (const one of peer.got) expect(back).toContainEqual(one);
      return;
    }
    if (ends === undefined) await until(() => peer.got.length >= back.length, "all echoes");
    else {
      await until(() => peer.hasEnded, "its end");
      expect(ends).toContain(peer.closeCode);
    }
    expect(peer.got).toEqual(back);
    expect(peer.hasEnded).toBe(ends !== undefined);
  }

  test.each(CASES.map((one) => [one.name, one] as const))("%s", async (_, one) => {
    const peer = await connect().upgrade();
    peer.socket.write(Buffer.concat(one.sent));
    await check(peer, one);
  });

  test("every case with its bytes one by one", async () => {
    for (const one of CASES) {
      const bytes = Buffer.concat(one.sent);
      if (bytes.length > 300) continue;
      const peer = await connect().upgrade();
      for (let at = 0; at < bytes.length && !peer.hasEnded; at++) {
        peer.socket.write(bytes.subarray(at, at + 1));
        if (at % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await check(peer, one);
    }
  });

  test.each(HANDSHAKES)("%s", async (_, request) => {
    const peer = connect();
    peer.socket.write(request(handshake(echo.path)));
    await until(() => peer.status !== 0 || peer.hasEnded, "an answer or an end");
    expect(peer.status).not.toBe(101);
    const other = await connect().upgrade();
    other.socket.write(frame(Opcode.text, HELLO));
    await until(() => other.got.length === 1, "the others' echo");
  });
});
