import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { itchMessage, zipFile } from "../../../replay/import/foreign-files.ts";
import { flash1Stream } from "../../../workloads/flash1-stream.ts";
import { crossbook, jsonLines } from "./crossbook.ts";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-import-"));
afterAll(() => fs.rmSync(dir, { recursive: true }));

function write(name: string, content: string | Buffer): string {
  const file = path.join(dir, name);
  fs.writeFileSync(file, content);
  return file;
}

describe("crossbook import", () => {
  it("turns a LOBSTER zip file into commands that run, and says what it skipped", async () => {
    const name = "ABC_2012-06-21_34200000_57600000_message_1.csv";
    const messages = [
      "34200.5,1,7,100,1000000,1",
      "34200.6,1,8,50,1000000,1",
      "34200.7,5,0,10,1000050,1",
      "34200.8,4,7,100,1000000,1",
      "34200.9,4,8,20,1000000,1",
      "34201.0,3,99,1,1000000,1",
    ];
    const file = write("lobster.zip", zipFile({ [name]: messages.join("\n") }));
    const imported = await crossbook(["import", "lobster", file]);
    expect(imported.status).toBe(0);
    expect(imported.stderr).toContain("1 skipped: executions of hidden orders");
    expect(imported.stderr).toContain("1 skipped: cancels of orders that were never seen");
    const { status, stdout } = await crossbook(["run", "--book", "ABC"], imported.stdout);
    expect(status).toBe(0);
    const lines = jsonLines(stdout);
    const trades = lines.filter(({ type }) => type === "trade");
    expect(trades.map((trade) => trade.buyClientOrderId)).toEqual([7, 8]);
    const book = { type: "book", symbol: "ABC", bids: [["100", "30", 1]], asks: [] };
    expect(lines.at(-1)).toEqual(book);
  });

  it("turns an ITCH 5.0 file into commands that run", async () => {
    const feed = Buffer.concat([
      itchMessage("A", 3_600e9, [8, 11], [1, "S"], [4, 100], [8, "ABC"], [4, 123400]),
      itchMessage("E", 3_601e9, [8, 11], [4, 30], [8, 900]),
    ]);
    const file = write("feed.gz", gzipSync(feed));
    const imported = await crossbook(["import", "itch50", file, "--date", "2019-01-30"]);
    expect([imported.status, imported.stderr.includes("1 executions")]).toEqual([0, true]);
    expect(jsonLines(imported.stdout)[1]?.timestamp).toBe(Date.UTC(2019, 0, 30, 6) * 1000);
    const { stdout } = await crossbook(["run"], imported.stdout);
    expect(jsonLines(stdout).at(-1)).toMatchObject({
      type: "trade",
      price: "12.34",
      quantity: "30",
      sellClientOrderId: 11,
      sellLeavesQuantity: "70",
    });
  });

  it("turns a flash1 workload into commands with the same events as the workload", async () => {
    const file = write("flash1.bin", flash1Stream(5, 2000).file);
    const imported = await crossbook(["import", "flash1", file]);
    expect(imported.stderr).toBe("2000 messages\n");
    const fromCommands = await crossbook(["run"], imported.stdout);
    const direct = await crossbook(["run", "--input-format", "flash1", file]);
    expect(fromCommands.status).toBe(0);
    expect(fromCommands.stdout).toBe(direct.stdout);
  });

  it.each([
    [["import"], 64, ""],
    [["import", "fix"], 64, "unknown command 'fix'"],
    [["import", "lobster"], 64, "missing required argument"],
    [["import", "lobster", "x", "--symbol", "lower"], 64, '"lower" is not a symbol'],
    [["import", "itch50", "x", "--date", "today"], 64, "today is not a date"],
    [["import", "lobster", "/no/such.zip"], 66, "cannot read /no/such.zip"],
    [["import", "itch50", "/no/such"], 66, "cannot read /no/such"],
  ])("%j ends with %d", async (args, expected, message) => {
    const { status, stdout, stderr } = await crossbook(args);
    expect([status, stdout]).toEqual([expected, ""]);
    expect(stderr).toContain(message);
  });

  it("ends with 65 where the data is damaged", async () => {
    const zip = write("torn.zip", zipFile({ "a.csv": "1" }).subarray(0, 40));
    expect((await crossbook(["import", "lobster", zip])).status).toBe(65);
    const feed = write("torn.itch", itchMessage("D", 1, [8, 1]).subarray(0, 12));
    expect((await crossbook(["import", "itch50", feed])).status).toBe(65);
    const workload = write("torn.bin", Buffer.alloc(10));
    expect((await crossbook(["import", "flash1", workload])).status).toBe(65);
  });
});
