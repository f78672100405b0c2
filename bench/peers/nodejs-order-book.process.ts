// The peer's process: options as JSON on standard input, the result on standard output. A process of
// its own, so that no engine runs in another one's warmed-up heap.
import { text } from "node:stream/consumers";
import { z } from "zod";
import { measureNodejsOrderBook } from "./nodejs-order-book.ts";

const optionsSchema = z.strictObject({ file: z.string(), limitSeconds: z.number().positive() });
const { file, limitSeconds } = optionsSchema.parse(JSON.parse(await text(process.stdin)));
process.stdout.write(`${JSON.stringify(measureNodejsOrderBook(file, limitSeconds))}\n`);
