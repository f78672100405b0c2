// One step of the replay bench in a process of its own: options as JSON on standard input, the result
// on standard output.
import { text } from "node:stream/consumers";
import { replayRunSchema, runReplay } from "./replay.ts";

const options = replayRunSchema.parse(JSON.parse(await text(process.stdin)));
process.stdout.write(`${JSON.stringify(runReplay(options))}\n`);
