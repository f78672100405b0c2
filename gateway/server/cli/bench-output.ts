import type { BenchDocument } from "../../../bench/report/document.ts";
import type { BenchResult } from "../../../bench/report/figures.ts";

const load = {
  document: () => import("../../../bench/report/document.ts"),
  machine: () => import("../../../bench/machine.ts"),
};

/** Of this process, in the order in which they came. */
export const documents: BenchDocument[] = [];

/** Runs a bench and prints what it says: for reading, or as a document on one line. */
export async function measured<Result extends BenchResult>(
  json: boolean,
  run: () => Promise<Result>,
  text: (result: Result) => string,
): Promise<Result> {
  const { describeMachine, surroundings } = await load.machine();
  const { documentOf } = await load.document();
  const around = surroundings();
  const result = await run();
  const document = documentOf(result, describeMachine(), around());
  documents.push(document);
  process.stdout.write(json ? `${JSON.stringify(document)}\n` : text(result));
  return result;
}
