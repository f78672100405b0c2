import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { replaceFile } from "../../../engine/journal/disk.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";

let folder = "";
let disk: NodeDisk;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-disk-"));
  disk = new NodeDisk();
});

afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(folder, { recursive: true, force: true });
});

function failing(code: string): () => never {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}

const thrownBy = (call: () => void): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("the real disk", () => {
  it("writes and reads at a place, and reads less only at the end", () => {
    const file = disk.open(`${folder}/a`, "createNew");
    disk.writeAt(file, Uint8Array.of(9, 1, 2, 3, 9), 1, 3, 5);
    expect(disk.bytesOf(file)).toBe(8);
    const into = new Uint8Array(8).fill(7);
    expect(disk.readAt(file, into, 1, 6, 4)).toBe(4);
    expect([...into]).toEqual([7, 0, 1, 2, 3, 7, 7, 7]);
    disk.close(file);
  });

  it("takes a short count for the failure that it announces", () => {
    const file = disk.open(`${folder}/a`, "create");
    vi.spyOn(fs, "writeSync").mockReturnValueOnce(100);
    const error = thrownBy(() => disk.writeAt(file, new Uint8Array(512), 0, 512, 0));
    expect(error).toMatchObject({ code: "shortWrite", operation: "write", path: `${folder}/a` });
    disk.close(file);
  });

  it("tells a full disk from other failures", () => {
    const file = disk.open(`${folder}/a`, "create");
    const write = () => disk.writeAt(file, new Uint8Array(512), 0, 512, 0);
    for (const [errno, code] of [
      ["ENOSPC", "diskFull"],
      ["EDQUOT", "diskFull"],
      ["EIO", "inputOutput"],
    ] as const) {
      vi.spyOn(fs, "writeSync").mockImplementationOnce(failing(errno));
      expect(thrownBy(write)).toMatchObject({ code, operation: "write" });
    }
    disk.close(file);
    expect(thrownBy(() => disk.open(`${folder}/b`, "read"))).toMatchObject({ code: "notFound" });
  });

  it("never believes a file again of which a sync has failed", () => {
    const file = disk.open(`${folder}/a`, "create");
    const sync = vi.spyOn(fs, "fdatasyncSync").mockImplementationOnce(failing("EIO"));
    for (let i = 0; i < 3; i++) {
      expect(thrownBy(() => disk.sync(file))).toMatchObject({ code: "syncFailed" });
    }
    expect(sync).toHaveBeenCalledTimes(1);
    disk.close(file);
    // Another file, or another opening, is another matter.
    const again = disk.open(`${folder}/a`, "write");
    expect(thrownBy(() => disk.sync(again))).toBeUndefined();
    disk.close(again);
  });

  it("reads on where the system gives less than was asked for", () => {
    fs.writeFileSync(`${folder}/a`, "0123456789");
    const file = disk.open(`${folder}/a`, "read");
    const real = fs.readSync;
    vi.spyOn(fs, "readSync").mockImplementation(((...call: Parameters<typeof fs.readSync>) => {
      const [handle, into, offset, length, position] = call as unknown as [
        number,
        Uint8Array,
        number,
        number,
        number,
      ];
      return real(handle, into, offset, Math.min(3, length), position);
    }) as typeof fs.readSync);
    const into = new Uint8Array(10);
    expect(disk.readAt(file, into, 0, 10, 0)).toBe(10);
    expect(Buffer.from(into).toString()).toBe("0123456789");
    disk.close(file);
  });

  it("syncs a file before it gets its name, and its directory afterwards", () => {
    const calls: string[] = [];
    for (const name of ["fdatasyncSync", "renameSync", "fsyncSync"] as const) {
      const real = fs[name] as (...call: unknown[]) => void;
      vi.spyOn(fs, name).mockImplementation((...call: unknown[]) => {
        calls.push(name);
        real(...call);
      });
    }
    replaceFile(disk, folder, "meta.json", Buffer.from("{}"));
    expect(calls).toEqual(["fdatasyncSync", "renameSync", "fsyncSync"]);
    expect(fs.readdirSync(folder)).toEqual(["meta.json"]);
  });
});
