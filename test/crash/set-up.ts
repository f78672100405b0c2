// Keys, instruments and limits of the campaign: by the command line and over the WebSocket, as anybody
// would do it.
import { crossbook } from "../processes/command-line.ts";
import { decimalText, INSTRUMENTS } from "./instruments.ts";
import { TradeSession } from "./trade-session.ts";
import type { Key, Message } from "./wire.ts";
import { jsonWire } from "./wire-json.ts";

export const ACCOUNTS = { admin: 1, shared: 11, single: 12, limited: 13, cancelOnDisconnect: 14 };

/** Two sessions share an account: each sees what the other does. */
const TRADERS = [
  ACCOUNTS.shared,
  ACCOUNTS.shared,
  ACCOUNTS.single,
  ACCOUNTS.limited,
  ACCOUNTS.cancelOnDisconnect,
];

const ANSWER_TIMEOUT_MS = 10_000;

export interface CampaignKeys {
  readonly admin: Key;
  readonly traders: readonly Key[];
  /** Sees what its account does, trades nothing. */
  readonly viewer: Key;
}

export async function createKeys(dataDir: string): Promise<CampaignKeys> {
  const create = async (account: number, role: string, ...more: string[]): Promise<Key> => {
    const who = ["--account", String(account), "--role", role, ...more];
    const { stdout } = await crossbook(["keys", "create", ...who, "--data", dataDir]);
    return JSON.parse(stdout) as Key;
  };
  const admin = await create(ACCOUNTS.admin, "admin", "--all-accounts");
  const traders: Key[] = [];
  for (const account of TRADERS) traders.push(await create(account, "trader"));
  const viewer = await create(ACCOUNTS.shared, "viewer");
  return { admin, traders, viewer };
}

/** Instruments first: what follows names them. */
export async function defineMarket(url: string, admin: Key): Promise<void> {
  const commands: object[] = INSTRUMENTS.map(({ symbol, tick, lot, definition }) => ({
    type: "defineInstrument",
    symbol,
    tickSize: decimalText(1, tick),
    lotSize: decimalText(1, lot),
    ...definition,
  }));
  commands.push({
    type: "setAccount",
    account: ACCOUNTS.limited,
    maxOpenOrders: 20,
    selfTradePrevention: "cancelOldest",
  });
  const waiting = new Set(commands.map((_, i) => i + 1));
  let failed: string | null = null;
  const session = await TradeSession.open({
    url,
    key: admin,
    wire: jsonWire,
    cancelOnDisconnect: false,
    resumeAfter: null,
    onMessage: (message: Message) => {
      if (message.type === "error" || message.type === "rejected") failed = JSON.stringify(message);
      waiting.delete(Number(message.requestId));
    },
  });
  for (const [i, command] of commands.entries()) {
    session.sendObject({ ...command, requestId: i + 1 });
  }
  const deadline = performance.now() + ANSWER_TIMEOUT_MS;
  while (waiting.size > 0 && failed === null) {
    if (performance.now() > deadline) failed = `no answer to ${[...waiting].join(", ")}`;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await session.close();
  if (failed !== null) throw new Error(`a definition was refused: ${String(failed)}`);
}
