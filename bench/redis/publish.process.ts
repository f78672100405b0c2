// Publishing in a process of its own: options as JSON on standard input, the result on standard output.
import { text } from "node:stream/consumers";
import { publishRunSchema, runPublish } from "./publish.ts";

const options = publishRunSchema.parse(JSON.parse(await text(process.stdin)));
process.stdout.write(`${JSON.stringify(await runPublish(options))}\n`);
