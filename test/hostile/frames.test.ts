import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TRANSPORTS } from "../gateway/transports.ts";
import { runFrames } from "./frame-campaign.ts";

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-frames-"));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

describe.each(TRANSPORTS)("hostile frames over %s", (transport) => {
  test("sequence nothing, stop nobody, and keep no customer from an answer", async () => {
    const report = await runFrames({ frames: 10_000, seed: 20_260_401, directory, transport });
    expect(report.findings).toEqual([]);
    expect(report.missing).toEqual([]);
    expect(report.frames).toBeGreaterThanOrEqual(10_000);
    expect(report.controlRequests).toBeGreaterThan(30);
    // Those who were logged on sent some commands rightly, so the journal was looked at for a reason.
    expect(report.journaled.get("attackers cancelOrder")).toBeGreaterThan(0);
  }, 180_000);
});
