// One run of the engine bench in a process of its own: options as JSON on standard input, the result
// on standard output.
import { text } from "node:stream/consumers";
import { raiseInliningBudget } from "../../engine/inlining.ts";
import { engineRunSchema, runEngine } from "./engine.ts";

raiseInliningBudget();
const options = engineRunSchema.parse(JSON.parse(await text(process.stdin)));
process.stdout.write(`${JSON.stringify(await runEngine(options))}\n`);
