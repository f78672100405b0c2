import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with package.json: above this file, whether it runs from the sources or from dist. */
export const PACKAGE_ROOT = findRoot(path.dirname(fileURLToPath(import.meta.url)));

export const PACKAGE_VERSION = (
  JSON.parse(fs.readFileSync(path.join(PACKAGE_ROOT, "package.json"), "utf8")) as {
    version: string;
  }
).version;

function findRoot(folder: string): string {
  if (fs.existsSync(path.join(folder, "package.json"))) return folder;
  const parent = path.dirname(folder);
  if (parent === folder) throw new Error("the project's package.json is not above its code");
  return findRoot(parent);
}
