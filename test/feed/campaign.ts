import { MarketState, Side } from "../../protocol/generated/enums.ts";
import { auctionPrice } from "../reference/auction.ts";
import { CommandGenerator } from "../reference/fuzz/generator.ts";
import { drawProfile } from "../reference/fuzz/profile.ts";
import { Random } from "../reference/fuzz/random.ts";
import type { Instrument } from "../reference/state.ts";
import { EndlessSweep } from "../reference/sweep.ts";
import { Client } from "./client.ts";
import { Market } from "./market.ts";
import type { Indication } from "./reader.ts";

/** What a run has tried, so that one can see that it was tried. */
export interface Tally {
  /** Joins, leaves, pauses and the like. */
  cases: number;
  commands: number;
  /** Books that were compared with the engine's. */
  states: number;
  snapshots: number;
  /** Updates that stood for several commands. */
  resumed: number;
  indications: number;
  midCommand: number;
}

export function emptyTally(): Tally {
  return {
    cases: 0,
    commands: 0,
    states: 0,
    snapshots: 0,
    resumed: 0,
    indications: 0,
    midCommand: 0,
  };
}

const CHANNELS = ["l1", "l2", "l3", "trades", "status", "indication"];
const MOST_CLIENTS = 6;
const MOST_COMMANDS = 400;

/** One market with clients that come, go and pause at random. Throws where one is told a wrong book. */
export function runMarket(seed: number, tally: Tally): void {
  const random = new Random(seed);
  const profile = drawProfile(random);
  const market = new Market(profile.capacity, {
    slowBytes: random.pick([200, 2000, 16_384]),
    probeBytes: random.pick([1, 500, 8000]),
    largeRows: random.pick([2, 20, 1600]),
    rowsAPart: random.pick([1, 3, 400]),
    windowUpdates: random.pick([64, 64, 1024]),
    windowRows: 256,
    sharedParts: random.pick([1, 3]),
  });
  const generator = new CommandGenerator(profile, market.engine);
  const crowd = new Crowd(market, random, tally);
  const opening = [...generator.opening(random)];
  const eagerness = random.pick([0.05, 0.3, 0.8]);
  const length = Math.min(profile.length, MOST_COMMANDS);
  for (let i = 0; i < length; i++) {
    const command = opening[i] ?? generator.next(random);
    if (random.chance(0.5)) crowd.checkIndications();
    market.apply(command, () => {
      if (!random.chance(eagerness / 10)) return;
      tally.midCommand++;
      if (random.chance(0.5)) market.endRound();
      crowd.act();
    });
    tally.commands++;
    if (random.chance(0.7)) market.endRound();
    if (random.chance(eagerness)) crowd.act();
    if (random.chance(0.05)) market.endpoint.tick();
    crowd.read();
  }
  market.endRound();
  crowd.finish();
}

class Crowd {
  readonly #market: Market;
  readonly #random: Random;
  readonly #tally: Tally;
  #clients: Client[] = [];

  constructor(market: Market, random: Random, tally: Tally) {
    this.#market = market;
    this.#random = random;
    this.#tally = tally;
  }

