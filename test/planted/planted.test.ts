import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { applyPlant, parsePlant, readPlants, rowStart, TABLE } from "../../scripts/planted.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const plants = readPlants(root);
const table = fs.readFileSync(`${root}${TABLE}`, "utf8");
const read = (file: string) => fs.readFileSync(`${root}${file}`, "utf8");

// Whether the tests see the bugs takes minutes to find out: `npm run planted`.
describe("the planted bugs", () => {
  it("are more than twenty", () => {
    expect(plants.length).toBeGreaterThan(20);
  });

  it.each(plants.map((plant) => [plant.name, plant] as const))(
    "%s: can be put into the sources as they are now",
    (_, plant) => {
      expect(plant.bug).not.toBe("");
      expect(plant.tests.length).toBeGreaterThan(0);
      for (const test of plant.tests) expect(fs.existsSync(`${root}${test}`), test).toBe(true);
      const changed = applyPlant(plant, read);
      expect(changed.size).toBeGreaterThan(0);
      for (const [file, text] of changed) expect(text, file).not.toBe(read(file));
    },
  );

  it("stand in the table, each with the test that sees it", () => {
    const rows = table
      .split("\n")
      .filter((line) => line.startsWith("| ") && !line.includes("| bug |"));
    expect(rows).toHaveLength(plants.length);
    for (const plant of plants) {
      const row = rows.find((candidate) => candidate.startsWith(rowStart(plant)));
      expect(row, rowStart(plant)).toBeDefined();
      const seenBy = (row as string).slice(rowStart(plant).length).trim();
      const file = plant.tests.find((test) => seenBy.startsWith(`${test.split("/").at(-1)}: `));
      expect(file, seenBy).toBeDefined();
    }
  });
});

describe("a patch", () => {
  const text = [
    "Bug: a wrong sum",
    "Test: test/sum.test.ts",
    "",
    "--- a/sum.ts",
    "+++ b/sum.ts",
    "@@ -1,3 +1,3 @@ anything",
    " one",
    "-two",
    "+$& three",
    " four",
    "",
  ].join("\n");
  const plant = parsePlant("sum", text);

  it("says what the bug is and which tests should see it", () => {
    expect(plant).toMatchObject({ bug: "a wrong sum", tests: ["test/sum.test.ts"] });
    expect(rowStart(plant)).toBe("| a wrong sum | sum.ts |");
  });

  it("goes to the one place where its lines stand, wherever that is", () => {
    const changed = applyPlant(plant, () => "zero\none\ntwo\nfour\nfive\n");
    expect(changed.get("sum.ts")).toBe("zero\none\n$& three\nfour\nfive\n");
  });

  it("is refused where its lines are not there, or more than once", () => {
    for (const source of ["one\ntwo\nfive\n", "one\ntwo\nfour\none\ntwo\nfour\n"]) {
      expect(() => applyPlant(plant, () => source)).toThrow(/not one place in sum.ts/);
    }
  });
});
