import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { runLoadProcess } from "../../bench/latency/latency.ts";
import { DEFAULT_LOAD, type LoadOptions } from "../../bench/load/options.ts";

/** Answered before the server hangs up. */
const ANSWERS = 300;

let server: WebSocketServer;
let url = "";
/** With a reset where the server has not read everything. */
const HUNG_UP = /the connection was closed(?!:)|read ECONNRESET/;

/** Said in good order; empty: it hangs up. */
let reason = "";

beforeEach(async () => {
  reason = "";
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  server.on("connection", (socket) => {
    let answers = 0;
    socket.on("message", (data) => {
      socket.send(data);
      if (++answers !== ANSWERS) return;
      if (reason === "") socket.terminate();
      else {
        socket.close(1013, reason);
        setTimeout(() => socket.terminate(), 50); // its answer is not waited for
      }
    });
  });
});

afterEach(() => {
  server.close();
});

function load(pacing: LoadOptions["pacing"], mayBeCut: boolean): LoadOptions {
  return {
    ...DEFAULT_LOAD,
    ...{ url, protocol: "echo", pacing, mayBeCut },
    ...{ ratePerSecond: 1000, schedule: "constant", warmUpSeconds: 0, seconds: 1, drainSeconds: 1 },
  };
}

describe.each(["spin", "sleep"] as const)(
  "a connection that the server cuts, pacing %s",
  (pacing) => {
    test("fails the run, with its reason", async () => {
      await expect(runLoadProcess(load(pacing, false))).rejects.toThrow(HUNG_UP);
    });

    test("counts as lost orders where a server may be overloaded", async () => {
      const result = await runLoadProcess(load(pacing, true));
      expect(result.sent).toBe(1000);
      expect(result.answered).toBeGreaterThan(0);
      expect(result.answered).toBeLessThanOrEqual(ANSWERS);
      expect(result.lost).toBe(result.sent - result.answered);
      expect(Object.keys(result.complaints)).toEqual([expect.stringMatching(HUNG_UP)]);
      expect(Object.values(result.complaints)).toEqual([1]);
    });

    test("a server that says why it closes is heard", async () => {
      reason = "too slow";
      const result = await runLoadProcess(load(pacing, true));
      expect(result.complaints).toEqual({ "the connection was closed: 1013 too slow": 1 });
    });
  },
);
