import { describe, expect, test } from "vitest";
import { blank, checkSource } from "../../scripts/check-imports.mjs";

function messages(path: string, ...lines: string[]): string[] {
  return checkSource(path, lines.join("\n")).map(({ line, message }) => `${line}: ${message}`);
}

describe("the direction of imports", () => {
  test.each([
    ["protocol/ring.ts", 'import { Book } from "../engine/book/book.ts";'],
    ["engine/book/book.ts", 'import type { Session } from "../../gateway/session.ts";'],
    ["engine/journal/stage.ts", 'export * from "../../replay/recovery.ts";'],
    ["replay/recovery.ts", 'import "../gateway/session.ts";'],
    ["gateway/session.ts", 'import {\n  Book,\n} from "../engine/book/book.ts";'],
    ["gateway/session.ts", 'import { serve } from "./server/serve.ts";'],
    ["gateway/session.ts", 'const book = await import("../engine/book/book.ts");'],
    ["gateway/session.ts", 'new Worker(new URL("../engine/book.worker.ts", import.meta.url));'],
    [
      "gateway/session.ts",
      'new Worker(new URL("../dist/engine/book.worker.js", import.meta.url));',
    ],
    ["gateway/server/cli/main.ts", 'import { all } from "../../../bench/all.ts";'],
    ["engine/risk/risk.ts", 'import { seed } from "../../test/model.ts";'],
  ])("%s is refused: %s", (path, source) => {
    expect(messages(path, source)).toEqual([expect.stringContaining(" may not import ")]);
  });

  test.each([
    ["engine/book/book.ts", 'import { NO_SLOT } from "../../protocol/terms.ts";'],
    ["engine/book/book.ts", 'import { Level } from "../levels/level.ts";'],
    ["replay/recovery.ts", 'import { Book } from "../engine/book/book.ts";'],
    ["gateway/session.ts", 'import { Ring } from "../protocol/ring.ts";'],
    ["gateway/server/serve.ts", 'import { Book } from "../../engine/book/book.ts";'],
    ["gateway/server/serve.ts", 'import { Session } from "../session.ts";'],
    ["gateway/server/cli/main.ts", 'const all = await import("../../../bench/all.ts");'],
    ["bench/all.ts", 'import { serve } from "../gateway/server/serve.ts";'],
    ["test/engine/book.test.ts", 'import { serve } from "../../gateway/server/serve.ts";'],
    ["protocol/ring.ts", '// import { Book } from "../engine/book/book.ts";'],
    ["protocol/ring.ts", "const text = 'import \"../engine/book.ts\"';"],
    ["gateway/page.ts", 'new URL("../engine/icon.svg", import.meta.url);'],
  ])("%s may: %s", (path, source) => {
    expect(messages(path, source)).toEqual([]);
  });

  test("a finding names the line it stands on", () => {
    const found = messages(
      "protocol/ring.ts",
      "/* two",
      "lines */",
      'import { a } from "./a.ts";',
      'import { b } from "../engine/b.ts";',
    );
    expect(found).toEqual(["4: protocol may not import engine (engine/b.ts)"]);
  });

  test("a source is imported by its own name", () => {
    const found = messages("protocol/ring.ts", 'import { a } from "./a.js";');
    expect(found).toEqual(["1: write ./a.ts: sources are imported by their own name"]);
  });
});

test("the command line may name the types of a bench, and nothing else of it", () => {
  const file = "gateway/server/cli/bench.ts";
  const from = 'from "../../../bench/report/document.ts";';
  expect(messages(file, `import type { BenchDocument } ${from}`)).toEqual([]);
  expect(messages(file, `import { documentOf } ${from}`)).toHaveLength(1);
  expect(
    messages("gateway/trade/session.ts", `import type { BenchDocument } ${from}`),
  ).toHaveLength(1);
});

describe("the deterministic core", () => {
  test.each([
    "const now = Date.now();",
    "const now = new Date();",
    "const now = performance.now();",
    "const dice = Math.random();",
    "const now = process.hrtime();",
    "setTimeout(sweep, 1);",
    'import { readFileSync } from "node:fs";',
    `const text = \`at \${Date.now()}\`;`,
  ])("is refused: %s", (source) => {
    expect(messages("engine/matching/match.ts", source)).toHaveLength(1);
    expect(messages("engine/ledger/ledger.ts", source)).toHaveLength(1);
    expect(messages("engine/journal/stage.ts", source)).toEqual([]);
  });

  test.each([
    "const orders = new Map<number, Order>();",
    "const seen = new Set();",
    "const wide = BigInt(1);",
    "const wide = 1_000n;",
    "let wide: bigint;",
    "const column = new BigInt64Array(8);",
    "view.getBigUint64(0, true);",
  ])("has no slow path for every order: %s", (source) => {
    expect(messages("engine/book/book.ts", source)).not.toEqual([]);
    expect(messages("engine/risk/risk.ts", source)).toEqual([]);
  });

  test("may speak of clocks and maps in comments and messages", () => {
    const found = messages(
      "engine/book/book.ts",
      "// A Map would allocate; Date.now() would differ on replay.",
      'assert(found, "the Set of levels knows a Date");',
      "const half = (count / 2) | 0; // not a regular expression: Map",
      "/** Nor here: BigInt. */",
    );
    expect(found).toEqual([]);
  });
});

describe("blanking", () => {
  test("keeps every position and every line", () => {
    const text = "a /* b\nc */ d // e\n`f${g}h` 'i' /[/']j/;\nk";
    const bare = blank(text, { strings: true });
    expect(bare).toHaveLength(text.length);
    expect(bare.split("\n")).toHaveLength(text.split("\n").length);
    for (const letter of "adgk") expect(bare).toContain(letter);
    for (const letter of "bcefhi") expect(bare).not.toContain(letter);
  });

  test("finds its way out of nested templates and quotes in regular expressions", () => {
    const text = "const a = `x${b ? `y${{ c: 1 }.c}` : d}z`; const e = /[\"'`]/.test(s); Date";
    const bare = blank(text, { strings: true });
    expect(bare).toMatch(/ b \?|\{b \?/);
    expect(bare).toContain(": d}");
    expect(bare.trimEnd().endsWith("Date")).toBe(true);
    expect(bare).not.toMatch(/[xyz]/);
  });
});
