// One run of the pipeline bench in a process of its own: options as JSON on standard input, the
// result on standard output.
import { text } from "node:stream/consumers";
import { raiseInliningBudget } from "../../engine/inlining.ts";
import { pipelineOptionsSchema, runPipeline } from "./pipeline.ts";

raiseInliningBudget();
const options = pipelineOptionsSchema.parse(JSON.parse(await text(process.stdin)));
process.stdout.write(`${JSON.stringify(await runPipeline(options))}\n`);
