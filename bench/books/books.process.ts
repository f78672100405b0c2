// One run of one book stream in a process of its own: its name as JSON on standard input, the result on
// standard output.
import { text } from "node:stream/consumers";
import { z } from "zod";
import { raiseInliningBudget } from "../../engine/inlining.ts";
import { runBookStream } from "./run.ts";

raiseInliningBudget();
const { stream } = z
  .strictObject({ stream: z.string() })
  .parse(JSON.parse(await text(process.stdin)));
process.stdout.write(`${JSON.stringify(runBookStream(stream))}\n`);
