// npm run campaign:hostile -- [--payloads N] [--frames M] [--seed S] [--from CHUNK] [--transport ws]
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { runFrames } from "./frame-campaign.ts";
import { formatFrames, frameProblems } from "./frame-report.ts";
import { PayloadCampaign } from "./payload-campaign.ts";
import { formatPayloads, payloadProblems } from "./payload-report.ts";

const EXIT_USAGE = 64;

function readArguments() {
  const { values } = parseArgs({
    options: {
      payloads: { type: "string", default: "1000000" },
      frames: { type: "string", default: "100000" },
      seed: { type: "string", default: "1" },
      from: { type: "string", default: "0" },
      transport: { type: "string", default: "uws" },
    },
  });
  const { transport } = values;
  if (transport !== "uws" && transport !== "ws") throw new TypeError("--transport: uws or ws");
  const number = (name: "payloads" | "frames" | "seed" | "from"): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`--${name}: a whole number`);
    return value;
  };
  return {
    payloads: number("payloads"),
    frames: number("frames"),
    seed: number("seed"),
    from: number("from"),
    transport: transport as "uws" | "ws",
  };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function main(): Promise<void> {
  let options: ReturnType<typeof readArguments>;
  try {
    options = readArguments();
  } catch (error) {
    say((error as Error).message);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const problems: string[] = [];
  let told = performance.now();
  if (options.payloads > 0) {
    const report = new PayloadCampaign().run({
      ...options,
      onProgress: (done) => {
        if (performance.now() - told < 10_000) return;
        told = performance.now();
        say(`  ${done} payloads; --from ${options.from + done / 100_000} goes on from here`);
      },
    });
    process.stdout.write(formatPayloads(report));
    problems.push(...payloadProblems(report));
  }
  if (options.frames > 0) {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-hostile-"));
    const report = await runFrames({
      ...options,
      directory,
      onProgress: (text) => say(`  ${text}`),
    });
    process.stdout.write(formatFrames(report));
    const found = frameProblems(report);
    if (found.length === 0) fs.rmSync(directory, { recursive: true });
    else say(`kept: ${directory}`);
    problems.push(...found);
  }
  for (const problem of problems) process.stdout.write(`FOUND: ${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
  else process.stdout.write("Nothing malformed got through, and nothing broke.\n");
}

await main();
