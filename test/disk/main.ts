// `npm run trace:acks -- --commands N --window N`: a server under strace and load; ends with status 1
// where something left before it was durable.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { traceAcks } from "./trace-run.ts";

const { values } = parseArgs({
  options: {
    commands: { type: "string", default: "20000" },
    window: { type: "string", default: "400" },
    transport: { type: "string", default: "auto" },
  },
});
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-trace-"));
try {
  const trace = await traceAcks({
    folder,
    commands: Number(values.commands),
    window: Number(values.window),
    flags: ["--transport", values.transport],
  });
  process.stdout.write(`${JSON.stringify(trace, null, 2)}\n`);
  if (trace.findings.length > 0 || trace.messages < trace.told) process.exitCode = 1;
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
