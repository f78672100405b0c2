// Ways of doing wrong on a WebSocket and before it, by name. A campaign that left one out fails.
import type { Random } from "../reference/fuzz/random.ts";
import { closeFrame, fragments, frame, Opcode, randomMask } from "./ws-frame.ts";

/** A payload on its way: as frames that a server has to take. Some are unusual, none is wrong. */
export const CARRIERS = {
  whole: (opcode, payload, random) => [frame(opcode, payload, { mask: randomMask(random) })],
  unmaskedByZeros: (opcode, payload) => [frame(opcode, payload)],
  inFragments: (opcode, payload, random) => fragments(opcode, payload, random.int(2, 6), random),
  controlsBetween: (opcode, payload, random) =>
    fragments(opcode, payload, random.int(2, 4), random, () =>
      frame(random.pick([Opcode.ping, Opcode.pong]), Buffer.alloc(random.int(0, 125), 97)),
    ),
  afterPing: (opcode, payload, random) => [
    frame(Opcode.ping, Buffer.alloc(random.pick([0, 1, 125]), 98)),
    frame(opcode, payload, { mask: randomMask(random) }),
  ],
  afterPong: (opcode, payload) => [
    frame(Opcode.pong, Buffer.from("nobody asked")),
    frame(opcode, payload),
  ],
} satisfies Record<string, (opcode: number, payload: Uint8Array, random: Random) => Buffer[]>;
export type Carrier = keyof typeof CARRIERS;

const SOME = Buffer.from('{"type":"positions"}');
const BAD_UTF8 = [
  [0x80],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff, 0xfe],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
];

function badText(random: Random): Buffer {
  return Buffer.concat([Buffer.from("{"), Buffer.from(random.pick(BAD_UTF8)), Buffer.from("}")]);
}

/** How a connection ends: in something wrong, after which the server must let go of it. */
export const ENDINGS = {
  reservedOpcode: (random) => frame(random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), SOME),
  reservedBits: (random) => frame(Opcode.text, SOME, { reserved: random.int(1, 7) }),
  closeCodeForbidden: (random) =>
    closeFrame(random.pick([0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535])),
  closeOfOneByte: () => frame(Opcode.close, Buffer.from([3])),
  closeReasonNoUtf8: (random) => closeFrame(1000, Buffer.from(random.pick(BAD_UTF8))),
  closeTooLong: () => closeFrame(1000, Buffer.alloc(124, 97)),
  badUtf8: (random) => frame(Opcode.text, badText(random)),
  badUtf8InFragments: (random) =>
    Buffer.concat(fragments(Opcode.text, badText(random), random.int(2, 4), random)),
  utf8CutAtTheEnd: () => frame(Opcode.text, Buffer.from([0x7b, 0xe2, 0x82])),
  controlTooLong: (random) =>
    frame(random.pick([Opcode.ping, Opcode.pong]), Buffer.alloc(random.int(126, 300))),
  controlFragmented: (random) =>
    frame(random.pick([Opcode.ping, Opcode.pong, Opcode.close]), Buffer.alloc(0), {
      isFinal: false,
    }),
  continuationOfNothing: () => frame(Opcode.continuation, SOME),
  textWithinText: () =>
    Buffer.concat([frame(Opcode.text, SOME, { isFinal: false }), frame(Opcode.text, SOME)]),
  lengthBeyondAll: (random) =>
    frame(Opcode.binary, SOME, {
      lengthBits: 64,
      declaredLength: random.pick([1n << 62n, (1n << 63n) - 1n, 1n << 32n, (1n << 53n) + 1n]),
    }),
  lengthNegative: () => frame(Opcode.binary, SOME, { lengthBits: 64, declaredLength: 1n << 63n }),
  oversized: (random) => frame(Opcode.binary, Buffer.alloc(random.int(262_145, 400_000))),
  oversizedInFragments: () =>
    Buffer.concat(
      Array.from({ length: 6 }, (_, part) =>
        frame(part === 0 ? Opcode.binary : Opcode.continuation, Buffer.alloc(60_000), {
          isFinal: false,
        }),
      ),
    ),
  answeredAsTooLarge: (random) => frame(Opcode.text, Buffer.alloc(random.int(65_537, 262_000), 32)),
  closeThenMore: () =>
    Buffer.concat([closeFrame(1000), frame(Opcode.text, SOME), Buffer.alloc(50, 255)]),
  closeRight: () => closeFrame(1000, Buffer.from("bye")),
  closeWithoutCode: () => frame(Opcode.close, Buffer.alloc(0)),
} satisfies Record<string, (random: Random) => Buffer>;
export type Ending = keyof typeof ENDINGS;

