// Hot path: no allocation here, but for the words of a refusal.
import { type FieldLayout, LAYOUTS } from "./generated/layouts.ts";
import { BLOCK_LENGTHS } from "./generated/messages.ts";
import { MESSAGE_HEADER_LENGTH, SCHEMA_WORD } from "./generated/support.ts";

const Op = { u64: 0, i64: 1, max8: 2, max16: 3, mask8: 4, mask16: 5, zero: 6, text: 7 } as const;
const STEP = 3; // operation, offset, argument

interface Program {
  readonly steps: Int32Array;
  /** Name of the field that a step is about, for the words of a refusal. */
  readonly names: readonly string[];
}

const PROGRAMS: readonly (Program | undefined)[] = Array.from(
  { length: BLOCK_LENGTHS.length },
  (_, templateId) => {
    const fields = LAYOUTS.get(templateId);
    return fields && compile(fields, BLOCK_LENGTHS[templateId] as number);
  },
);

function compile(fields: readonly FieldLayout[], blockLength: number): Program {
  const steps: number[] = [];
  const names: string[] = [];
  const add = (op: number, offset: number, argument: number, name: string) => {
    steps.push(op, offset, argument);
    names.push(name);
  };
  let end = 0;
  for (const field of fields) {
    const { name, offset, bytes, kind, rule, limit } = field;
    for (; end < offset; end++) add(Op.zero, end, 0, "padding");
    end = offset + bytes;
    if (name === "reserved") {
      for (let i = 0; i < bytes; i++) add(Op.zero, offset + i, 0, name);
    } else if (kind === "u64") add(Op.u64, offset, 0, name);
    else if (kind === "i64") add(Op.i64, offset, 0, name);
    else if (kind === "text") add(Op.text, offset, bytes, name);
    else if (kind === "bool") add(Op.max8, offset, 1, name);
    else if (rule === "enum") add(bytes === 1 ? Op.max8 : Op.max16, offset, limit, name);
    else if (rule === "bits") add(bytes === 1 ? Op.mask8 : Op.mask16, offset, limit, name);
  }
  for (; end < blockLength; end++) add(Op.zero, end, 0, "padding");
  return { steps: Int32Array.from(steps), names };
}

/**
 * Length of the message that starts at offset, if its header is one of ours and all of it is there
 * (`end`: first byte that is not); otherwise 0.
 */
export function messageLength(view: DataView, offset: number, end: number): number {
  if (end - offset < MESSAGE_HEADER_LENGTH) return 0;
  const blockLength = view.getUint16(offset, true);
  const templateId = view.getUint16(offset + 2, true);
  if (view.getUint32(offset + 4, true) !== SCHEMA_WORD) return 0;
  // Beyond the table: undefined, which no length equals.
  if (BLOCK_LENGTHS[templateId] !== blockLength || blockLength > end - offset) return 0;
  return blockLength;
}

/**
 * Looks at every byte of a message from outside, whose header is right: integers within ±(2^53−1),
 * known enumerators and bits, text of printable ASCII padded with zeros, everything else zero.
 * Returns what is wrong in words; null: nothing.
 */
export function checkRecord(view: DataView, offset: number): string | null {
  const program = PROGRAMS[view.getUint16(offset + 2, true)];
  if (program === undefined) return "no such template";
  const { steps } = program;
  for (let i = 0; i < steps.length; i += STEP) {
    const at = offset + (steps[i + 1] as number);
    const argument = steps[i + 2] as number;
    let good: boolean;
    switch (steps[i]) {
      case Op.u64:
        good = view.getUint32(at + 4, true) < 0x200000;
        break;
      case Op.i64:
        good = isSafeInt64(view, at);
        break;
      case Op.max8:
        good = view.getUint8(at) <= argument;
        break;
      case Op.max16:
        good = view.getUint16(at, true) <= argument;
        break;
      case Op.mask8:
        good = (view.getUint8(at) & ~argument) === 0;
        break;
      case Op.mask16:
        good = (view.getUint16(at, true) & ~argument) === 0;
        break;
      case Op.zero:
        good = view.getUint8(at) === 0;
        break;
      default:
        good = isText(view, at, argument);
    }
    if (!good) return describe(program, i / STEP);
  }
  return null;
}

function isSafeInt64(view: DataView, at: number): boolean {
  const high = view.getInt32(at + 4, true);
  // −2^53 itself has the high word −0x200000 and a low word of 0.
  return (
    high < 0x200000 && (high > -0x200000 || (high === -0x200000 && view.getUint32(at, true) !== 0))
  );
}

function isText(view: DataView, at: number, length: number): boolean {
  let ended = false;
  for (let i = 0; i < length; i++) {
    const code = view.getUint8(at + i);
    if (code === 0) ended = true;
    else if (ended || code < 32 || code > 126) return false;
  }
  return true;
}

function describe({ steps, names }: Program, step: number): string {
  const name = names[step] as string;
  switch (steps[step * STEP]) {
    case Op.u64:
    case Op.i64:
      return `${name} is beyond 2^53-1`;
    case Op.zero:
      return `${name} must be zero`;
    case Op.text:
      return `${name} must be printable ASCII, padded with zeros`;
    default:
      return `${name} has a value that is not defined`;
  }
}
