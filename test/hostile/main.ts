// npm run campaign:hostile -- [--payloads N] [--seed S] [--from CHUNK]
import { parseArgs } from "node:util";
import { PayloadCampaign } from "./payload-campaign.ts";
import { formatPayloads, payloadProblems } from "./payload-report.ts";

const EXIT_USAGE = 64;

function readArguments() {
  const { values } = parseArgs({
    options: {
      payloads: { type: "string", default: "1000000" },
      seed: { type: "string", default: "1" },
      from: { type: "string", default: "0" },
    },
  });
  const number = (name: keyof typeof values): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`--${name}: a whole number`);
    return value;
  };
  return { payloads: number("payloads"), seed: number("seed"), from: number("from") };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function main(): void {
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
  for (const problem of problems) process.stdout.write(`FOUND: ${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
  else process.stdout.write("Nothing malformed got through, and nothing broke.\n");
}

main();
