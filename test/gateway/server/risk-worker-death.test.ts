import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { loadConfig } from "../../../gateway/config/load.ts";
import { Pipeline } from "../../../gateway/server/pipeline.ts";
import { emptyGatewayState } from "../../../gateway/server/snapshot/view-rows.ts";
import { RejectReason } from "../../../protocol/generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  REJECTED_TEMPLATE_ID,
  Rejected,
} from "../../../protocol/generated/events.ts";
import { EventHeader } from "../../../protocol/generated/headers.ts";
import { InstrumentDirectory } from "../../../protocol/instrument-directory.ts";
import { encodeCommand } from "../../../protocol/json/encode-command.ts";
import { EventRingReader } from "../../../protocol/rings/event-ring.ts";
import { ControlWord } from "../../../protocol/rings/pipeline-memory.ts";
import { replayDirectory } from "../../../replay/replay.ts";

it.each(["shared", "dedicated"])(
  "the server's pipeline outlives a risk worker, threading %s",
  async (threading) => {
    const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-risk-"));
    const faults: Error[] = [];
    const news: string[] = [];
    const flags = { dataDir, threading, riskWorkers: "2", durability: "os", redis: "off" };
    const { config } = loadConfig({ flags });
    let nowUs = Date.now() * 1000;
    const pipeline = new Pipeline(
      config,
      () => ++nowUs,
      (fault) => faults.push(fault),
    );
    pipeline.onRiskNews = ({ what, worker }) => news.push(`${what} ${worker}`);
    await pipeline.recover(emptyGatewayState(), () => {});

    const instruments = new InstrumentDirectory();
    const reader = new EventRingReader(pipeline.memory, ControlWord.eventsGateway);
    const header = new EventHeader();
    const rejected = new Rejected();
    /** Of accounts 2 and 3: workers 0 and 1. */
    const accepted = [0, 0];
    const unavailable = [0, 0];
    const doWork = () => {
      const count = reader.available();
      for (let i = 0; i < count; i++) {
        const offset = reader.offsetOf(i);
        instruments.onEvent(reader.view, offset);
        header.wrap(reader.view, offset);
        const worker = header.account % 2;
        if (header.templateId === ACCEPTED_TEMPLATE_ID)
          accepted[worker] = (accepted[worker] as number) + 1;
        if (header.templateId !== REJECTED_TEMPLATE_ID) continue;
        rejected.wrap(reader.view, offset);
        if (rejected.reason === RejectReason.riskUnavailable) {
          unavailable[worker] = (unavailable[worker] as number) + 1;
        }
      }
      reader.advance(count);
      return count;
    };
    const stages = pipeline.mainStages({ name: "gateway", doWork });
    const round = () => stages.reduce((work, stage) => work + stage.doWork(), 0);
    const send = (json: object) => {
      const { sequencer } = pipeline;
      if (sequencer.free() === 0) return;
      const rights = { admin: true, accountRequired: true };
      encodeCommand(json, instruments, sequencer.view, sequencer.next(), rights);
      sequencer.commit();
    };
    const tradeUntil = async (condition: () => boolean, what: string) => {
      const deadline = performance.now() + 30_000;
      while (!condition()) {
        if (performance.now() > deadline || faults.length > 0)
          throw new Error(`never: ${what}`, { cause: faults[0] });
        for (const account of [2, 3]) {
          const order = {
            type: "newOrder",
            account,
            symbol: "AA-USD",
            quantity: "1",
            price: "100",
          };
          send({ ...order, orderType: "limit", side: account === 2 ? "buy" : "sell" });
        }
        round();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };

    try {
      send({ type: "defineInstrument", account: 1, symbol: "AA-USD", tickSize: "1", lotSize: "1" });
      await pipeline.drained(round);
      await tradeUntil(() => (accepted[1] as number) > 20, "orders");
      await pipeline.risk.threadOf(1)?.terminate();
      const before = accepted[0] as number;
      await tradeUntil(() => (unavailable[1] as number) > 0, "a refusal");
      await tradeUntil(() => news.includes("rebuilt 1"), "a successor at work");
      expect(accepted[0]).toBeGreaterThan(before);
      expect(unavailable[0]).toBe(0);
      const after = accepted[1] as number;
      await tradeUntil(() => (accepted[1] as number) > after + 20, "orders again");
      expect(news).toEqual(["died 1", "rebuilt 1"]);
      await pipeline.drained(round);
      await pipeline.stop(0);
      expect(faults).toEqual([]);
      const { result } = replayDirectory(new NodeDisk(), dataDir, { verify: true });
      expect(result.verified?.verdicts).toBeGreaterThan(50);
    } finally {
      fs.rmSync(dataDir, { recursive: true, force: true });
    }
  },
);
