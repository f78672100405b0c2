import { beforeAll, describe, expect, it } from "vitest";
import { decodeEvent } from "../../../protocol/json/decode-event.ts";
import { type ReplayResult, replayDirectory } from "../../../replay/replay.ts";
import { AccountFigures, AuditFigures } from "../../../replay/report/audit-figures.ts";
import type { AuditReport } from "../../../replay/report/audit-report.ts";
import { reportPage } from "../../../replay/report/page.ts";
import { Random } from "../../simulation/random.ts";
import { SimulatedDisk } from "../../simulation/simulated-disk.ts";
import { RecordingServer } from "../recorded-directory.ts";
import { type Page, type PageTable, readPage } from "./html-page.ts";

const DIRECTORY = "/data";
type Json = Readonly<Record<string, unknown>>;

/** Three instruments in two quote assets, rebates, an auction, negative prices, self-trades, rejects. */
function record(orders: number): SimulatedDisk {
  const disk = new SimulatedDisk(new Random(1));
  const server = new RecordingServer(disk, DIRECTORY);
  const random = new Random(3);
  const fees = { makerFeeRate: "-0.0001", takerFeeRate: "0.0005" };
  server.send({
    type: "defineInstrument",
    symbol: "ABC-USD",
    tickSize: "0.01",
    lotSize: "1",
    ...fees,
  });
  server.send({
    type: "defineInstrument",
    symbol: "POW-EUR",
    tickSize: "0.5",
    lotSize: "0.25",
    ...fees,
  });
  server.send({
    type: "defineInstrument",
    symbol: "BIG-YEN",
    tickSize: "1",
    lotSize: "1",
    state: "auction",
  });
  // Three times more than half of what a single number may be; positions swing to and fro.
  const swing = (side: string, account: number) =>
    server.send({
      type: "newOrder",
      account,
      symbol: "BIG-YEN",
      side,
      orderType: "limit",
      quantity: "4000000000000000",
      price: "2",
    });
  swing("buy", 5);
  swing("sell", 6);
  server.send({ type: "setMarketState", symbol: "BIG-YEN", state: "continuous" });
  swing("sell", 5);
  swing("buy", 6);
  swing("buy", 5);
  swing("sell", 6);
  server.send({
    type: "newOrder",
    account: 5,
    symbol: "ABC-USD",
    side: "buy",
    orderType: "limit",
    quantity: "1",
    price: "1.005",
  });
  for (let i = 1; i <= orders; i++) {
    const account = 1 + random.below(4);
    const isPower = random.chance(40);
    const ticks = isPower ? random.below(40) - 20 : 10_000 + random.below(60);
    if (random.chance(15)) {
      server.send({ type: "cancelOrder", account, clientOrderId: 1 + random.below(i) });
    } else if (random.chance(10)) {
      server.send({
        type: "replaceOrder",
        account,
        clientOrderId: 1 + random.below(i),
        quantity: "3",
      });
    } else {
      server.send({
        type: "newOrder",
        account,
        symbol: random.chance(5) ? "NONE" : isPower ? "POW-EUR" : "ABC-USD",
        side: random.pick(["buy", "sell"]),
        orderType: "limit",
        timeInForce: random.pick(["gtc", "ioc"]),
        quantity: String(1 + random.below(60)),
        price: String(isPower ? ticks / 2 : ticks / 100),
        clientOrderId: i,
      });
    }
    if (i % 100 === 0) server.send({ type: "snapshot" });
  }
  server.close();
  return disk;
}

/** The page, and the same events as JSON, told by other code. */
function make(disk: SimulatedDisk, change: Partial<AuditReport> = {}) {
  const events: Json[] = [];
  let lastUs = 0;
  replayDirectory(disk, DIRECTORY, {
    onEvent: (view, offset, run) => {
      const event = decodeEvent(view, offset, run.instruments);
      if (event !== null) events.push(event);
      if (event !== null) lastUs = event.timestamp as number;
    },
  });
  const figures = new AuditFigures(lastUs);
  const { result } = replayDirectory(disk, DIRECTORY, {
    verify: true,
    onBlock: (at) => figures.onBlock(at),
    onCommand: (view, offset) => figures.onCommand(view, offset),
    onEvent: (view, offset, run) => figures.onEvent(view, offset, run),
  });
  const source = reportPage({
    directory: DIRECTORY,
    directoryId: "a0".repeat(16),
    madeUs: 1_800_000_000_000_000,
    version: "1.2.3",
    live: false,
    figures,
    result,
    failure: undefined,
    ...change,
  });
  return { source, page: readPage(source), events, result, figures };
}

