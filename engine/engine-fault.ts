/** The engine could not take a command: our bug, or a record that no engine of ours has written. */
export class EngineFault extends Error {
  readonly code = "engineFailed";
  readonly seq: number;

  constructor(seq: number, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`the engine fails at seq ${seq}: ${why}`, { cause });
    this.seq = seq;
  }
}
