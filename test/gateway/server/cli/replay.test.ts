import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DirectoryLock } from "../../../../engine/journal/directory-lock.ts";
import { NodeDisk } from "../../../../engine/journal/node-disk.ts";
import { RecordingServer, sendDay } from "../../../replay/recorded-directory.ts";
import { readPage } from "../../../replay/report/html-page.ts";

const LAUNCHER = fileURLToPath(new URL("../../../../bin/crossbook", import.meta.url));

let root: string;
let directory: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "crossbook-replay-"));
  directory = `${root}/data`;
  const server = new RecordingServer(new NodeDisk(), directory);
  sendDay(server, 300);
  server.close();
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function crossbook(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [LAUNCHER, ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr, lines: stdout.trim().split("\n") };
}

describe("crossbook replay", () => {
  it("prints what the journal comes to, in words and as JSON", () => {
    const text = crossbook("replay", directory);
    expect(text.status).toBe(0);
    expect(text.stdout).toMatch(/^lastSeq +309$/m);
    const { status, stdout } = crossbook("replay", directory, "--json", "--verify");
    expect(status).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ lastSeq: 309, journal: "closed" });
    expect(result.verified.events).toBeGreaterThan(300);
    expect(text.stdout).toContain(result.eventHash);
    expect(text.stdout).toContain(result.stateHash);
  });

  it("prints events as JSON lines and as CSV, the summary beside them", () => {
    const events = crossbook("replay", directory, "--events");
    const parsed = events.lines.map((line) => JSON.parse(line));
    expect(parsed[0]).toMatchObject({ type: "asset", seq: 1 });
    expect(events.stderr).toMatch(/^lastSeq/m);
    const csv = crossbook("replay", directory, "--csv");
    expect(csv.lines).toHaveLength(parsed.length + 1);
    expect(csv.lines[0]).toMatch(/^seq,index,timestamp,type,/);
  });

  it("prints the life of an order, the events of an account, a book", () => {
    const all = crossbook("replay", directory, "--events").lines.map((line) => JSON.parse(line));
    const trade = all.find((event) => event.type === "trade");
    const life = crossbook("replay", directory, "--order", String(trade.buyOrderId)).lines;
    expect(JSON.parse(life[0] as string)).toMatchObject({
      type: "accepted",
      orderId: trade.buyOrderId,
    });
    const account = crossbook("replay", directory, "--account", "2").lines;
    expect(account.length).toBeLessThan(all.length);
    const lots = all
      .filter((event) => event.type === "trade" && event.symbol === "ABC-USD")
      .map(({ buyAccount, sellAccount, quantity }) => {
        return (Number(buyAccount === 2) - Number(sellAccount === 2)) * Math.round(quantity * 1e6);
      })
      .reduce((sum, more) => sum + more, 0);
    const holdings = JSON.parse(account.at(-1) as string);
    expect(holdings).toMatchObject({ type: "holdings", account: 2 });
    expect(Math.round(Number(holdings.positions[0].position) * 1e6)).toBe(lots);
    expect(lots).not.toBe(0);
    const book = crossbook("replay", directory, "--book", "ABC-USD", "--to", "200").lines;
    expect(JSON.parse(book[0] as string)).toMatchObject({ type: "book", symbol: "ABC-USD" });
  });

  it("writes an audit report, one page, also beside events", () => {
    const file = join(root, "report.html");
    const { status, lines } = crossbook("replay", directory, "--report", file, "--events");
    expect(status).toBe(0);
    const page = readPage(readFileSync(file, "utf8"));
    const count = (name: string) => Number(page.facts.get(name)?.replaceAll(",", ""));
    expect(count("Events")).toBe(lines.length);
    expect(count("Commands")).toBe(309);
    const trades = lines.filter((line) => JSON.parse(line).type === "trade");
    expect(count("Trades")).toBe(trades.length);
    expect(page.text).toContain("Verified: ");
    expect(page.text).toContain(directory);
    expect(readdirSync(root)).toEqual(["data", "report.html"]);
  });

  it("says in the report that the verification failed, and where", () => {
    const copy = join(root, "spoilt");
    cpSync(directory, copy, { recursive: true });
    const events = join(copy, "events", "00000001.events");
    const bytes = readFileSync(events);
    bytes.writeUInt8(bytes.readUInt8(30_000) ^ 1, 30_000);
    writeFileSync(events, bytes);
    const file = join(root, "spoilt.html");
    const { status, stderr } = crossbook("replay", copy, "--report", file);
    expect(status).toBe(65);
    const page = readPage(readFileSync(file, "utf8"));
    expect(page.text).toContain(`Verification failed: ${stderr.trim().replace("crossbook: ", "")}`);
    expect(crossbook("replay", directory, "--report", join(root, "no", "x.html")).status).toBe(74);
    const missing = join(root, "missing.html");
    expect(crossbook("replay", directory, "--report", missing, "--to", "99999").status).toBe(66);
    expect(readdirSync(root).filter((name) => name.startsWith("missing"))).toEqual([]);
  });

  it("says by its exit status what is wrong", () => {
    expect(crossbook("replay", `${root}/nothing`).status).toBe(66);
    expect(crossbook("replay", directory, "--to", "99999").status).toBe(66);
    expect(crossbook("replay", directory, "--book", "NONE").status).toBe(66);
    expect(crossbook("replay", directory, "--to", "x").status).toBe(64);
    expect(crossbook("replay", directory, "--events", "--csv").status).toBe(64);
    // A file is no directory.
    expect(crossbook("replay", LAUNCHER).status).toBe(66);
    expect(crossbook("journal", "verify", LAUNCHER).status).toBe(66);
    expect(crossbook("replay", directory, "--report", root).status).toBe(74);
    expect(crossbook("replay", directory, "--anchors", LAUNCHER).status).toBe(64);
    expect(crossbook("replay", directory, "--verify", "--anchors", LAUNCHER).status).toBe(64);
    expect(crossbook("replay", directory, "--verify", "--anchors", `${root}/none`).status).toBe(66);
  });
});

