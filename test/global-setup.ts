import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Worker threads run compiled files, so a test run without a build would fail in obscure ways. */
export default function requireBuild(): void {
  const distPath = fileURLToPath(new URL("../dist", import.meta.url));
  if (!existsSync(distPath)) {
    throw new Error("dist is missing: run `npm run build` first (`npm test` does it by itself).");
  }
}
