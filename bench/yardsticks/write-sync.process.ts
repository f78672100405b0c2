// The write-and-sync yardstick's process: options as JSON on standard input, the result on standard
// output. A process of its own, since the loop blocks its thread.
import { text } from "node:stream/consumers";
import { measureWriteSync, writeSyncOptionsSchema } from "./write-sync.ts";

const options = writeSyncOptionsSchema.parse(JSON.parse(await text(process.stdin)));
process.stdout.write(`${JSON.stringify(measureWriteSync(options))}\n`);