describe("crossbook journal", () => {
  it("verifies, with anchors where there are some", () => {
    const check = crossbook("journal", "verify", directory, "--json");
    expect(check.status).toBe(0);
    const { anchor } = JSON.parse(check.stdout);
    const anchors = join(root, "anchors.jsonl");
    writeFileSync(anchors, `${JSON.stringify(anchor)}\n`);
    expect(crossbook("journal", "verify", directory, "--anchors", anchors).status).toBe(0);
    writeFileSync(anchors, `${JSON.stringify({ ...anchor, chain: "0".repeat(64) })}\n`);
    expect(crossbook("journal", "verify", directory, "--anchors", anchors).status).toBe(65);
    writeFileSync(anchors, "nonsense\n");
    expect(crossbook("journal", "verify", directory, "--anchors", anchors).status).toBe(64);
  });

  it("dumps commands and blocks", () => {
    const commands = crossbook("journal", "dump", directory, "--from", "9", "--to", "12").lines;
    expect(commands.map((line) => JSON.parse(line).seq)).toEqual([9, 10, 11, 12]);
    expect(crossbook("journal", "dump", directory, "--from", "4", "--to", "3").status).toBe(64);
    expect(crossbook("journal", "dump", directory, "--from", "99999").status).toBe(66);
    const blocks = crossbook("journal", "dump", directory, "--blocks").lines;
    expect(JSON.parse(blocks[0] as string)).toMatchObject({ block: 1, firstSeq: 1 });
  });

  it("refuses a damaged journal, is busy beside a writer, and truncates", () => {
    const file = `${directory}/journal/00000001.journal`;
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(40_000) ^ 1, 40_000);
    writeFileSync(file, bytes);
    const verify = crossbook("journal", "verify", directory);
    expect(verify.status).toBe(65);
    expect(verify.stderr).toMatch(/00000001\.journal is damaged at byte \d+, after seq \d+/);
    const lock = DirectoryLock.acquire(directory);
    expect(crossbook("journal", "truncate", directory).status).toBe(75);
    lock.release();
    const truncate = crossbook("journal", "truncate", directory);
    expect(truncate.status).toBe(0);
    expect(truncate.stdout).toMatch(/^kept /m);
    expect(crossbook("journal", "verify", directory).status).toBe(0);
    expect(crossbook("replay", directory, "--verify").status).toBe(0);
  });
});
