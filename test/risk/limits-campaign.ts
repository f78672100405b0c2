import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { holdOf, Ledger, type SettlementTerms } from "../../engine/ledger/ledger.ts";
import { RejectReason } from "../../protocol/generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  Accepted,
  BALANCE_TEMPLATE_ID,
  Balance,
  REJECTED_TEMPLATE_ID,
  Rejected,
  TRADE_TEMPLATE_ID,
  Trade,
} from "../../protocol/generated/events.ts";
import { replayDirectory } from "../../replay/replay.ts";
import { Random } from "../simulation/random.ts";
import { LivePipeline } from "./live-pipeline.ts";

const SYMBOL = "AA-USD";
const PRICE_TICKS = 10_000; // 100.00
const LIMIT_LOTS = 1000; // 100.0
const LIMIT_ORDERS = 10;
/** Rounds that run side by side, each with an account of its own. */
const SIDE_BY_SIDE = 8;
/** Trades with everybody, in credit. */
const MAKER = 1;
const KINDS = ["buy", "sell", "market", "position", "gross", "orders"] as const;
type Kind = (typeof KINDS)[number];
/** Account of each place side by side and kind. */
const accountOf = (place: number, kind: Kind) => 10 + place * KINDS.length + KINDS.indexOf(kind);

export interface LimitsResult {
  readonly rounds: number;
  readonly sessions: number;
  readonly orders: number;
  readonly accepted: number;
  readonly refused: number;
  readonly verdicts: number;
}

interface Round {
  readonly kind: Kind;
  readonly account: number;
  readonly sessions: number;
  /** What a session asks for: lots of an order. */
  readonly lots: number;
  /** The most that may be accepted, in lots (of a market buy: what may be spent, in units). */
  readonly most: number;
  acceptedLots: number;
  acceptedOrders: number;
  refused: number;
}

/**
 * Sessions that all ask for 60 % of a limit at the same moment, with real risk threads: what is
 * accepted together never exceeds it, and the first is always accepted. Throws where that is not so,
 * where a balance falls below zero, a hold outlives its order, a unit is lost, or replay differs.
 */
export class LimitsCampaign {
  readonly #random: Random;
  readonly #pipeline: LivePipeline;
  readonly #directory: string;
  readonly #byAccount = new Map<number, Round>();
  readonly #adjusted = new Map<number, number>();
  readonly #accepted = new Accepted();
  readonly #rejected = new Rejected();
  readonly #trade = new Trade();
  readonly #balance = new Balance();
  #orders = 0;
  #sessions = 0;
  #acceptedOrders = 0;
  #refused = 0;

