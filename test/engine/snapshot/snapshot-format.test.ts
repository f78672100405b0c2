import { expect, it } from "vitest";
import { DamageError } from "../../../engine/journal/errors.ts";
import { openSnapshot } from "../../../engine/snapshot/snapshot-format.ts";
import { FuzzedEngine, randomStream } from "./fuzzed-engine.ts";

function smallFile(): Uint8Array {
  const { commands, capacity } = randomStream(5, 60);
  const engine = new FuzzedEngine(capacity);
  for (const command of commands) engine.apply(command);
  return engine.file();
}

it("every byte that is changed, in every bit, is noticed", () => {
  const file = smallFile();
  openSnapshot(file, "as it was");
  for (let at = 0; at < file.length; at++) {
    const bit = 1 << (at & 7);
    file[at] = (file[at] as number) ^ bit;
    expect(() => openSnapshot(file, "flipped"), `byte ${at}`).toThrow(DamageError);
    file[at] = (file[at] as number) ^ bit;
  }
  openSnapshot(file, "as it was");
});

it("every truncation is noticed", () => {
  const file = smallFile();
  for (let length = 0; length < file.length; length++) {
    const part = file.slice(0, length);
    expect(() => openSnapshot(part, "cut"), `${length} bytes`).toThrow(DamageError);
  }
});

it("bytes after the end are noticed", () => {
  const file = smallFile();
  const longer = new Uint8Array(file.length + 8);
  longer.set(file);
  expect(() => openSnapshot(longer, "longer")).toThrow(DamageError);
});
