import { describe, expect, it } from "vitest";
import { emptyFaultCounts, FAULT_CODES, FaultCampaign } from "./fault-campaign.ts";

/** `npm run campaign:faults` takes every call. */
const CALLS = 10_000;
const EVERY = 101;

describe("a file call that goes wrong, and another one in the recovery from it", () => {
  it("cost no acknowledged command, whatever the calls and the ways", { timeout: 120_000 }, () => {
    const campaign = new FaultCampaign(1, CALLS);
    const counts = emptyFaultCounts();
    for (let call = 1; call <= CALLS; call += EVERY) {
      for (const code of FAULT_CODES) campaign.check(call, code, counts);
    }
    // Each case checks that its faults happened; these, that they hit what matters.
    expect(campaign.lives).toBeGreaterThan(10);
    expect(counts.cases).toBe(Math.ceil(CALLS / EVERY) * FAULT_CODES.length);
    expect(counts.stopped).toBeGreaterThan(counts.cases / 2);
    expect(counts.stoppedAgain).toBeGreaterThan(counts.cases / 2);
    expect(counts.looks).toBe(counts.cases / FAULT_CODES.length);
    expect(counts.unacknowledgedFound).toBeGreaterThan(0);
    for (const code of FAULT_CODES) {
      for (const operation of ["write", "sync", "read", "open"]) {
        const key = `${code} in ${operation}`;
        expect(counts.fired.get(key), key).toBeGreaterThan(0);
        expect(counts.firedAgain.get(key), `${key}, in recovery`).toBeGreaterThan(0);
      }
    }
  });
});
