import { Command, CommanderError } from "commander";
import { exitStatusOf } from "../../../engine/journal/errors.ts";
import { PACKAGE_VERSION } from "../../package-root.ts";
import * as bench from "./bench.ts";
import { EXIT_IO, EXIT_OK, EXIT_SOFTWARE, EXIT_USAGE } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";
import * as importCommand from "./import.ts";
import * as journal from "./journal.ts";
import * as keys from "./keys.ts";
import * as replay from "./replay.ts";
import * as run from "./run.ts";
import * as serve from "./serve.ts";
import * as submit from "./submit.ts";

/** Every command is a module of its own that registers itself here. */
const COMMANDS = [run, serve, submit, replay, journal, importCommand, keys, bench];

const program = new Command("crossbook")
  .description("a matching engine with a durable journal, risk checks and market data")
  .version(PACKAGE_VERSION)
  .showHelpAfterError("(add --help for what there is)")
  .exitOverride();
for (const command of COMMANDS) command.register(program);
for (const command of allCommands(program)) command.exitOverride();

// A reader that goes away (`| head`) ends the command, quietly.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? EXIT_OK : EXIT_IO);
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  // commander has said what was wrong; --help and --version arrive here too, with status 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
  if (error instanceof ExitError) {
    if (error.message !== "") process.stderr.write(`crossbook: ${error.message}\n`);
    return error.exitCode;
  }
  const status = exitStatusOf(error);
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`crossbook: ${message}\n`);
  if (status !== undefined) return status;
  const code = (error as NodeJS.ErrnoException).code;
  if (typeof code === "string" && /^E[A-Z]+$/.test(code)) return EXIT_IO;
  if (error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return EXIT_SOFTWARE;
}

function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)]);
}
