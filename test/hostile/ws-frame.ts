// WebSocket frames as a client should write them, and as it should not.
import type { Random } from "../reference/fuzz/random.ts";

export const Opcode = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
} as const;

export interface FrameOptions {
  /** Default: the last of its message. */
  readonly isFinal?: boolean;
  /** Three bits. */
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** Four bytes; default: zeros, which leave the payload as it is. */
  readonly mask?: Uint8Array;
  /** In place of the payload's. */
  readonly declaredLength?: bigint;
  /** Longer than needed: 16 or 64 bits. */
  readonly lengthBits?: 16 | 64;
}

const NO_MASK = new Uint8Array(4);

export function frame(opcode: number, payload: Uint8Array, options: FrameOptions = {}): Buffer {
  const { isFinal = true, reserved = 0, isMasked = true, mask = NO_MASK } = options;
  const length = options.declaredLength ?? BigInt(payload.length);
  const bits = options.lengthBits ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64);
  const lengthBytes = bits === 7 ? 0 : bits / 8;
  const maskBytes = isMasked ? 4 : 0;
  const bytes = Buffer.allocUnsafe(2 + lengthBytes + maskBytes + payload.length);
  bytes[0] = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  bytes[1] = (isMasked ? 0x80 : 0) | (bits === 7 ? Number(length) : bits === 16 ? 126 : 127);
  if (bits === 16) bytes.writeUInt16BE(Number(length & 0xffffn), 2);
  else if (bits === 64) bytes.writeBigUInt64BE(length, 2);
  const start = 2 + lengthBytes + maskBytes;
  if (isMasked) bytes.set(mask, start - 4);
  bytes.set(payload, start);
  if (isMasked && mask !== NO_MASK) {
    for (let i = 0; i < payload.length; i++) {
      bytes[start + i] = (bytes[start + i] as number) ^ (mask[i & 3] as number);
    }
  }
  return bytes;
}

export function randomMask(random: Random): Uint8Array {
  return Uint8Array.from({ length: 4 }, () => random.int(0, 255));
}

/** The message in `parts` frames, some of them empty; what `between` gives comes after each but the last. */
export function fragments(
  opcode: number,
  payload: Uint8Array,
  parts: number,
  random: Random,
  between: () => Buffer | null = () => null,
): Buffer[] {
  const frames: Buffer[] = [];
  let at = 0;
  for (let part = 0; part < parts; part++) {
    const isLast = part === parts - 1;
    const end = isLast ? payload.length : random.int(at, payload.length);
    const own = part === 0 ? opcode : Opcode.continuation;
    frames.push(
      frame(own, payload.subarray(at, end), { isFinal: isLast, mask: randomMask(random) }),
    );
    at = end;
    const more = isLast ? null : between();
    if (more !== null) frames.push(more);
  }
  return frames;
}

/** A close frame with a code and a reason. */
export function closeFrame(code: number, reason: Uint8Array = new Uint8Array(0)): Buffer {
  const payload = Buffer.alloc(2 + reason.length);
  payload.writeUInt16BE(code, 0);
  payload.set(reason, 2);
  return frame(Opcode.close, payload);
}
