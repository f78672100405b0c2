// A check that cannot fail is worth nothing: each fault that a crash could leave behind is planted
// here, and has to be found.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { audit } from "./audit.ts";
import type { ClientRecord } from "./client-record.ts";
import { BUYER, clients, iterate, journal, SELLER, sourceOf, streams, viewsOf } from "./history.ts";
import type { JournalEvent } from "./private-view.ts";

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-audit-"));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

interface Evidence {
  events: JournalEvent[];
  clients: ClientRecord[];
  streams: ReturnType<typeof streams>;
  untilSeq: number;
  emptyAccounts: number[];
}

/** The findings on evidence that is true but for what `plant` does to it. */
async function findingsAfter(plant: (evidence: Evidence) => void): Promise<string> {
  const events = journal();
  const evidence: Evidence = {
    events,
    clients: clients(directory, events),
    streams: streams(events),
    untilSeq: 10,
    emptyAccounts: [BUYER, SELLER],
  };
  plant(evidence);
  const report = await audit({
    events: iterate(evidence.events),
    clients: evidence.clients,
    untilSeq: evidence.untilSeq,
    redis: sourceOf(evidence.streams),
    emptyAccounts: evidence.emptyAccounts,
  });
  return report.findings.join("\n");
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items.at(index);
  if (item === undefined) throw new Error(`nothing at ${index}`);
  return item;
}

function seen(record: ClientRecord): { read(): string[]; write(lines: string[]): void } {
  record.flush();
  return {
    read: () => fs.readFileSync(record.seenFile, "utf8").trimEnd().split("\n"),
    write: (lines) => fs.writeFileSync(record.seenFile, `${lines.join("\n")}\n`),
  };
}

test("evidence that agrees with the journal has no findings", async () => {
  expect(await findingsAfter(() => undefined)).toBe("");
});

describe("what a client saw", () => {
  test("an acknowledged event that the journal has lost is found", async () => {
    const findings = await findingsAfter(({ events }) => events.splice(-1, 1));
    expect(findings).toContain("client-11: saw");
    expect(findings).toContain("which is not in the journal");
  });

  test("an event that the client was never told is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const file = seen(at(clients, 0));
      file.write(file.read().slice(0, -1));
    });
    expect(findings).toContain("client-11: event 9-0 was never seen");
  });

  test("an event in the middle that the client was never told is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const file = seen(at(clients, 1));
      file.write(file.read().filter((_, i) => i !== 2));
    });
    expect(findings).toContain("client-12: saw");
  });

  test("an event told twice is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const file = seen(at(clients, 0));
      const lines = file.read();
      file.write([...lines, at(lines, -1)]);
    });
    expect(findings).toContain("client-11: saw");
  });

  test("a single changed field is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const file = seen(at(clients, 1));
      file.write(file.read().map((line) => line.replace('"fee":"-0.01"', '"fee":"-0.02"')));
    });
    expect(findings).toContain('"fee":"-0.02"');
  });

  test("another account's request number in a report is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const file = seen(at(clients, 1));
      const withRequest = (line: string) =>
        line.includes('"seq":5,') ? line.replace('"seq":5', '"requestId":101,"seq":5') : line;
      file.write(file.read().map(withRequest));
    });
    expect(findings).toContain('"requestId":101');
  });

  test("a trade with oneself of which only one side was told is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const file = seen(at(clients, 1));
      file.write(file.read().filter((line) => !/"seq":6.*"side":"sell"/.test(line)));
    });
    expect(findings).toContain("client-12: saw");
  });

  test("events after the last connection are nobody's fault", async () => {
    const findings = await findingsAfter((evidence) => {
      evidence.untilSeq = 8;
      const file = seen(at(evidence.clients, 0));
      file.write(file.read().slice(0, -1));
    });
    expect(findings).toBe("");
  });

  test("a fault that a client noticed while it ran is a finding", async () => {
    const findings = await findingsAfter(({ clients }) => at(clients, 0).fault("something"));
    expect(findings).toContain("client-11: something");
  });
});

