/** The place of an event, and the id of the entry that it is in a stream: `<seq>-<index>`. */
export interface EventId {
  readonly seq: number;
  readonly index: number;
}

/** Before every event. Redis gives this id to a stream that never had an entry. */
export const BEGINNING: EventId = { seq: 0, index: 0 };

export function formatEventId(id: EventId): string {
  return `${id.seq}-${id.index}`;
}

/** null: not an id that an event can have (they fit safe integers, those of Redis need not). */
export function parseEventId(text: string): EventId | null {
  const match = /^(\d{1,16})-(\d{1,10})$/.exec(text);
  if (match === null) return null;
  const id = { seq: Number(match[1]), index: Number(match[2]) };
  return Number.isSafeInteger(id.seq) ? id : null;
}

/** Negative: a is before b. */
export function compareEventIds(a: EventId, b: EventId): number {
  return a.seq === b.seq ? a.index - b.index : a.seq - b.seq;
}
