import { crossbook, crossbookObjects } from "../processes/command-line.ts";
import type { Told } from "./trader.ts";

export interface Whole {
  /** Commands that the journal holds. */
  readonly lastSeq: number;
  readonly events: number;
}

/**
 * What was told is in the journal, event by event, and journal and event log agree in every byte.
 * Throws an Error that names the first acknowledgement that is not there.
 */
export async function checkWhole(dataDir: string, told: readonly Told[]): Promise<Whole> {
  const { stdout } = await crossbook(["replay", dataDir, "--verify", "--json"]);
  const { lastSeq, events } = JSON.parse(stdout) as Whole;
  const found = new Set<string>();
  for await (const event of crossbookObjects<Told>(["replay", dataDir, "--events"])) {
    found.add(keyOf(event));
  }
  const missing = told.find((event) => !found.has(keyOf(event)));
  if (missing !== undefined) throw new Error(`acknowledged and lost: ${JSON.stringify(missing)}`);
  return { lastSeq, events };
}

function keyOf({ seq, index, type, clientOrderId }: Told): string {
  return `${seq}-${index} ${type} ${clientOrderId}`;
}