describe("what became of a request", () => {
  test("one that was answered and is not in the journal is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const request = { command: { type: "cancelOrder", clientOrderId: 9 } as const, sentCount: 1 };
      const outcome = { kind: "answered", seq: 77, hasEvents: true } as const;
      at(clients, 0).requests.set(150, { ...request, outcome });
    });
    expect(findings).toContain("request 150 (cancelOrder) was answered with 77");
  });

  test("one that was done twice is found", async () => {
    const findings = await findingsAfter(({ events }) => {
      const twin = { ...at(events, -1), seq: 10 };
      events.push(twin);
    });
    expect(findings).toContain("account 11: request 102 was done twice, as 9 and as 10");
  });

  test("one without an answer is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const request = at(clients, 0).requests.get(101);
      if (request !== undefined) request.outcome = null;
    });
    expect(findings).toContain("request 101 (cancelOrder) was never answered, and done as 5");
  });

  test("one that was refused and done all the same is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const request = at(clients, 0).requests.get(101);
      if (request !== undefined) request.outcome = { kind: "refused", code: "shuttingDown" };
    });
    expect(findings).toContain("request 101 (cancelOrder) was refused (shuttingDown), and done");
  });

  test("one called a duplicate that was never done is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const command = { type: "cancelOrder", clientOrderId: 9 } as const;
      const outcome = { kind: "duplicate", seq: 0 } as const;
      at(clients, 0).requests.set(150, { command, sentCount: 2, outcome });
    });
    expect(findings).toBe("1 requests were called duplicates and never done");
  });

  test("one whose refusal may have been lost is none, where others were refused", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const command = { type: "cancelOrder", clientOrderId: 9 } as const;
      const { requests } = at(clients, 0);
      requests.set(150, { command, sentCount: 2, outcome: { kind: "duplicate", seq: 0 } });
      const refused = { kind: "refused", code: "overloaded" } as const;
      requests.set(151, { command, sentCount: 1, outcome: refused });
    });
    expect(findings).toBe("");
  });

  test("one called a duplicate of a command that is not there is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const command = { type: "cancelOrder", clientOrderId: 9 } as const;
      const outcome = { kind: "duplicate", seq: 77 } as const;
      at(clients, 0).requests.set(150, { command, sentCount: 2, outcome });
    });
    expect(findings).toContain("request 150 (cancelOrder) was called a duplicate of 77, which");
  });

  test("one called a duplicate of another command is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const request = at(clients, 0).requests.get(101);
      if (request !== undefined) request.outcome = { kind: "duplicate", seq: 6 };
    });
    expect(findings).toContain("request 101 (cancelOrder) was called a duplicate of 6");
  });

  test("one said to have no events that has some is found", async () => {
    const findings = await findingsAfter(({ clients }) => {
      const request = at(clients, 0).requests.get(101);
      if (request !== undefined) request.outcome = { kind: "answered", seq: 5, hasEvents: false };
    });
    expect(findings).toContain("request 101 (cancelOrder) was answered without events");
  });

  test("one that nobody has sent is found", async () => {
    const findings = await findingsAfter(({ clients }) => at(clients, 0).requests.delete(102));
    expect(findings).toContain("account 11: request 102 (9) was never sent");
  });
});

describe("the streams in Redis", () => {
  test("a trade that is missing is found", async () => {
    const findings = await findingsAfter(({ streams }) => streams.trades.splice(1, 1));
    expect(findings).toContain("Redis: KILO-USD has 6-1 where the journal has trade 5-2");
  });

  test("a trade that is missing at the end is found", async () => {
    const findings = await findingsAfter(({ streams }) => streams.trades.pop());
    expect(findings).toContain("Redis: trade 6-1 of KILO-USD is missing at the end");
  });

  test("a trade that is there twice is found", async () => {
    const findings = await findingsAfter(({ streams }) => {
      streams.trades.splice(1, 0, at(streams.trades, 0));
    });
    expect(findings).toContain("Redis: KILO-USD has 5-1 where the journal has trade 5-2");
  });

  test("a trade that never was is found", async () => {
    const findings = await findingsAfter(({ streams }) => {
      streams.trades.push({ ...at(streams.trades, 0), id: "11-0" });
    });
    expect(findings).toContain("Redis: KILO-USD has 11-0, which is not in the journal");
  });

  test("a trade with another quantity is found", async () => {
    const findings = await findingsAfter(({ streams }) => {
      const { id, fields } = at(streams.trades, 0);
      streams.trades[0] = { id, fields: { ...fields, quantity: "2.0" } };
    });
    expect(findings).toContain('Redis: trade 5-1 of KILO-USD is {"aggressorSide"');
  });

  test("a batch of events that is missing is found", async () => {
    const findings = await findingsAfter(({ streams }) => streams.batches.splice(1, 1));
    expect(findings).toContain("Redis: batch 8-0 follows 4-0, but names 5-2");
    expect(findings).toContain("Redis: event 9-0 is missing at the end of crossbook:events");
  });

  test("a batch that is there twice is found", async () => {
    const findings = await findingsAfter(({ streams }) => {
      streams.batches.push(at(streams.batches, -1));
    });
    expect(findings).toContain("which is not in the journal");
  });

  test("an event that a batch has lost is found", async () => {
    const findings = await findingsAfter(({ streams }) =>
      at(streams.batches, 0).events.splice(1, 1),
    );
    expect(findings).toContain("Redis: batch 4-0 names 3 events and holds 2");
  });

  test("an event that differs from the journal is found", async () => {
    const findings = await findingsAfter(({ streams }) => {
      const { events } = at(streams.batches, 0);
      events[1] = { ...at(events, 1), price: "101" };
    });
    expect(findings).toContain('Redis: crossbook:events has {"account":12');
  });

  test("a batch whose id is not that of its last event is found", async () => {
    const findings = await findingsAfter(({ streams }) => {
      at(streams.batches, -1).id = "9-1";
    });
    expect(findings).toContain("Redis: batch 9-1 does not end with the event of that id");
  });
});

