// One run of the journal bench in a process of its own: options as JSON on standard input, the
// result on standard output. It blocks its thread.
import { text } from "node:stream/consumers";
import { appendOptionsSchema, measureAppend } from "./append.ts";

const options = appendOptionsSchema.parse(JSON.parse(await text(process.stdin)));
process.stdout.write(`${JSON.stringify(measureAppend(options))}\n`);
