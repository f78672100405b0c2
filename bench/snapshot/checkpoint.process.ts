// The checkpoint bench in a process of its own: options as JSON on standard input, the result on
// standard output.
import { text } from "node:stream/consumers";
import { checkpointOptionsSchema, measureCheckpoints } from "./checkpoint.ts";

const options = checkpointOptionsSchema.parse(JSON.parse(await text(process.stdin)));
process.stdout.write(`${JSON.stringify(measureCheckpoints(options))}\n`);
