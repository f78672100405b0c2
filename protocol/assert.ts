/** A broken invariant: our bug, never a client's mistake. The stage that throws it stops. */
export class InvariantError extends Error {
  readonly code = "invariantBroken";
}

/** Stays in production: a stopped engine recovers, a wrong one does not. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new InvariantError(invariant);
}
