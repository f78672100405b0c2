import os from "node:os";

/** As `nice` has it: a third of what a thread that trades gets, where both want a core. */
const LOW_PRIORITY = 5;

/**
 * Called by a thread whose work nobody waits for: it gives way to those that trade where there are fewer
 * cores than threads. Linux takes a thread of its own for 0; elsewhere the whole process would give way.
 */
export function giveWay(): void {
  if (process.platform !== "linux") return;
  try {
    os.setPriority(0, LOW_PRIORITY);
  } catch {
    // Not allowed here: it works as fast as the others.
  }
}
