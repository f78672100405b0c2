import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isBuildCurrent } from "../scripts/prepare.mjs";

/** Worker threads run compiled files, so a test run without a build would fail in obscure ways. */
export default function requireBuild(): void {
  const root = fileURLToPath(new URL("..", import.meta.url));
  if (!existsSync(`${root}dist`)) {
    throw new Error("dist is missing: run `npm run build` first (`npm test` does it by itself).");
  }
  // Only a word: most tests run the sources, and one who edits them need not build every time.
  if (!isBuildCurrent(root)) {
    console.warn("dist is older than the sources: tests that start workers run the older build.");
  }
}
