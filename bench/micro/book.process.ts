// The operations on a book of one size, in a process of their own: options as JSON on standard input,
// rows on standard output.
import { text } from "node:stream/consumers";
import { z } from "zod";
import { raiseInliningBudget } from "../../engine/inlining.ts";
import { bookOperations } from "./book-operations.ts";
import { measure } from "./micro.ts";

raiseInliningBudget();
const { resting, milliseconds } = z
  .strictObject({ resting: z.number().int().positive(), milliseconds: z.number().positive() })
  .parse(JSON.parse(await text(process.stdin)));
process.stdout.write(JSON.stringify(await measure(bookOperations(resting), milliseconds)));
