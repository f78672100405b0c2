import fs from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import { MAX_ACCOUNT } from "../../../protocol/terms.ts";
import { systemClock } from "../../clock.ts";
import { KeyError } from "../../keys/errors.ts";
import { createKey, revokeKey } from "../../keys/key-creation.ts";
import {
  KEY_ALGORITHMS,
  KEY_ROLES,
  type KeyAlgorithm,
  type KeyRole,
  readKeyFile,
  type StoredKey,
} from "../../keys/key-file.ts";
import { EXIT_BUSY, EXIT_DATA, EXIT_IO, EXIT_NO_INPUT, EXIT_USAGE } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";

export const KEY_EXIT_CODES = {
  keysDamaged: EXIT_DATA,
  unknownKey: EXIT_NO_INPUT,
  keysUnwritable: EXIT_IO,
  keysBusy: EXIT_BUSY,
} as const;

interface CreateOptions {
  account: number;
  role: KeyRole;
  algorithm: KeyAlgorithm;
  allAccounts: boolean;
  data: string;
}

/** `crossbook keys create|list|revoke`. A running server follows within a second. */
export function register(program: Command): void {
  const keys = program.command("keys").description("create, list and revoke API keys");

  keys
    .command("create")
    .description("create a key and print it, once, as one JSON object")
    .requiredOption("--account <number>", "the account the key is for", accountNumber)
    .addOption(
      new Option("--role <role>", "what the key may do")
        .choices([...KEY_ROLES])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--algorithm <algorithm>", "how it signs")
        .choices([...KEY_ALGORITHMS])
        .default("hmac"),
    )
    .option("--all-accounts", "viewers: see the events of every account", false)
    .addOption(dataOption())
    .action(async (options: CreateOptions) => {
      if (options.allAccounts && options.role !== "viewer" && options.role !== "admin") {
        throw new ExitError(EXIT_USAGE, "--all-accounts goes with --role viewer");
      }
      await guarded(async () => print(await createKey(options.data, options, systemClock.nowUs())));
    });

  keys
    .command("list")
    .description("print every key as one JSON object a line, without its secret")
    .addOption(dataOption())
    .action(({ data }: { data: string }) =>
      guarded(() => {
        if (!fs.existsSync(data)) throw new ExitError(EXIT_NO_INPUT, `${data} is not there`);
        for (const key of readKeyFile(data).keys) print(describe(key));
      }),
    );

  keys
    .command("revoke")
    .description("end a key for good; its sessions end within a second")
    .argument("<keyId>", "the key's id")
    .addOption(dataOption())
    .action((keyId: string, { data }: { data: string }) =>
      guarded(async () => print(describe(await revokeKey(data, keyId, systemClock.nowUs())))),
    );
}

function dataOption(): Option {
  return new Option("--data <directory>", "data directory")
    .env("CROSSBOOK_DATA_DIR")
    .default("./data");
}

function accountNumber(text: string): number {
  const account = Number(text);
  if (!/^\d+$/.test(text) || account < 1 || account > MAX_ACCOUNT) {
    throw new InvalidArgumentError(`Allowed: an integer from 1 to ${MAX_ACCOUNT}.`);
  }
  return account;
}

/** Everything but what signs. */
function describe(key: StoredKey): Record<string, unknown> {
  const { keyId, keyNumber, account, role, algorithm, allAccounts, created, revoked } = key;
  return { keyId, keyNumber, account, role, algorithm, allAccounts, created, revoked };
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function guarded(action: () => void | Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw new ExitError(KEY_EXIT_CODES[error.code], error.message, error);
  }
}