  /** directory: empty. */
  constructor(directory: string, seed: number, workers: number) {
    this.#directory = directory;
    this.#random = new Random(seed);
    this.#pipeline = new LivePipeline({
      directory,
      workers,
      onEvent: (view, offset) => this.#onEvent(view, offset),
    });
  }

  async run(rounds: number, onProgress: (done: number) => void): Promise<LimitsResult> {
    await this.#setUp();
    for (let done = 0; done < rounds; ) {
      const count = Math.min(SIDE_BY_SIDE, rounds - done);
      await this.#wave(count);
      done += count;
      onProgress(done);
    }
    for (let place = 0; place < SIDE_BY_SIDE; place++) {
      for (const kind of KINDS) await this.#send("massCancel", accountOf(place, kind), {});
    }
    await this.#send("massCancel", MAKER, {});
    const verdicts = await this.#finish();
    return {
      rounds,
      sessions: this.#sessions,
      orders: this.#orders,
      accepted: this.#acceptedOrders,
      refused: this.#refused,
      verdicts,
    };
  }

  async #setUp(): Promise<void> {
    await this.#send("defineInstrument", MAKER, {
      symbol: SYMBOL,
      tickSize: "0.01",
      lotSize: "0.1",
      takerFeeRate: "0.00073",
      makerFeeRate: "-0.00011",
    });
    await this.#pipeline.settle();
    for (let place = 0; place < SIDE_BY_SIDE; place++) {
      for (const kind of KINDS) {
        await this.#send("setAccount", accountOf(place, kind), {
          ...(kind === "position" ? { maxPosition: String(LIMIT_LOTS / 10) } : {}),
          ...(kind === "gross" ? { maxGrossNotional: String(LIMIT_LOTS * 10) } : {}),
          ...(kind === "orders" ? { maxOpenOrders: LIMIT_ORDERS } : {}),
          ...(isSpot(kind) ? { mode: "spot" } : {}),
        });
      }
    }
    await this.#pipeline.settle();
  }

  /** Several rounds at once, their orders shuffled: no session knows of another. */
  async #wave(count: number): Promise<void> {
    const random = this.#random;
    const rounds: Round[] = [];
    const kinds = Array.from({ length: count }, () => random.pick([...KINDS]));
    for (const [place, kind] of kinds.entries()) await this.#fund(accountOf(place, kind), kind);
    if (kinds.includes("market")) {
      await this.#order(MAKER, "sell", 1_000_000, "limit");
    }
    await this.#pipeline.settle();
    for (const [place, kind] of kinds.entries()) rounds.push(this.#round(place, kind));

    const orders = rounds.flatMap((round) => {
      const times = round.kind === "orders" ? LIMIT_ORDERS * 0.6 : 1;
      return Array.from({ length: round.sessions * times }, () => round);
    });
    shuffle(orders, random);
    for (const { kind, account, lots } of orders) {
      const side = kind === "sell" ? "sell" : "buy";
      // Where open orders are the limit they must not meet the maker's.
      const priceTicks = isSpot(kind) ? PRICE_TICKS : PRICE_TICKS - 100;
      await this.#order(account, side, lots, kind === "market" ? "market" : "limit", priceTicks);
      if (random.below(20) === 0) await this.#pipeline.turn();
    }
    await this.#pipeline.settle();
    for (const round of rounds) this.#check(round);
    this.#byAccount.clear();

    // A part of what rests trades, then all of it goes.
    if (random.below(2) === 0) await this.#order(MAKER, "sell", 1 + random.below(2000), "market");
    if (random.below(2) === 0) await this.#order(MAKER, "buy", 1 + random.below(2000), "market");
    for (const { account } of rounds) await this.#send("massCancel", account, {});
    await this.#send("massCancel", MAKER, {});
    // Positions of credit accounts go back, or their limits would count them.
    await this.#pipeline.settle();
    for (const { account, kind } of rounds) if (!isSpot(kind)) await this.#flatten(account);
    await this.#pipeline.settle();
    this.#checkHolds(rounds);
  }

  #round(place: number, kind: Kind): Round {
    const account = accountOf(place, kind);
    const terms = this.#terms;
    const row = this.#pipeline.ledger.account(account);
    let lots = Math.ceil(LIMIT_LOTS * 0.6);
    let most = LIMIT_LOTS;
    if (kind === "buy" || kind === "market") {
      const free = row.free(terms.quoteAssetId);
      most = kind === "market" ? free : lotsFor(terms, free);
      lots = Math.ceil(lotsFor(terms, free) * 0.6);
    } else if (kind === "sell") {
      most = row.free(terms.baseAssetId) / terms.lotUnits;
      lots = Math.ceil(most * 0.6);
    } else if (kind === "orders") {
      lots = 1;
      most = LIMIT_ORDERS;
    }
    const sessions = 2 + this.#random.below(63);
    this.#sessions += sessions;
    const counts = { acceptedLots: 0, acceptedOrders: 0, refused: 0 };
    const round = { kind, account, sessions, lots, most, ...counts };
    this.#byAccount.set(account, round);
    return round;
  }

  #check(round: Round): void {
    const { kind, acceptedLots, acceptedOrders, most, lots, sessions } = round;
    const say = (what: string) => new Error(`${what}: ${JSON.stringify(round)}`);
    if (kind === "market") {
      const left = this.#pipeline.ledger.account(round.account).free(this.#terms.quoteAssetId);
      if (left < 0 || left > most) throw say(`${left} units are left`);
      // Two sessions spend all of it but for less than a lot.
      if (lotsFor(this.#terms, left) > 0) throw say(`${left} units were not spent`);
    } else if (kind === "orders") {
      if (acceptedOrders !== Math.min(most, sessions * 6)) throw say("not the limit exactly");
    } else {
      if (acceptedLots > most) throw say("more than the limit");
      if (acceptedLots !== lots) throw say("not one session exactly");
    }
    if (kind !== "market" && round.refused === 0) throw say("nobody was refused");
  }

  #checkHolds(rounds: readonly Round[]): void {
    const { ledger } = this.#pipeline;
    if (ledger.heldOrders !== 0) throw new Error(`${ledger.heldOrders} orders still hold`);
    for (const { account } of rounds) {
      for (const row of ledger.balances(account)) {
        if (row.heldUnits !== 0) throw new Error(`account ${account}: ${JSON.stringify(row)}`);
      }
    }
    for (const asset of this.#pipeline.instruments.allAssets()) {
      let sum = 0;
      for (const account of ledger.accounts()) sum += ledger.account(account).total(asset.id);
      const adjusted = this.#adjusted.get(asset.id) ?? 0;
      if (sum !== adjusted) throw new Error(`${asset.asset}: ${sum} units of ${adjusted}`);
    }
  }

  /** Enough for a round, in amounts that divide nowhere. */
  async #fund(account: number, kind: Kind): Promise<void> {
    if (!isSpot(kind)) return;
    const row = this.#pipeline.ledger.account(account);
    const terms = this.#terms;
    const reference = "round";
    if (kind === "sell") {
      if (row.free(terms.baseAssetId) / terms.lotUnits >= 50) return;
      const amount = String(100 + this.#random.below(900));
      await this.#send("adjustBalance", account, { asset: "AA", amount, reference });
    } else if (lotsFor(terms, row.free(terms.quoteAssetId)) < 50) {
      const amount = `${2000 + this.#random.below(9000)}.${10 + this.#random.below(90)}`;
      await this.#send("adjustBalance", account, { asset: "USD", amount, reference });
    }
  }

  async #flatten(account: number): Promise<void> {
    const lots = this.#pipeline.ledger.positions(account)[0]?.[1] ?? 0;
    if (lots === 0) return;
    await this.#order(MAKER, lots > 0 ? "buy" : "sell", Math.abs(lots), "limit");
    await this.#order(account, lots > 0 ? "sell" : "buy", Math.abs(lots), "market");
  }

  async #finish(): Promise<number> {
    await this.#pipeline.settle();
    this.#checkHolds([]);
    await this.#pipeline.close();
    const ledger = new Ledger();
    const { result } = replayDirectory(new NodeDisk(), this.#directory, {
      verify: true,
      onEvent: (view, offset) => ledger.onEvent(view, offset),
    });
    for (const account of this.#pipeline.ledger.accounts()) {
      const live = JSON.stringify(this.#pipeline.ledger.balances(account));
      const replayed = JSON.stringify(ledger.balances(account));
      if (live !== replayed) throw new Error(`account ${account}: ${live} live, ${replayed} after`);
    }
    return result.verified?.verdicts ?? 0;
  }

  get #terms(): SettlementTerms {
    return this.#pipeline.ledger.terms(1) as SettlementTerms;
  }

  async #order(
    account: number,
    side: string,
    lots: number,
    orderType: string,
    priceTicks = PRICE_TICKS,
  ): Promise<void> {
    this.#orders++;
    await this.#send("newOrder", account, {
      symbol: SYMBOL,
      side,
      orderType,
      quantity: (lots / 10).toFixed(1),
      ...(orderType === "limit" ? { price: (priceTicks / 100).toFixed(2) } : {}),
    });
  }

  async #send(type: string, account: number, fields: Record<string, unknown>): Promise<void> {
    await this.#pipeline.send({ type, account, ...fields });
  }

  #onEvent(view: DataView, offset: number): void {
    const template = view.getUint16(offset + 2, true);
    if (template === ACCEPTED_TEMPLATE_ID) {
      const event = this.#accepted;
      event.wrap(view, offset);
      this.#acceptedOrders++;
      const round = this.#byAccount.get(event.account);
      if (round !== undefined) {
        round.acceptedOrders++;
        round.acceptedLots += event.quantityLots;
      }
      this.#checkAccount(event.account);
    } else if (template === REJECTED_TEMPLATE_ID) {
      const event = this.#rejected;
      event.wrap(view, offset);
      if (event.reason === RejectReason.riskUnavailable) throw new Error("a risk worker is away");
      this.#refused++;
      const round = this.#byAccount.get(event.account);
      if (round !== undefined) round.refused++;
    } else if (template === TRADE_TEMPLATE_ID) {
      const event = this.#trade;
      event.wrap(view, offset);
      this.#checkAccount(event.account);
      this.#checkAccount(event.makerAccount);
    } else if (template === BALANCE_TEMPLATE_ID) {
      const event = this.#balance;
      event.wrap(view, offset);
      const before = this.#adjusted.get(event.assetId) ?? 0;
      this.#adjusted.set(event.assetId, before + event.amountUnits);
    }
  }

  /** After every event: nothing of a spot account is below zero. */
  #checkAccount(account: number): void {
    const kind = KINDS[(account - 10) % KINDS.length];
    if (account < 10 || kind === undefined || !isSpot(kind)) return;
    for (const row of this.#pipeline.ledger.balances(account)) {
      if (row.freeUnits < 0 || row.heldUnits < 0) {
        throw new Error(`account ${account}: ${JSON.stringify(row)}`);
      }
    }
  }
}

function isSpot(kind: Kind): boolean {
  return kind === "buy" || kind === "sell" || kind === "market";
}

/** Lots that so much of the quote asset can hold at the campaign's price. */
function lotsFor(terms: SettlementTerms, units: number): number {
  let lots = Math.floor(units / (PRICE_TICKS * terms.notionalUnit));
  while (lots > 0 && holdOf(terms, true, PRICE_TICKS, lots) > units) lots--;
  return lots;
}

function shuffle<Item>(items: Item[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [items[i], items[j]] = [items[j] as Item, items[i] as Item];
  }
}
