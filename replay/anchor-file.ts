import type { Anchor } from "./anchors.ts";

/** The `msg` of the server's log lines that are anchors. Stable. */
export const ANCHOR_MESSAGE = "anchor";

/**
 * The anchors in one line of text; undefined: it is nothing that belongs among anchors. A line may be
 * one of the server's log as JSON (of which those with `msg` "anchor" hold one), an anchor as JSON, or
 * what `redis-cli --json XRANGE crossbook:anchors - +` prints.
 */
export function anchorsInLine(line: string): readonly Anchor[] | undefined {
  return line.trim() === "" ? [] : anchorsIn(parse(line));
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function anchorsIn(value: unknown): readonly Anchor[] | undefined {
  if (Array.isArray(value)) return entriesIn(value);
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  if (fields.msg !== undefined && fields.msg !== ANCHOR_MESSAGE) return []; // another log line
  const anchor = anchorOf(fields);
  return anchor === undefined ? undefined : [anchor];
}

/** A stream's entries as redis-cli gives them: [[id, [name, value, …]], …]. */
function entriesIn(entries: readonly unknown[]): readonly Anchor[] | undefined {
  const anchors: Anchor[] = [];
  for (const entry of entries) {
    const flat: unknown = Array.isArray(entry) ? entry[1] : undefined;
    if (!Array.isArray(flat)) return undefined;
    const fields: Record<string, unknown> = {};
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const [name, text] = [String(flat[i]), String(flat[i + 1])];
      fields[name] = /^\d{1,16}$/.test(text) ? Number(text) : text;
    }
    const anchor = anchorOf(fields);
    if (anchor === undefined) return undefined;
    anchors.push(anchor);
  }
  return anchors;
}

function anchorOf(fields: Readonly<Record<string, unknown>>): Anchor | undefined {
  const { seq, chain, block, timestamp } = fields;
  if (!isCount(seq) || typeof chain !== "string" || !/^[0-9a-f]{64}$/.test(chain)) return undefined;
  if (block !== undefined && !isCount(block)) return undefined;
  if (timestamp !== undefined && !isCount(timestamp)) return undefined;
  return { seq, chain, block, timestamp };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
