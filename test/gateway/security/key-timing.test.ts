import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { createKey } from "../../../gateway/keys/key-creation.ts";
import { KeyDirectory } from "../../../gateway/keys/key-directory.ts";
import { signedText } from "../../../gateway/keys/signature.ts";

const NS_PER_MS = 1e6;

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}

test.each([
  ["hmac", 32, 4000],
  ["ed25519", 64, 800],
] as const)(
  "the time says nothing about which keys there are (%s)",
  async (algorithm, signatureBytes, rounds) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-probe-"));
    try {
      const request = { account: 7, role: "trader", allAccounts: false } as const;
      const own = await createKey(folder, { ...request, algorithm }, 1);
      const other = algorithm === "hmac" ? "ed25519" : "hmac";
      const ofOtherKind = await createKey(folder, { ...request, algorithm: other }, 1);
      const keys = new KeyDirectory(
        folder,
        () => undefined,
        () => undefined,
      );
      const signature = new Uint8Array(signatureBytes).fill(3);
      const probes = {
        known: own.keyId,
        unknown: "zzzzzzzzzzzz",
        ofOtherKind: ofOtherKind.keyId,
      };
      const times = { known: [] as number[], unknown: [] as number[], ofOtherKind: [] as number[] };
      const names = Object.keys(probes) as (keyof typeof probes)[];
      for (let round = 0; round < rounds; round++) {
        // In turns, and each in every place of a turn: what slows the machine slows them all.
        for (let i = 0; i < names.length; i++) {
          const name = names[(round + i) % names.length] as keyof typeof probes;
          const keyId = probes[name];
          const text = signedText("a challenge", keyId, round);
          const start = performance.now();
          expect(keys.verify(keyId, text, signature)).toBeNull();
          times[name].push((performance.now() - start) * NS_PER_MS);
        }
      }
      const known = median(times.known);
      for (const probe of [median(times.unknown), median(times.ofOtherKind)]) {
        expect(probe / known).toBeGreaterThan(0.75);
        expect(probe / known).toBeLessThan(1.33);
      }
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  },
);
