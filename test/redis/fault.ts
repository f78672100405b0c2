import type { Rig } from "./rig.ts";

/** One way in which Redis, or what is between it and us, goes wrong. */
export interface FaultKind {
  readonly name: string;
  /** What is right then, as docs/redis.md has it: the code of a halt, or null: it goes on by itself. */
  readonly halts: string | null;
  /**
   * Makes it happen under load, and mends what only an operator can mend where publishing is to go on.
   * Returns what proves that it happened; throws NotEvident where that cannot be shown.
   */
  readonly inflict: (rig: Rig) => Promise<string>;
}

/** The fault may not have happened: it does not count, and a kind without a fault fails the campaign. */
export class NotEvident extends Error {}

/** Throws NotEvident with the text where it is not so. */
export function evident(isSo: boolean, what: string): void {
  if (!isSo) throw new NotEvident(what);
}
