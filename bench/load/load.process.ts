// The load generator's process: options as JSON on standard input, the result on standard output.
import { text } from "node:stream/consumers";
import { runLoad } from "./load.ts";
import { loadOptionsSchema } from "./options.ts";

const options = loadOptionsSchema.parse(JSON.parse(await text(process.stdin)));
const result = await runLoad(options);
process.stdout.write(`${JSON.stringify(result)}\n`);