describe("the journal by itself", () => {
  test("a gap within a command is found", async () => {
    const findings = await findingsAfter(({ events }) => events.splice(4, 1));
    expect(findings).toContain("journal: 5-2 after 5-0");
  });

  test("time that goes back is found", async () => {
    const findings = await findingsAfter(({ events }) => {
      events[8] = { ...at(events, 8), timestamp: 1 };
    });
    expect(findings).toContain("journal: time back at 8-0");
  });

  test("a trade number that is left out is found", async () => {
    const findings = await findingsAfter(({ events }) => {
      events[7] = { ...at(events, 7), tradeId: 4 };
    });
    expect(findings).toContain("journal: trade id 4 at 6-1");
  });

  test("quantity that goes astray is found", async () => {
    const findings = await findingsAfter(({ events }) => {
      events[8] = { ...at(events, 8), quantity: "0.4" };
    });
    expect(findings).toContain("canceled 8-0: order 4 leaves 0, not 100000000");
  });

  test("an order that should have gone with its session is found", async () => {
    const findings = await findingsAfter(({ events }) => events.splice(8, 1));
    expect(findings).toContain("account 12 has 1 open orders and may have none");
  });
});

describe("what the server said that is open at the end", () => {
  const open = (evidence: Evidence): ClientRecord => {
    evidence.events.splice(8, 1); // the cancel of order 4 never was
    evidence.emptyAccounts = [];
    evidence.clients = clients(directory, evidence.events);
    at(evidence.clients, 1).requests.delete(204);
    evidence.streams = streams(evidence.events);
    const record = at(evidence.clients, 1);
    record.openOrders = new Map([[4, "0.5"]]);
    record.positions = new Map([["KILO-USD", "-3"]]);
    return record;
  };

  test("the truth has no findings", async () => {
    expect(await findingsAfter((evidence) => void open(evidence))).toBe("");
  });

  test("an order that it left out is found", async () => {
    const findings = await findingsAfter((evidence) => open(evidence).openOrders?.clear());
    expect(findings).toBe("client-12: order 4 was not said to be open");
  });

  test("an order with another quantity is found", async () => {
    const findings = await findingsAfter((evidence) => open(evidence).openOrders?.set(4, "0.4"));
    expect(findings).toContain("client-12: order 4 is said to leave 0.4");
  });

  test("an order that is dead is found", async () => {
    const findings = await findingsAfter((evidence) => open(evidence).openOrders?.set(3, "2"));
    expect(findings).toBe("client-12: order 3 was said to be open, and is not");
  });

  test("another position is found", async () => {
    const findings = await findingsAfter((evidence) => open(evidence).positions?.clear());
    expect(findings).toContain("client-12: the position in KILO-USD is said to be 0");
  });
});

test("a private view of a trade leaves out the other side and its request", () => {
  const [, , fill] = viewsOf(journal(), SELLER);
  expect(fill).toEqual({
    type: "trade",
    seq: 5,
    index: 1,
    timestamp: 1005,
    symbol: "KILO-USD",
    account: SELLER,
    clientOrderId: 1,
    orderId: 3,
    side: "sell",
    tradeId: 1,
    price: "100",
    quantity: "2",
    leavesQuantity: "0",
    fee: "-0.01",
    liquidity: "maker",
  });
});
