import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { b32Stream } from "../../../workloads/b32-stream.ts";
import { flash1Stream } from "../../../workloads/flash1-stream.ts";
import { crossbook, jsonLines } from "./crossbook.ts";

const FLASH1 = ["run", "--input-format", "flash1"];

function trades(lines: readonly string[]): number {
  return lines.filter((line) => line.startsWith("1,")).length;
}

describe("crossbook run on a workload", () => {
  it.each([1, 2, 3])("prints the hash of the flash1 report stream (seed %d)", async (seed) => {
    const { file, reportLines, reportHash } = flash1Stream(seed, 5000);
    expect(trades(reportLines)).toBeGreaterThan(500);
    for (const input of [file, gzipSync(file)]) {
      const result = await crossbook([...FLASH1, "--report-hash"], input);
      expect(result).toEqual({ status: 0, stdout: `${reportHash}\n`, stderr: "" });
    }
  });

  it.each([4, 5])("prints trades, quantity and fill hash of a b32 file (seed %d)", async (seed) => {
    const { file, expected } = b32Stream(seed, 4000);
    const { stdout } = await crossbook(["run", "--input-format", "b32", "--report-hash"], file);
    expect(expected.trades).toBeGreaterThan(500);
    expect(JSON.parse(stdout)).toEqual(expected);
  });

  it("prints events where no hash is asked for", async () => {
    const { file, reportLines } = flash1Stream(9, 300);
    const { stdout } = await crossbook([...FLASH1, "--book", "FLASH1"], file);
    const lines = jsonLines(stdout);
    expect(lines.filter(({ type }) => type === "trade")).toHaveLength(trades(reportLines));
    expect(lines.at(-1)).toMatchObject({ type: "book", symbol: "FLASH1" });
  });

  it("refuses a file that breaks off or holds something else", async () => {
    const { file } = flash1Stream(1, 100);
    const run = async (bytes: Buffer) => {
      const { status, stderr } = await crossbook([...FLASH1, "--report-hash"], bytes);
      return [status, stderr];
    };
    expect(await run(file.subarray(0, file.length - 1))).toEqual([
      65,
      "crossbook: the input breaks off after 99 messages\n",
    ]);
    expect(await run(file.subarray(0, file.length - 40))).toEqual([
      65,
      "crossbook: the input holds 99 of 100 messages\n",
    ]);
    expect((await run(Buffer.alloc(0)))[0]).toBe(65);
    const unknown = Buffer.from(file);
    unknown.writeUInt8(7, 16 + 40 * 50);
    expect(await run(unknown)).toEqual([65, "crossbook: message 50 is of the unknown kind 7\n"]);
  });
});
