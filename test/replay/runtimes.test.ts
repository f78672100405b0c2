// The same journal gives the same bytes, however V8 runs the code. The suite also runs on another
// Node version, which then has to come to the hashes written down here.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { CROSSBOOK, cleanEnvironment } from "../processes/command-line.ts";
import { RecordingServer, sendDay } from "./recorded-directory.ts";

const ORDERS = 3000;
/** Of this very stream; they change with the rules, the records or the hash, and with nothing else. */
const STATE_HASH = "708a3d7f1ff81218e3ac3fc59cb207eb";
const EVENT_HASH = "e367fe19c4d42b0c0f76022f7bb5c816";

let directory: string;

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-runtimes-"));
  const server = new RecordingServer(new NodeDisk(), directory);
  sendDay(server, ORDERS, 7);
  server.close();
});

afterAll(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

it.each([
  ["as it is", []],
  ["without the optimising compiler", ["--no-opt"]],
  ["with nothing compiled", ["--jitless"]],
  ["with everything optimised at once", ["--always-turbofan"]],
  ["with objects moved all the time", ["--stress-compaction"]],
])(
  "a replay comes to the same hashes %s",
  (_, flags) => {
    const output = execFileSync(
      process.execPath,
      [...flags, CROSSBOOK, "replay", directory, "--verify", "--json"],
      { encoding: "utf8", env: cleanEnvironment(), timeout: 120_000 },
    );
    expect(JSON.parse(output)).toMatchObject({ stateHash: STATE_HASH, eventHash: EVENT_HASH });
  },
  120_000,
);
