// An engine with a fault, for real processes: a module that Node loads first, in every thread, makes
// the engine assert on one particular order. Nothing in the sources knows of it.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./command-line.ts";

/** The order that the engine with the fault cannot take. */
export const FATAL_CLIENT_ORDER_ID = 666_666;
export const FAULT_MESSAGE = "planted: this order has no place in the book";

/** Flags for Node. folder: where the module is written. */
export function plantedFault(folder: string): string[] {
  const file = path.join(folder, "planted-fault.mjs");
  const built = (name: string) => JSON.stringify(pathToFileURL(path.join(ROOT, "dist", name)).href);
  fs.writeFileSync(
    file,
    `import { Engine } from ${built("engine/engine.js")};
import { assert } from ${built("protocol/assert.js")};
import { NewOrder } from ${built("protocol/generated/commands.js")};
import { Verdict } from ${built("protocol/generated/enums.js")};
const order = new NewOrder();
const apply = Engine.prototype.apply;
Engine.prototype.apply = function (view, offset) {
  order.wrap(view, offset);
  const isFatal = order.templateId === 1 && order.clientOrderId === ${FATAL_CLIENT_ORDER_ID};
  assert(!isFatal || order.verdict !== Verdict.passed, ${JSON.stringify(FAULT_MESSAGE)});
  apply.call(this, view, offset);
};
`,
  );
  return ["--import", pathToFileURL(file).href];
}
