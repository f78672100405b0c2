import fs from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("../../../", import.meta.url);
const page = fs.readFileSync(new URL("docs/security.md", ROOT), "utf8");
const NAMED = /^- "(.+)" \(`(test\/[^`]+)`\)$/;

test("every line of docs/security.md has its tests, and each of them exists", () => {
  const sections = page.split(/^## /m).slice(2); // after the heading and what is trusted
  expect(sections.length).toBeGreaterThan(8);
  for (const section of sections) {
    const named = section.split("\n").filter((line) => line.startsWith("- "));
    expect(named.length, section.split("\n")[0]).toBeGreaterThan(0);
    for (const line of named) {
      const [, name = "", file = ""] = NAMED.exec(line) ?? [];
      expect(name, line).not.toBe("");
      const source = fs.readFileSync(new URL(file, ROOT), "utf8");
      expect(source.includes(`"${name}"`), line).toBe(true);
    }
  }
});
