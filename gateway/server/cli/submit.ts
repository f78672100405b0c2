import fs from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { DEFAULT_RECONNECT } from "../../client/back-off.ts";
import { ClientError, type ClientErrorCode } from "../../client/errors.ts";
import { parseKey } from "../../client/node-key.ts";
import { tradeUrl } from "../../client/trade-url.ts";
import { openWsSocket } from "../../client/ws-socket.ts";
import { Submission } from "../submit/submission.ts";
import { EXIT_BUSY, EXIT_DATA, EXIT_IO, EXIT_NO_INPUT, EXIT_USAGE } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";
import { readInput } from "./input.ts";
import { LineOutput } from "./output.ts";
import { Progress } from "./progress.ts";

const DEFAULT_WINDOW = 1024;
const MAX_WINDOW = 1_000_000;
const FLUSH_MS = 100;
const EXIT_INTERRUPTED = 130;

const EXIT_CODES: Partial<Record<ClientErrorCode, number>> = {
  invalidUrl: EXIT_USAGE,
  invalidKey: EXIT_DATA,
  logonRefused: EXIT_DATA,
  historyMismatch: EXIT_DATA,
  replaced: EXIT_BUSY,
};

interface SubmitOptions {
  url: string;
  key: string;
  rate?: number;
  window?: number;
  json: boolean;
}

const HELP = `
Every command gets a requestId of its own where it has none, so that it is sent again after a lost
connection and done once. A line with a requestId keeps it: submitting such a file twice does nothing
the second time. The \`account\` of a line is for admin keys; other keys have one account.

Standard output gets the events of the session, one JSON object a line, in order. Lines that are no
commands, and commands that the server does not take, are named on standard error (exit status 65;
75 where the server was only too busy); a rejected command is an event like any other.`;

/** `crossbook submit`: a client that sends a file of commands to a running server. */
export function register(program: Command): void {
  program
    .command("submit")
    .description("send commands to a server over its WebSocket and print the events")
    .argument("[file]", "commands; standard input where it is left out. May be gzip")
    .requiredOption("--url <url>", "the server, such as ws://127.0.0.1:9001")
    .requiredOption("--key <file>", "what `keys create` has printed")
    .option("--rate <number>", "commands a second, whatever the answers do", positive)
    .option(
      "--window <number>",
      `commands that may be without an answer (default ${DEFAULT_WINDOW}; none with --rate)`,
      windowSize,
    )
    .option("--json", "speak JSON", false)
    .option("--binary", "speak binary (the default)")
    .addHelpText("after", HELP)
    .action(submit);
}

async function submit(file: string | undefined, options: SubmitOptions): Promise<void> {
  const { rate, window } = options;
  // Before anything is sent: the input itself is opened when the session is ready.
  if (file !== undefined) ofFile(file, (path) => fs.accessSync(path, fs.constants.R_OK));
  const output = new LineOutput(1);
  const size = sizeOf(file);
  const progress = size > 0 ? new Progress("characters") : null;
  const submission = guarded(() => {
    const session = {
      url: tradeUrl(options.url),
      key: parseKey(ofFile(options.key, (path) => fs.readFileSync(path, "utf8"))),
      encoding: options.json ? ("json" as const) : ("binary" as const),
      cancelOnDisconnect: false,
      resumeAfter: null,
      reconnect: DEFAULT_RECONNECT,
      openSocket: openWsSocket,
    };
    return new Submission(session, {
      rate: rate ?? null,
      window: window ?? (rate === undefined ? DEFAULT_WINDOW : Number.POSITIVE_INFINITY),
      print: (line) => output.write(line),
      tell: (line) => process.stderr.write(`crossbook: ${line}\n`),
    });
  });
  const { tally } = submission;
  const input = readInput(file);
  const interrupt = () => {
    process.exitCode = EXIT_INTERRUPTED;
    submission.stop();
  };
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  progress?.update(0, size);
  const flushing = setInterval(() => output.flush(), FLUSH_MS);
  let failure: unknown = null;
  try {
    await submission.run(input, (done) => progress?.update(done, size));
  } catch (error) {
    failure = error;
  }
  clearInterval(flushing);
  submission.close();
  if (file === undefined) process.stdin.destroy(); // it may still be waited for
  progress?.stop();
  output.flush();
  if (tally.commands > 0 || failure === null) {
    process.stderr.write(`crossbook: ${tally.summary(submission.seconds)}\n`);
  }
  if (failure !== null) throw exitErrorOf(failure);
  if (tally.badLines + tally.refused + tally.unanswered > 0) process.exitCode = EXIT_DATA;
  else if (tally.refusedForNow > 0) process.exitCode = EXIT_BUSY;
}

/** What `access` returns. Throws an ExitError where the file is not there or not for us. */
function ofFile<Value>(file: string, access: (file: string) => Value): Value {
  try {
    return access(file);
  } catch (error) {
    throw new ExitError(EXIT_NO_INPUT, `cannot read ${file}: ${(error as Error).message}`, error);
  }
}

function guarded<Value>(action: () => Value): Value {
  try {
    return action();
  } catch (error) {
    throw exitErrorOf(error);
  }
}

function exitErrorOf(error: unknown): unknown {
  if (!(error instanceof ClientError)) return error;
  const { code, message } = error;
  return new ExitError(EXIT_CODES[code] ?? EXIT_IO, `${WORDS[code] ?? code}: ${message}`, error);
}

const WORDS: Partial<Record<ClientErrorCode, string>> = {
  invalidUrl: "--url",
  invalidKey: "--key",
  connectFailed: "cannot connect",
  logonRefused: "the logon was refused",
  replaced: "another session took over",
  connectionLost: "the connection was lost for good",
};

/** 0: not known beforehand, so there is no bar. */
function sizeOf(file: string | undefined): number {
  if (file === undefined || file.endsWith(".gz")) return 0;
  return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function positive(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= 1e7) return value;
  throw new InvalidArgumentError("Allowed: a number above 0, at most 10000000.");
}

function windowSize(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= MAX_WINDOW) return value;
  throw new InvalidArgumentError(`Allowed: an integer from 1 to ${MAX_WINDOW}.`);
}
