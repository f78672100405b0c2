import fs from "node:fs";
import path from "node:path";
import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import { createKey, type KeyRequest } from "../keys/key-creation.ts";
import type { RingIntake } from "./ring-intake.ts";

/** Accounts that the demonstration trades with. */
const ADMIN_ACCOUNT = 1;
const TRADERS = [101, 102] as const;

const KEYS: readonly { readonly name: string; readonly request: KeyRequest }[] = [
  {
    name: "admin",
    request: { account: ADMIN_ACCOUNT, role: "admin", algorithm: "hmac", allAccounts: true },
  },
  ...TRADERS.map((account, i) => ({
    name: `trader-${i + 1}`,
    request: { account, role: "trader", algorithm: "hmac", allAccounts: false } as const,
  })),
];

const CRYPTO = {
  minQuantity: "0.0001",
  maxQuantity: "1000",
  marketProtectionTicks: 1000,
  makerFeeRate: "0.0002",
  takerFeeRate: "0.0005",
};

/** The demonstration's instruments and limits, as anyone could send them with an admin key. */
const COMMANDS: readonly object[] = [
  {
    type: "defineInstrument",
    symbol: "BTC-USD",
    tickSize: "0.01",
    lotSize: "0.0001",
    referencePrice: "64000",
    ...CRYPTO,
  },
  {
    type: "defineInstrument",
    symbol: "ETH-USD",
    tickSize: "0.01",
    lotSize: "0.0001",
    referencePrice: "3200",
    ...CRYPTO,
  },
  {
    type: "defineInstrument",
    symbol: "AAPL",
    tickSize: "0.01",
    lotSize: "1",
    baseAsset: "AAPL",
    quoteAsset: "USD",
    referencePrice: "585",
  },
  ...TRADERS.map((account) => ({
    type: "setAccount",
    account,
    maxOpenOrders: 10_000,
    maxOrderNotional: "10000000",
    orderRate: { perSecond: 50_000, burst: 100_000 },
  })),
];

/**
 * Instruments, limits and keys to play with, in a directory that has no commands yet. The keys' files
 * are for their owner alone. Returns their paths by name.
 */
export async function setUpDemo(
  dataDir: string,
  intake: RingIntake,
  nowUs: number,
): Promise<Map<string, string>> {
  const folder = path.join(dataDir, "demo");
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files = new Map<string, string>();
  for (const { name, request } of KEYS) {
    const file = path.join(folder, `${name}.json`);
    const key = await createKey(dataDir, request, nowUs);
    fs.writeFileSync(file, `${JSON.stringify(key)}\n`, { mode: 0o600 });
    files.set(name, file);
  }
  const noInstruments = new InstrumentDirectory();
  for (const command of COMMANDS) {
    const offset = intake.claimOwn();
    if (offset < 0) throw new Error("the command ring is full at the start");
    encodeCommand({ account: ADMIN_ACCOUNT, ...command }, noInstruments, intake.view, offset, {
      admin: true,
      accountRequired: false,
    });
    intake.commit(offset);
  }
  return files;
}

/** The demonstration's key files, where an earlier run has made them. */
export function demoKeyFiles(dataDir: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const { name } of KEYS) {
    const file = path.join(dataDir, "demo", `${name}.json`);
    if (fs.existsSync(file)) files.set(name, file);
  }
  return files;
}
