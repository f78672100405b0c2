/**
 * One step of the pipeline. Threads are a deployment choice: a runner calls `doWork` in a loop, and
 * several stages may share a thread. The name serves as thread name, log field and metric label.
 */
export interface Stage {
  readonly name: string;
  /** Does what can be done now without waiting; returns how much was done, 0 when idle. */
  doWork(): number;
}
