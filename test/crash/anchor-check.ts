// The anchors that all servers of a campaign noted, in their logs and in Redis, against the journal
// that is left: the history that any of them has called durable is still the same, byte for byte.
import fs from "node:fs";
import path from "node:path";
import type { Redis } from "ioredis";
import { CommandFailed, crossbook } from "../processes/command-line.ts";

const LOG_NAME = /^server-\d+\.log$/;

export interface AnchorCheckResult {
  /** Anchors in the logs and in Redis. */
  readonly logged: number;
  readonly published: number;
  /** What does not hold, in words; undefined: all hold. */
  readonly finding: string | undefined;
}

/** directory: where the logs are. */
export async function checkAnchors(
  directory: string,
  dataDir: string,
  redis: Redis,
): Promise<AnchorCheckResult> {
  const logs = fs.readdirSync(directory).filter((name) => LOG_NAME.test(name));
  const lines = logs
    .flatMap((name) => fs.readFileSync(path.join(directory, name), "utf8").split("\n"))
    .filter((line) => line.includes('"msg":"anchor"') && line.endsWith("}"));
  const published = await redis.xrange("crossbook:anchors", "-", "+");
  const file = path.join(directory, "anchors.jsonl");
  fs.writeFileSync(file, [...lines, JSON.stringify(published), ""].join("\n"));
  const counts = { logged: lines.length, published: published.length };
  try {
    await crossbook(["journal", "verify", dataDir, "--anchors", file]);
    return { ...counts, finding: undefined };
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    return { ...counts, finding: error.message };
  }
}
