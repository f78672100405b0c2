import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { encodeIntoCompressedBase64 } from "hdr-histogram-js";
import { afterAll, describe, expect, test } from "vitest";
import { latencyHistogram } from "../../bench/latency.ts";
import { describeMachine, surroundings } from "../../bench/machine.ts";
import { seededRandom } from "../../bench/random.ts";
import { compareRuns, formatComparison } from "../../bench/report/comparison.ts";
import { type BenchDocument, readDocuments } from "../../bench/report/document.ts";
import { reportPage } from "../../bench/report/report.ts";
import { place, timeAxis } from "../../bench/report/svg.ts";
import { crossbook } from "../gateway/server/cli/crossbook.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-report-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function histogram(medianUs: number): string {
  const values = latencyHistogram();
  const random = seededRandom(medianUs);
  for (let i = 0; i < 5_000; i++) {
    values.recordValue(Math.round(medianUs * 1e3 * Math.exp(random() - 0.5)));
  }
  return encodeIntoCompressedBase64(values);
}

function documentOf(p50Us: number, more: Partial<BenchDocument> = {}): BenchDocument {
  return {
    format: 1,
    bench: "latency",
    machine: { ...describeMachine(), cpu: "Some <CPU> & more" },
    surroundings: surroundings()(),
    options: { ratePerSecond: 5_000, durability: "fsync", parentDirectory: `/somewhere/${p50Us}` },
    figures: [
      { name: "p50", unit: "µs", value: p50Us, better: "lower" },
      { name: "speed", unit: "commands/s", value: 1e6 / p50Us, better: "higher" },
    ],
    distributions: [
      { name: "server", group: "order to acknowledgement", histogram: histogram(p50Us) },
      { name: "journal", group: "stages", histogram: histogram(p50Us / 2) },
    ],
    curves: [
      {
        name: "binary, 10 clients",
        points: [1_000, 2_000].map((askedPerSecond) => ({
          askedPerSecond,
          donePerSecond: askedPerSecond,
          p50Us,
          p99Us: 3 * p50Us,
          p999Us: 9 * p50Us,
          isSustained: askedPerSecond < 2_000,
        })),
      },
    ],
    details: {},
    ...more,
  };
}

function fileOf(name: string, documents: readonly BenchDocument[]): string {
  const file = path.join(folder, name);
  fs.writeFileSync(file, documents.map((one) => `${JSON.stringify(one)}\n`).join(""));
  return file;
}

describe("the page", () => {
  test("asks nobody for anything, and what it quotes is text", () => {
    const page = reportPage([documentOf(100)]);
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|https?:/);
    expect(page).toContain("Some &lt;CPU&gt; &amp; more");
    expect(page).not.toContain("<CPU>");
    expect(page).toContain("prefers-color-scheme: dark");
    expect(page.match(/<svg class="chart"/g)).toHaveLength(4);
    expect(page).not.toContain("NaN");
  });

  test("an earlier run of the same bench and options stands beside it, another one does not", () => {
    const now = documentOf(100);
    const beside = reportPage([now], [documentOf(200)]);
    expect(beside).toContain("now ÷ before");
    expect(beside).toContain('<td class="number">200 µs</td><td class="number">0.50</td>');
    expect(beside).toContain("server, before");
    const other = documentOf(200, { options: { ratePerSecond: 9, durability: "fsync" } });
    expect(reportPage([now], [other])).not.toContain("before</th>");
  });

  test("every axis of time holds all that it shows", () => {
    for (const [low, high] of [
      [0.2, 0.3],
      [1, 1],
      [7, 900],
      [40, 2_000_000],
    ] as const) {
      const axis = timeAxis("", low, high);
      expect(axis.min).toBeLessThanOrEqual(low);
      expect(axis.max).toBeGreaterThanOrEqual(high);
      expect(place(axis, axis.min)).toBe(0);
      expect(place(axis, axis.max)).toBe(1);
      expect(axis.ticks.filter(({ label }) => label !== "").length).toBeGreaterThan(1);
    }
  });
});

describe("comparing runs", () => {
  const runs = (centers: readonly number[]) => centers.map((center) => documentOf(center));
  const drift = [100, 140, 90, 120, 105, 131];

  test("in turns, a change shows through the machine's moods; better and worse have the right sign", () => {
    const slower = drift.map((center, i) => center * (1.2 + 0.01 * (i % 3)));
    const figures = compareRuns(runs(drift), runs(slower), true);
    expect(figures.map(({ verdict }) => verdict)).toEqual(["worse", "worse"]);
    expect(figures[0]?.interval?.ratio).toBeCloseTo(1.21, 2);
    expect(compareRuns(runs(slower), runs(drift), true)[0]?.verdict).toBe("better");
    expect(formatComparison("latency", figures, true)).toMatch(/p50 .*1\.21.*higher: worse/);
  });

  test("what goes to and fro is no difference, and three runs are too few", () => {
    const other = drift.map((center, i) => center * (i % 2 === 0 ? 1.08 : 0.94));
    expect(compareRuns(runs(drift), runs(other), true)[0]?.verdict).toBe("no difference seen");
    const few = runs(drift.slice(0, 3));
    expect(compareRuns(few, few, true)[0]?.verdict).toBe("too few runs");
  });
});

describe("crossbook bench", () => {
  test("report makes a page of saved documents", async () => {
    const [run, before] = [
      fileOf("run.json", [documentOf(100)]),
      fileOf("b.json", [documentOf(150)]),
    ];
    const out = path.join(folder, "out.html");
    const args = ["bench", "report", run, "--out", out, "--compare", before];
    expect(await crossbook(args)).toMatchObject({ status: 0 });
    expect(fs.readFileSync(out, "utf8")).toContain("now ÷ before");
  });

  test("compare reads two files of saved runs, and says that they were not made in turns", async () => {
    const old = fileOf(
      "old.json",
      [100, 101, 99, 102, 98].map((p50) => documentOf(p50)),
    );
    const current = fileOf(
      "new.json",
      [150, 151, 149, 152, 148].map((p50) => documentOf(p50)),
    );
    const { status, stdout } = await crossbook(["bench", "compare", old, current]);
    expect(status).toBe(0);
    expect(stdout).toContain("not in turns");
    expect(stdout).toMatch(/^p50 .*1\.500 .*higher: worse$/m);
  });

  test("compare runs two settings in turns", async () => {
    const args = ["--runs", "2", "--with=--seconds=0.2", "--", "garbage", "--seconds", "0.1"];
    const { status, stdout } = await crossbook(["bench", "compare", ...args]);
    expect(status).toBe(0);
    expect(stdout).toContain("garbage: new against old, 2 and 2 runs in turns");
    expect(stdout).toContain("too few runs to tell");
  });

  test("what is no document, and a comparison without a difference, are refused", async () => {
    const file = path.join(folder, "other.json");
    fs.writeFileSync(file, '{"bench":"latency"}\n');
    expect(() => readDocuments("no\n", "x")).toThrow("x is not what a bench prints");
    const report = await crossbook(["bench", "report", file, "--out", path.join(folder, "x")]);
    expect(report).toMatchObject({ status: 65 });
    expect(report.stderr).toContain("format 1");
    expect((await crossbook(["bench", "compare", "--", "engine"])).status).toBe(64);
  });
});
