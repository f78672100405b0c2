import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readAckTrace } from "./ack-trace.ts";
import { traceAcks } from "./trace-run.ts";

/** Starts and traced servers take their time on a busy machine. */
const TIMEOUT_MS = 180_000;
const hex = (bytes: Buffer | string) =>
  `"${[...Buffer.from(bytes)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}"`;

function block(firstSeq: number, lastSeq: number): string {
  const bytes = Buffer.alloc(4096);
  bytes.write("CROSSBLK");
  bytes[10] = 1;
  bytes.writeBigUInt64LE(BigInt(firstSeq), 48);
  bytes.writeBigUInt64LE(BigInt(lastSeq), 56);
  return hex(bytes);
}

function frame(message: object): string {
  const text = JSON.stringify(message);
  return hex(Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]));
}

const UPGRADE = `7 sendto(30, ${hex("HTTP/1.1 101 Switching Protocols\r\n\r\n")}, 36, 0, NULL, 0) = 36`;
const WRITE = `9 pwrite64(21, ${block(1, 3)}, 4096, 4096) = 4096`;
const ack = (seq: number) => {
  const bytes = frame({ type: "accepted", seq });
  return `7 sendto(30, ${bytes}, 64, 0, NULL, 0) = ${(bytes.length - 2) / 4}`;
};

describe("the trace reader", () => {
  it("finds nothing where every message leaves after its sync, whichever thread syncs", () => {
    const lines = [UPGRADE, WRITE, "8 fdatasync(21) = 0", ack(1), ack(3)];
    expect(readAckTrace(lines)).toEqual({
      blocks: 1,
      syncedBlocks: 1,
      lastDurableSeq: 3,
      messages: 2,
      lastToldSeq: 3,
      findings: [],
    });
  });

  it("finds a message that leaves before the sync, while it runs, or after one that failed", () => {
    const early = [UPGRADE, WRITE, ack(1), "9 fdatasync(21) = 0"];
    expect(readAckTrace(early).findings).toHaveLength(1);
    const running = [UPGRADE, WRITE, "9 fdatasync(21 <unfinished ...>", ack(2)];
    expect(readAckTrace([...running, "9 <... fdatasync resumed>) = 0"]).findings).toHaveLength(1);
    const failed = [UPGRADE, WRITE, "9 fdatasync(21) = -1 EIO (Input/output error)", ack(2)];
    expect(readAckTrace(failed).findings).toHaveLength(1);
  });

  it("does not count a sync of another file, nor one that began before the write had ended", () => {
    const other = [UPGRADE, WRITE, "9 fdatasync(22) = 0", ack(1)];
    expect(readAckTrace(other).findings).toHaveLength(1);
    const overlapping = [
      UPGRADE,
      `9 pwrite64(21, ${block(1, 3)}, 4096, 4096 <unfinished ...>`,
      "8 fdatasync(21 <unfinished ...>",
      "9 <... pwrite64 resumed>) = 4096",
      "8 <... fdatasync resumed>) = 0",
      ack(1),
    ];
    expect(readAckTrace(overlapping).findings).toHaveLength(1);
  });

  it("finds a second block in flight, and a send that the trace cuts short", () => {
    const two = [UPGRADE, WRITE, `9 pwrite64(21, ${block(4, 5)}, 4096, 8192) = 4096`];
    expect(readAckTrace(two).findings).toHaveLength(1);
    const cut = [UPGRADE, WRITE, "9 fdatasync(21) = 0", ack(1).replace(/= \d+$/, "= 9999")];
    expect(readAckTrace(cut).findings).toHaveLength(1);
  });
});

describe("a server under load", { timeout: TIMEOUT_MS }, () => {
  const trace = async (...flags: string[]) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-trace-"));
    try {
      return await traceAcks({ folder, commands: 600, window: 100, flags });
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  };

  it.each(["auto", "ws"])(
    "lets no acknowledgement leave before the fdatasync that covers it (transport %s)",
    async (transport) => {
      const result = await trace("--transport", transport, "--segment-bytes", "1MiB");
      expect(result.findings).toEqual([]);
      expect(result.told).toBe(1200);
      expect(result.messages).toBeGreaterThanOrEqual(1200);
      expect(result.blocks).toBeGreaterThan(10);
      expect(result.syncedBlocks).toBe(result.blocks);
      expect(result.lastDurableSeq).toBeGreaterThanOrEqual(result.lastToldSeq);
    },
  );

  it("is found to acknowledge before any sync where it was told not to sync", async () => {
    const { findings } = await trace("--durability", "os");
    expect(findings.some((finding) => finding.includes('"type":"accepted"'))).toBe(true);
  });
});
