// A real server on a real file system of some megabytes: full, and nearly full.
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compiledFile } from "../../protocol/compiled-file.ts";
import type { FullDiskReport, LowDiskReport } from "./small-disk.process.ts";
import { mountNamespace } from "./tools.ts";

/** Starts and traced servers take their time on a busy machine. */
const TIMEOUT_MS = 180_000;
const EXIT_IO_ERROR = 74;
const PROGRAM = fileURLToPath(compiledFile("test/disk/small-disk.process.js"));

let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-small-disk-"));
});

afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The report of a scenario that has a file system in memory for itself, of `size` at most. */
async function onSmallDisk<Report>(scenario: string, size: string): Promise<Report> {
  const [unshare, ...options] = mountNamespace();
  const script = `mount -t tmpfs -o size=${size} tmpfs "$1" && exec "$2" "$3" "$4" "$1"`;
  const disk = path.join(folder, "disk");
  fs.mkdirSync(disk);
  const args = [...options, "sh", "-c", script, "sh", disk, process.execPath, PROGRAM, scenario];
  const { stdout } = await promisify(execFile)(unshare as string, args);
  return JSON.parse(stdout) as Report;
}

describe("a server", { timeout: TIMEOUT_MS }, () => {
  it("stops when the disk is full, and comes back whole when there is room again", async () => {
    const report = await onSmallDisk<FullDiskReport>("full", "24m");
    expect(report.exit.code).toBe(EXIT_IO_ERROR);
    expect(report.fault).toMatch(/diskFull|shortWrite/);
    expect(report.freeBytes).toBeLessThan(256 * 1024);
    expect(report.told).toBeGreaterThan(50);
    expect(report.told).toBeLessThan(50_050);
    expect(report.toldAfterwards).toBe(20);
    expect(report.lastSeq).toBeGreaterThanOrEqual(report.told + report.toldAfterwards);
  });

  it("low on disk space refuses orders and lets cancels pass, until there is room again", async () => {
    const report = await onSmallDisk<LowDiskReport>("low", "96m");
    expect(report.freeBytes).toBeLessThan(32 << 20);
    expect(report.refused.diskLow).toBeGreaterThan(0);
    expect(Object.keys(report.refused)).toEqual(["diskLow"]);
    expect(report.canceledWhileLow).toBe(6);
    expect(report.acceptedAfterwards).toBe(1);
    expect(report.gauges).toEqual([
      expect.stringMatching(/disk_low 1$/),
      expect.stringMatching(/disk_low 0$/),
    ]);
  });
});
