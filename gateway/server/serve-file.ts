import fs from "node:fs";
import path from "node:path";

export interface ServeFile {
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  /** Microseconds since 1970. */
  readonly readySince: number;
}

/** DIR/serve.json: there while orders are accepted. Written aside and renamed, so never half there. */
export function writeServeFile(dataDir: string, content: ServeFile): void {
  const file = path.join(dataDir, "serve.json");
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(content)}\n`);
  fs.renameSync(`${file}.new`, file);
}

/** Also for one that a crashed server has left behind. */
export function removeServeFile(dataDir: string): void {
  fs.rmSync(path.join(dataDir, "serve.json"), { force: true });
}