// Exact decimals, independent of the project's own.
const SCALE = 18;
function exact(text: string): bigint {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)\.?(\d*)$/.exec(text) ?? [];
  const value = BigInt(whole + fraction.padEnd(SCALE, "0"));
  return sign === "-" ? -value : value;
}
function plain(text: string | undefined): number {
  return Number((text ?? "").replaceAll(",", ""));
}
function times(a: string, b: string): bigint {
  return (exact(a) * exact(b)) / 10n ** BigInt(SCALE);
}

function tableOf(page: Page, caption: string): PageTable {
  const table = [...page.tables.values()].find((one) => one.caption.startsWith(caption));
  if (table === undefined) throw new Error(`no table ${caption}`);
  return table;
}

/** Rows by their first cell. */
function rows(page: Page, caption: string): Map<string, Record<string, string>> {
  const { columns, rows: all } = tableOf(page, caption);
  return new Map(
    all.map((row) => [
      row[0] as string,
      Object.fromEntries(columns.map((name, i) => [name, row[i] as string])),
    ]),
  );
}

function countBy(events: readonly Json[], key: (event: Json) => unknown): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const event of events) {
    const name = String(key(event));
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function countsIn(page: Page, caption: string): Record<string, number> {
  return Object.fromEntries(
    [...rows(page, caption)].map(([name, row]) => [name, plain(row.Count)]),
  );
}

let made: ReturnType<typeof make>;
let disk: SimulatedDisk;
const ofType = (type: string) => made.events.filter((event) => event.type === type);

beforeAll(() => {
  disk = record(1500);
  made = make(disk);
});

describe("the figures of an audit report", () => {
  it("are those of the events: totals, types, reasons", () => {
    const { page, events, result } = made;
    expect(plain(page.facts.get("Commands"))).toBe(result.lastSeq);
    expect(plain(page.facts.get("Events"))).toBe(events.length);
    expect(plain(page.facts.get("Trades"))).toBe(ofType("trade").length);
    expect(plain(page.facts.get("Rejections"))).toBe(ofType("rejected").length);
    expect(countsIn(page, "Events by type")).toEqual(countBy(events, ({ type }) => type));
    const reasons = countBy(ofType("rejected"), ({ reason }) => reason);
    expect(Object.keys(reasons).length).toBeGreaterThan(2);
    expect(countsIn(page, "Rejections by reason")).toEqual(reasons);
    const unknown = rows(page, "Rejections by reason").get("unknownOrder")?.Commands ?? "";
    const commands = countBy(
      ofType("rejected").filter(({ reason }) => reason === "unknownOrder"),
      ({ command }) => command,
    );
    for (const [name, times_] of Object.entries(commands)) {
      expect(unknown).toContain(`${name} ${times_.toLocaleString("en-US")}`);
    }
  });

  it("are those of the commands, by verdict", () => {
    const all = [...rows(made.page, "Commands by type").values()];
    const sum = (name: string) => all.reduce((total, row) => total + plain(row[name]), 0);
    expect(sum("Count")).toBe(made.result.lastSeq);
    expect(sum("Passed") + sum("Refused by risk") + sum("Refused at entry")).toBe(sum("Count"));
    expect(sum("Refused at entry")).toBeGreaterThan(10);
    expect(plain(rows(made.page, "Commands by type").get("snapshot")?.Count)).toBe(15);
  });

  it("are those of the trades, per instrument and to the last unit", () => {
    const trades = ofType("trade");
    const table = rows(made.page, "Instruments");
    for (const symbol of ["ABC-USD", "POW-EUR", "BIG-YEN"]) {
      const own = trades.filter((trade) => trade.symbol === symbol);
      const row = table.get(symbol) as Record<string, string>;
      expect(own.length).toBeGreaterThan(2);
      expect(plain(row.Trades)).toBe(own.length);
      const total = (amount: (trade: Json) => bigint) =>
        own.reduce((sum, trade) => sum + amount(trade), 0n);
      expect(exact(row.Volume as string)).toBe(total((trade) => exact(String(trade.quantity))));
      const [turnover = "", asset] = (row.Turnover as string).split(" ");
      expect(asset).toBe(symbol.slice(4));
      expect(exact(turnover)).toBe(
        total((trade) => times(String(trade.price), String(trade.quantity))),
      );
      const [fees = ""] = (row.Fees as string).split(" ");
      expect(exact(fees)).toBe(
        total((trade) => exact(String(trade.buyFee)) + exact(String(trade.sellFee))),
      );
      const prices = own.map(({ price }) => Number(price));
      expect([row.Low, row.High, row.Last].map(Number)).toEqual([
        Math.min(...prices),
        Math.max(...prices),
        prices.at(-1),
      ]);
    }
    // More than any single number may be.
    expect(exact(table.get("BIG-YEN")?.Volume as string) / 10n ** BigInt(SCALE)).toBe(
      12_000_000_000_000_000n,
    );
    expect(plain(table.get("BIG-YEN")?.Auctions)).toBe(1);
  });

  it("are those of each account, both sides of a trade with itself included", () => {
    const table = rows(made.page, "Accounts");
    const accounts = new Set(
      made.events.flatMap(({ type, account, buyAccount, sellAccount }) =>
        type === "trade" ? [buyAccount, sellAccount] : account === undefined ? [] : [account],
      ),
    );
    expect([...table.keys()].map(Number).sort()).toEqual([...accounts].sort());
    let selfTrades = 0;
    for (const [account, row] of table) {
      const own = (type: string) =>
        ofType(type).filter((event) => String(event.account) === account).length;
      expect([row.Accepted, row.Rejected, row.Replaced, row.Canceled].map(plain)).toEqual(
        ["accepted", "rejected", "replaced", "canceled"].map(own),
      );
      const money = new Map<string, [turnover: bigint, fees: bigint]>();
      let fills = 0;
      for (const trade of ofType("trade")) {
        if (trade.buyAccount === trade.sellAccount) selfTrades++;
        for (const side of ["buy", "sell"]) {
          if (String(trade[`${side}Account`]) !== account) continue;
          fills++;
          const asset = String(trade.symbol).slice(4);
          const [turnover, fees] = money.get(asset) ?? [0n, 0n];
          money.set(asset, [
            turnover + times(String(trade.price), String(trade.quantity)),
            fees + exact(String(trade[`${side}Fee`])),
          ]);
        }
      }
      expect(plain(row.Fills)).toBe(fills);
      for (const [place, name] of ["Turnover", "Fees"].entries()) {
        const text = row[name] as string;
        const shown = new Map(
          text
            .split("\n")
            .filter(Boolean)
            .map((part) => part.split(" ").reverse() as [string, string]),
        );
        expect([...shown.keys()].sort()).toEqual([...money.keys()].sort());
        for (const [asset, amounts] of money) {
          expect(exact(shown.get(asset) as string)).toBe(amounts[place]);
        }
      }
    }
    expect(selfTrades).toBeGreaterThan(10);
  });

  it("add up over time: every command, rejection, trade and lot is in one bar", () => {
    const sums = new Map<string, number>();
    for (const title of made.page.titles) {
      const said = title.slice(title.indexOf("Z: ") + 3); // behind the time
      for (const [, amount = "", what = ""] of said.matchAll(/(\d[\d,.]*) ([A-Za-z]+)/g)) {
        sums.set(what, (sums.get(what) ?? 0) + plain(amount));
      }
    }
    const trades = ofType("trade");
    expect(sums.get("commands")).toBe(made.result.lastSeq);
    expect(sums.get("rejected")).toBe(ofType("rejected").length);
    expect(sums.get("trades")).toBe(2 * trades.length); // all together, and each instrument's own
    const volume = (symbol: string) =>
      trades
        .filter((trade) => trade.symbol === symbol)
        .reduce((sum, trade) => sum + Number(trade.quantity), 0);
    expect(sums.get("ABC")).toBe(volume("ABC-USD"));
    expect(sums.get("POW")).toBeCloseTo(volume("POW-EUR"), 6);
  });

  it("name what stands for the journal: chain, checkpoints, the end", () => {
    const { page, result } = made;
    const end = rows(page, "At the end");
    expect(end.get("State hash")?.Value).toBe(result.stateHash);
    expect(end.get("Event hash")?.Value).toBe(result.eventHash);
    expect(end.get("Chain")?.Value).toBe(result.anchor.chain);
    const anchors = tableOf(page, "Anchors").rows;
    expect(anchors.length).toBeGreaterThan(20);
    expect(anchors.length).toBeLessThanOrEqual(48);
    const checkpoints = tableOf(page, "Checkpoints").rows;
    expect(checkpoints).toHaveLength(15);
    for (const [seq, , events, trades, stateHash, eventHash] of checkpoints) {
      const then = replayDirectory(disk, DIRECTORY, { toSeq: plain(seq) }).result;
      expect([plain(events), plain(trades), stateHash, eventHash]).toEqual([
        then.events,
        then.trades,
        then.stateHash,
        then.eventHash,
      ]);
    }
    const holding = anchors.map(([seq, block, , , chain]) => ({
      seq: plain(seq),
      block: plain(block),
      chain: chain as string,
    }));
    expect(
      replayDirectory(disk, DIRECTORY, { verify: true, anchors: holding }).result.lastSeq,
    ).toBe(result.lastSeq);
  });
});

describe("the page of an audit report", () => {
  it("is whole, small, asks for nothing and runs nothing", () => {
    const { source, page } = made;
    expect(source.length).toBeLessThan(200_000);
    for (const tag of ["script", "link", "img", "iframe", "object", "form", "base"]) {
      expect(page.tags).not.toContain(tag);
    }
    for (const name of page.attributes.keys()) expect(name).not.toMatch(/^on|^src|^style$/);
    for (const target of page.attributes.get("href") ?? []) expect(target).toMatch(/^#\w+$/);
    const ids = page.attributes.get("id") ?? [];
    for (const target of page.attributes.get("href") ?? []) expect(ids).toContain(target.slice(1));
    expect(source).not.toMatch(/https?:|url\(|@import/);
    expect(page.attributes.get("content")).toContain(
      "default-src 'none'; style-src 'unsafe-inline'",
    );
  });

  it("can be read aloud, in the dark and on a phone", () => {
    const { source, page } = made;
    expect(page.attributes.get("lang")).toEqual(["en"]);
    for (const table of page.tables.values()) expect(table.caption).not.toBe("");
    const scopes = page.attributes.get("scope") ?? [];
    expect(scopes).toContain("col");
    expect(scopes).toContain("row");
    const plots = source.match(/<svg /g)?.length ?? 0;
    expect(plots).toBe(5);
    expect((page.attributes.get("role") ?? []).filter((role) => role === "img")).toHaveLength(
      plots,
    );
    expect(source).toContain("prefers-color-scheme:dark");
    expect(page.attributes.get("content")).toContain("width=device-width, initial-scale=1");
  });

  it("says that everything was verified, and what was not compared", () => {
    const { verified } = made.result;
    expect(made.page.text).toContain("Verified: checksums and hash chain of every block");
    expect(made.page.text).toContain(`${verified?.events.toLocaleString("en-US")} events`);
    const unrecorded = { ...made.result, verified: { ...verified, unrecorded: 1234 } };
    const { page } = make(disk, { result: unrecorded as ReplayResult, live: true });
    expect(page.text).toContain("1,234 events are not in the event log yet");
  });

  it("says what failed, with the figures up to there", () => {
    const failure = "replay and event log differ: <b>'&\"";
    const { page } = make(disk, { result: undefined, failure });
    expect(page.text).toContain(`Verification failed: ${failure}`);
    expect(page.text).not.toContain("Verified:");
    expect(page.tables.has("At the end")).toBe(false);
  });

  it("escapes what comes from outside", () => {
    const directory = `/tmp/<script>alert("1")</script>&'`;
    const { page, source } = make(disk, { directory });
    expect(page.tags).not.toContain("script");
    expect(page.text).toContain(directory);
    expect(source).not.toContain("<script");
  });

  it("stands for an empty journal too", () => {
    const figures = new AuditFigures(0);
    const { page } = make(disk, { figures, result: undefined, failure: "x" });
    expect(plain(page.facts.get("Commands"))).toBe(0);
    expect(page.text).toContain("Accounts with orders or rejections: none.");
  });

  it("names the busiest 500 of many accounts and instruments, and counts the rest", () => {
    const { figures } = make(disk);
    for (let account = 100; account < 2_000; account++) {
      figures.accounts.set(account, Object.assign(new AccountFigures(), { accepted: account }));
    }
    const { page, source } = make(disk, { figures });
    expect(tableOf(page, "Accounts").rows).toHaveLength(500);
    expect(page.text).toContain(
      `${(figures.accounts.size - 500).toLocaleString("en-US")} more accounts`,
    );
    expect(source.length).toBeLessThan(300_000);
  });
});