  act(): void {
    const random = this.#random;
    this.#tally.cases++;
    if (this.#clients.length === 0 || (this.#clients.length < MOST_CLIENTS && random.chance(0.1))) {
      this.#clients.push(new Client(this.#market, random.chance(0.5)));
    }
    const client = random.pick(this.#clients);
    const { symbols } = this.#market;
    const symbol = symbols.length === 0 || random.chance(0.3) ? "*" : random.pick(symbols);
    const what = random.weighted({
      subscribe: 8,
      unsubscribe: 2,
      pause: 3,
      goOn: 3,
      trickle: 4,
      reconnect: 1,
      leave: 0.5,
      encoding: 0.5,
    });
    if (what === "subscribe") client.ask("subscribe", random.pick(CHANNELS), symbol);
    else if (what === "unsubscribe" && client.wanted.size > 0) {
      const [channel, of] = random.pick([...client.wanted]).split(" ") as [string, string];
      // One of all that were asked for together: no wish is left that could be checked.
      client.ask("unsubscribe", channel, client.wanted.has(`${channel} *`) ? "*" : of);
    } else if (what === "pause") client.pause();
    else if (what === "goOn") client.goOn();
    else if (what === "trickle") client.trickle(random.int(1, 5));
    else if (what === "encoding") client.switchEncoding();
    else if (what === "reconnect") this.#reconnect(client);
    else if (what === "leave") {
      client.disconnect();
      this.#note(client);
      this.#clients = this.#clients.filter((other) => other !== client);
    }
  }

  /** Asks for what it has missed. */
  #reconnect(client: Client): void {
    client.disconnect();
    const wanted = [...client.wanted];
    client.wanted.clear();
    client.connect();
    for (const key of wanted) {
      const [channel, symbol] = key.split(" ") as [string, string];
      if (symbol !== "*" && wanted.includes(`${channel} *`)) continue;
      const known =
        symbol === "*"
          ? undefined
          : client.reader.channel(channel, this.#market.sizes(symbol).instrumentId);
      // Half a message is none.
      if (known === undefined || known.seq < 0 || known.isPartial) {
        client.ask("subscribe", channel, symbol);
      } else {
        this.#tally.resumed++;
        client.ask("resume", channel, symbol, known.seq);
      }
    }
  }

  read(): void {
    for (const client of this.#clients) client.read();
  }

  /** Clients that have read everything know at what price each book would uncross now. */
  checkIndications(): void {
    this.#market.endRound();
    this.read();
    for (const client of this.#clients) {
      if (!client.isCurrent) continue;
      for (const instrument of this.#market.engine.instruments) {
        const { id, symbol } = instrument;
        if (!client.wanted.has("indication *") && !client.wanted.has(`indication ${symbol}`))
          continue;
        const found = JSON.stringify(client.reader.channel("indication", id)?.indication);
        const expected = JSON.stringify(indicationOf(instrument));
        if (found !== expected) throw new Error(`indicated ${found}, would be ${expected}`);
        if (instrument.state === MarketState.auction) this.#tally.indications++;
      }
    }
  }

  /** All read to the end and have the newest book of everything they asked for. */
  finish(): void {
    for (const client of this.#clients) {
      client.goOn();
      this.#market.endpoint.tick();
      this.#market.endRound();
      client.read();
      this.#checkNewest(client);
      this.#note(client);
    }
  }

  #checkNewest(client: Client): void {
    for (const key of client.wanted) {
      const [channel, symbol] = key.split(" ") as [string, string];
      if (channel !== "l1" && channel !== "l2" && channel !== "l3") continue;
      for (const instrument of this.#market.engine.instruments) {
        if (symbol !== "*" && symbol !== instrument.symbol) continue;
        const known = client.reader.channel(channel, instrument.id);
        const newest = this.#market.stateAt(channel, instrument.id, this.#market.seq);
        const own = this.#market.stateAt(channel, instrument.id, known?.seq ?? -1) ?? " | ";
        if (known === undefined || own !== newest) {
          throw new Error(
            `${key}: stands at ${known?.seq} in the end, with\n${own}\nnot\n${newest}`,
          );
        }
      }
    }
  }

  #note(client: Client): void {
    this.#tally.states += client.states;
    for (const { snapshots } of client.reader.channels.values()) this.#tally.snapshots += snapshots;
  }
}

/** What the auction channel should say. */
function indicationOf({
  state,
  book,
  lastPriceTicks,
  referencePriceTicks,
}: Instrument): Indication {
  const collecting = state === MarketState.auction;
  const found = collecting ? auctionPrice(book, lastPriceTicks ?? referencePriceTicks) : null;
  const imbalance = found?.imbalanceLots ?? 0;
  return {
    collecting,
    priceTicks: found?.priceTicks ?? null,
    lots: found?.lots ?? 0,
    imbalanceLots: Math.abs(imbalance),
    imbalanceSide: imbalance === 0 ? Side.none : imbalance > 0 ? Side.buy : Side.sell,
  };
}

/** Markets until so many cases have been tried; the seed of each is the first one's plus its number. */
export function runCampaign(cases: number, seed: number, onMarket?: (tally: Tally) => void): Tally {
  const tally = emptyTally();
  for (let market = 0; tally.cases < cases; market++) {
    try {
      runMarket(seed + market, tally);
    } catch (error) {
      if (error instanceof EndlessSweep) continue;
      throw new Error(`seed ${seed + market}: ${(error as Error).message}`, { cause: error });
    }
    onMarket?.(tally);
  }
  return tally;
}
