// The operations on a book of one size, in a process of their own: options as JSON on standard input,
// rows on standard output.
import { text } from "node:stream/consumers";
import { z } from "zod";
import { raiseInliningBudget } from "../../engine/inlining.ts";
import { bookOperations } from "./book-operations.ts";
import { engineParts } from "./engine-parts.ts";
import { measure } from "./micro.ts";

raiseInliningBudget();
const { resting, parts, milliseconds } = z
  .strictObject({
    resting: z.number().int().positive(),
    /** The engine's parts in place of whole commands. */
    parts: z.boolean(),
    milliseconds: z.number().positive(),
  })
  .parse(JSON.parse(await text(process.stdin)));
const operations = parts ? engineParts(resting) : bookOperations(resting);
process.stdout.write(JSON.stringify(await measure(operations, milliseconds)));
