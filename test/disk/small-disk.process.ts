// Runs where `directory` is a small file system of its own (see small-disk.test.ts), which nobody else
// sees: so all that is done on it is done from here. The server's log goes to the directory above, which
// has room. Prints what happened as one JSON object.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Exit, ServerProcess } from "../processes/server-process.ts";
import { Trader } from "./trader.ts";
import { checkWhole } from "./wholeness.ts";

export interface FullDiskReport {
  readonly exit: Exit;
  readonly fault: string;
  readonly freeBytes: number;
  readonly told: number;
  readonly toldAfterwards: number;
  readonly lastSeq: number;
}

export interface LowDiskReport {
  readonly freeBytes: number;
  readonly refused: Record<string, number>;
  /** The gauge of the metrics meanwhile, and afterwards. */
  readonly gauges: readonly string[];
  readonly canceledWhileLow: number;
  readonly acceptedAfterwards: number;
  readonly lastSeq: number;
}

const LOW_BYTES = 32 << 20;

const [scenario, directory] = process.argv.slice(2) as [string, string];
const dataDir = path.join(directory, "data");
const ballast = path.join(directory, "ballast");
const RATES = ["session", "key", "address"].flatMap((who) => [`--${who}-rate-per-second`, "0"]);
let starts = 0;

function start(...flags: string[]): ServerProcess {
  const log = path.join(path.dirname(directory), `server-${starts++}.log`);
  const all = ["--redis", "off", "--demo", "--segment-bytes", "1MiB", ...RATES, ...flags];
  return new ServerProcess(dataDir, log, all);
}

function freeBytes(): number {
  const { bavail, bsize } = fs.statfsSync(directory);
  return bavail * bsize;
}

/** Takes space until no more than so many bytes are free. */
function takeSpace(leftBytes: number): void {
  const file = fs.openSync(ballast, "a");
  const piece = Buffer.alloc(64 * 1024, 1);
  while (freeBytes() > leftBytes + piece.length) fs.writeSync(file, piece);
  fs.closeSync(file);
}

async function fullDisk(): Promise<FullDiskReport> {
  const server = start("--disk-low-bytes", "0");
  const { url } = await server.ready();
  const trader = await Trader.logOn(url, dataDir);
  await trader.trade(50, 4);
  takeSpace(256 * 1024);
  await trader.trade(50_000, 4);
  const exit = await server.exited;
  const left = freeBytes();
  const fault = server.log().findLast((line) => Number(line.level) === 60)?.err;

  fs.rmSync(ballast);
  const again = start("--disk-low-bytes", "0");
  const back = await Trader.logOn((await again.ready()).url, dataDir);
  await back.trade(20, 4);
  await back.close();
  await again.stop();
  const { lastSeq } = await checkWhole(dataDir, [...trader.told, ...back.told]);
  return {
    exit,
    fault: JSON.stringify(fault ?? null),
    freeBytes: left,
    told: trader.told.length,
    toldAfterwards: back.told.length,
    lastSeq,
  };
}

async function lowDisk(): Promise<LowDiskReport> {
  const server = start("--disk-low-bytes", String(LOW_BYTES));
  const { url } = await server.ready();
  const trader = await Trader.logOn(url, dataDir);
  const orders = 6;
  for (let n = 0; n < orders; n++) trader.order(); // requests and orders 1 to 6
  await trader.answered(10_000);

  takeSpace(LOW_BYTES >> 1);
  const low = freeBytes();
  await until(trader, () => (trader.refused.diskLow ?? 0) > 0);
  const gauges = [await gauge(url)];
  for (let order = 1; order <= orders; order++) trader.cancel(order);
  await trader.answered(10_000);
  const canceledWhileLow = trader.told.filter(
    ({ type, clientOrderId }) => type === "canceled" && clientOrderId <= orders,
  ).length;

  fs.rmSync(ballast);
  const before = trader.told.length;
  await until(trader, () => trader.told.length > before);
  gauges.push(await gauge(url));
  const acceptedAfterwards = trader.told.length - before;
  await trader.close();
  await server.stop();
  const { lastSeq } = await checkWhole(dataDir, trader.told);
  const { refused } = trader;
  return { freeBytes: low, refused, gauges, canceledWhileLow, acceptedAfterwards, lastSeq };
}

/** Sends orders, one after the other, until something is so; at most ten seconds long. */
async function until(trader: Trader, isSo: () => boolean): Promise<void> {
  for (let n = 0; n < 200 && !isSo(); n++) {
    trader.order();
    await trader.answered(10_000);
    await sleep(50);
  }
}

async function gauge(url: string): Promise<string> {
  const answer = await fetch(`${url.replace(/^ws/, "http")}/metrics`);
  const lines = (await answer.text()).split("\n");
  return lines.find((line) => /^\w*disk_low \d/.test(line)) ?? "no gauge";
}

const report = scenario === "full" ? await fullDisk() : await lowDisk();
process.stdout.write(`${JSON.stringify(report)}\n`);
