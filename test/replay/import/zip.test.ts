import { describe, expect, it } from "vitest";
import { isZip, zipEntries } from "../../../replay/import/zip.ts";
import { zipFile } from "./foreign-files.ts";

const file = zipFile({ "a.csv": "1,2,3\n".repeat(1000), "dir/": "", "b.stored": "plain" });

describe("a zip file", () => {
  it("gives its files, deflated or stored, folders left out", () => {
    expect(isZip(file)).toBe(true);
    expect(isZip(Buffer.from("34200.1,1,2,3,4,1\n"))).toBe(false);
    const read = zipEntries(file).map((entry) => [entry.name, entry.read().toString()]);
    expect(read).toEqual([
      ["a.csv", "1,2,3\n".repeat(1000)],
      ["b.stored", "plain"],
    ]);
  });

  it("is found behind a comment", () => {
    expect(zipEntries(Buffer.concat([file, Buffer.from("a comment")]))).toHaveLength(2);
  });

  it("that breaks off or has changed is refused", () => {
    expect(() => zipEntries(file.subarray(0, file.length - 30))).toThrow("it has no end");
    for (let at = 40; at < file.length - 22; at++) {
      const changed = Buffer.from(file);
      changed[at] = (changed[at] as number) ^ 0x10;
      // Names and times are not checked; content, sizes and places are.
      const read = () => zipEntries(changed).map((entry) => entry.read().toString());
      let content: string[] = [];
      try {
        content = read();
      } catch (error) {
        expect(error, `byte ${at}`).toMatchObject({ code: "damaged" });
        continue;
      }
      for (const text of content) expect(["1,2,3\n".repeat(1000), "plain", ""]).toContain(text);
    }
  });
});
