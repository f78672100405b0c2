import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { LimitsCampaign } from "./limits-campaign.ts";

const ROUNDS = Number(process.env.LIMIT_ROUNDS ?? 120);

it.each([1, 2])(
  "with %d workers, sessions that ask for 60 percent of a limit at once never get more",
  async (workers) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-limits-"));
    const seed = 1 + Math.floor(Math.random() * 2 ** 31);
    try {
      const campaign = new LimitsCampaign(directory, seed, workers);
      const result = await campaign.run(ROUNDS, () => {});
      expect(result.refused).toBeGreaterThan(ROUNDS);
      expect(result.verdicts).toBeGreaterThan(result.orders);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    } finally {
      fs.rmSync(directory, { recursive: true, force: true });
    }
  },
);