/** Wrong in a way that a server may overlook, or that leaves it waiting: the client ends it. */
export const LOOSE_ENDINGS = {
  unmasked: () => frame(Opcode.text, SOME, { isMasked: false }),
  wrongMask: (random) => {
    const bytes = frame(Opcode.text, SOME);
    bytes.set(randomMask(random), 2); // not what the payload was masked with
    return bytes;
  },
  lengthTooWide: (random) => frame(Opcode.text, SOME, { lengthBits: random.chance(0.5) ? 16 : 64 }),
  garbage: (random) =>
    Buffer.from(Array.from({ length: random.int(1, 400) }, () => random.int(0, 255))),
  // uWebSockets takes this one.
  binaryWithinText: () =>
    Buffer.concat([frame(Opcode.text, SOME, { isFinal: false }), frame(Opcode.binary, SOME)]),
  frameCut: () => frame(Opcode.text, SOME).subarray(0, 9),
  fragmentsWithoutEnd: () => frame(Opcode.text, SOME, { isFinal: false }),
  nothing: () => Buffer.alloc(0),
} satisfies Record<string, (random: Random) => Buffer>;
export type LooseEnding = keyof typeof LOOSE_ENDINGS;

const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
const VERSION = "Sec-WebSocket-Version: 13\r\n";
const HOST = "Host: 127.0.0.1\r\n";

export function handshake(path: string): string {
  return `GET ${path} HTTP/1.1\r\n${HOST}${UPGRADE}${KEY}${VERSION}\r\n`;
}

/** Requests in the place of a handshake. */
export const HANDSHAKES = {
  withoutKey: () => `GET /v1/trade HTTP/1.1\r\n${HOST}${UPGRADE}${VERSION}\r\n`,
  shortKey: () =>
    `GET /v1/trade HTTP/1.1\r\n${HOST}${UPGRADE}Sec-WebSocket-Key: abc\r\n${VERSION}\r\n`,
  oldVersion: () =>
    `GET /v1/trade HTTP/1.1\r\n${HOST}${UPGRADE}${KEY}Sec-WebSocket-Version: 8\r\n\r\n`,
  withoutUpgrade: () => `GET /v1/trade HTTP/1.1\r\n${HOST}${KEY}${VERSION}\r\n`,
  posted: () => handshake("/v1/trade").replace("GET", "POST"),
  http10: () => handshake("/v1/trade").replace("HTTP/1.1", "HTTP/1.0"),
  http2Preface: () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  withoutHost: () => handshake("/v1/trade").replace(HOST, ""),
  wrongOrigin: () =>
    handshake("/v1/trade").replace(HOST, `${HOST}Origin: https://elsewhere.example\r\n`),
  unknownPath: () => handshake("/v1/nowhere"),
  pathOfDots: () => handshake("/../../v1/trade%00%2e%2e/"),
  hugeHeader: () => handshake("/v1/trade").replace(HOST, `${HOST}X-Big: ${"a".repeat(20_000)}\r\n`),
  manyHeaders: () => handshake("/v1/trade").replace(HOST, HOST + "X-A: b\r\n".repeat(500)),
  foldedHeader: () => handshake("/v1/trade").replace(VERSION, `X-A: b\r\n folded\r\n${VERSION}`),
  bareLineFeeds: () => handshake("/v1/trade").replaceAll("\r\n", "\n"),
  zeroBytes: () => handshake("/v1/trade").replace(HOST, `Host: \0\0\r\n`),
  badHeaderName: () => handshake("/v1/trade").replace(HOST, `${HOST}X A\u00e9: b\r\n: empty\r\n`),
  twoLengths: () =>
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 9\r\n\r\nhello${handshake("/v1/trade")}`,
  lengthAndChunks: () =>
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n`,
  badChunks: () =>
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n`,
  tlsHello: () => "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
  noHttp: () => "hello\r\n\r\n\u0000\u0001\u0002 \u007f".repeat(20),
  longLine: () => `GET /${"x".repeat(30_000)} HTTP/1.1\r\n\r\n`,
  twice: () => handshake("/v1/trade") + handshake("/v1/trade"),
  cutShort: () => handshake("/v1/trade").slice(0, 60),
} satisfies Record<string, () => string>;
export type Handshake = keyof typeof HANDSHAKES;
