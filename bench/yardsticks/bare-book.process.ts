// The bare book's process: options as JSON on standard input, the result on standard output. A process
// of its own, so that it runs in a heap like the engine's.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { BareBook, type BareSimulatorClass, measureBareBook } from "./bare-book.ts";

const optionsSchema = z.strictObject({
  file: z.string(),
  warmUp: z.number().int().nonnegative(),
  /** A CommonJS module that exports the class Oracle; null: our own bare book. */
  simulator: z.string().nullable(),
});
const { file, warmUp, simulator } = optionsSchema.parse(JSON.parse(await text(process.stdin)));
let Simulator: BareSimulatorClass = BareBook;
if (simulator !== null) {
  const loaded = createRequire(import.meta.url)(simulator) as { Oracle?: BareSimulatorClass };
  if (loaded.Oracle === undefined) throw new Error(`${simulator} exports no class Oracle`);
  Simulator = loaded.Oracle;
}
process.stdout.write(`${JSON.stringify(measureBareBook(file, warmUp, Simulator))}\n`);
