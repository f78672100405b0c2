// @ts-check
// Writes docs/configuration.md from the table of settings. Needs a build: the table is TypeScript.

import fs from "node:fs";
import { fileURLToPath } from "node:url";

const built = new URL("../dist/gateway/config/print.js", import.meta.url);
const page = fileURLToPath(new URL("../docs/configuration.md", import.meta.url));

/** @type {typeof import("../gateway/config/print.ts")} */
const { configurationPage } = await import(built.href);
fs.mkdirSync(fileURLToPath(new URL("../docs", import.meta.url)), { recursive: true });
fs.writeFileSync(page, configurationPage());
process.stdout.write(`Wrote ${page}\n`);
