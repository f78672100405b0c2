import { MAX_INTEGER, MAX_PRICE_TICKS, MIN_PRICE_TICKS } from "../../../protocol/terms.ts";
import type { ReferenceCapacity } from "../capacity.ts";
import type { Random } from "./random.ts";

export interface InstrumentProfile {
  readonly symbol: string;
  readonly tick: readonly [value: number, scale: number];
  readonly lot: readonly [value: number, scale: number];
}

/** What kind of market a run is; every run draws its own. */
export interface Profile {
  /** Commands of the run, the closing not counted. */
  readonly length: number;
  /** Ids beyond 32 bits take other ways. */
  readonly firstSeq: number;
  readonly firstClientOrderId: number;
  readonly capacity: ReferenceCapacity;
  readonly accounts: readonly number[];
  readonly instruments: readonly InstrumentProfile[];
  readonly centre: number;
  /** Prices lie within ± this of the centre. */
  readonly spread: number;
  /** Now and then a price from the whole range. */
  readonly wild: number;
  readonly maxLots: number;
  /** Orders that go through many levels. */
  readonly sweeps: number;
  readonly clientOrderIds: number;
  readonly chance: {
    readonly iceberg: number;
    readonly stop: number;
    readonly market: number;
    readonly immediate: number;
    readonly prevention: number;
    readonly nonsense: number;
    readonly stateChange: number;
    readonly administration: number;
    readonly cancel: number;
    readonly replace: number;
  };
}

const TICKS: readonly (readonly [number, number])[] = [
  [1, 0],
  [1, 2],
  [25, 2],
  [5, 1],
  [250, 3],
];
const LOTS: readonly (readonly [number, number])[] = [
  [1, 0],
  [1, 3],
  [10, 0],
  [100, 4],
];

export function drawProfile(random: Random): Profile {
  const centre = random.pick([100, 100, 0, -40, MAX_PRICE_TICKS, MIN_PRICE_TICKS]);
  const size = random.weighted({ tiny: 6, small: 5, wide: 1, extreme: 1 });
  const maxLots = { tiny: 3, small: 20, wide: 1_000_000, extreme: MAX_INTEGER }[size];
  // Now and then a book as deep as the reference can bear.
  const deep = random.chance(0.005);
  const tight = random.chance(0.3);
  const orders = deep ? 3000 : tight ? random.int(4, 24) : random.int(60, 400);
  const symbols = random.pick([
    ["ABC-USD"],
    ["ABC-USD"],
    ["ABC-USD", "XYZ-USD"],
    ["A", "B/C", "D_E"],
  ]);
  return {
    // Short runs reach many beginnings, long ones deep books.
    length: deep ? 6000 : random.pick([60, 200, 200, 500, 500, 500, 2000]),
    firstSeq: random.pick([1, 1, 1, 4294967296 - 100, MAX_INTEGER - 100_000]),
    firstClientOrderId: random.pick([1, 1, 4294967296 - 10, MAX_INTEGER - 100_000]),
    capacity: {
      orders,
      levels: !deep && random.chance(0.3) ? random.int(4, 24) : 4000,
      instruments: symbols.length + random.int(0, 1),
      accounts: random.chance(0.2) ? 3 : 64,
      assets: random.chance(0.2) ? 4 : 32,
    },
    accounts: random.pick([[1], [1, 2], [1, 2, 3], [1, 2, 3, 4294967295]]),
    instruments: symbols.map((symbol) => ({
      symbol,
      tick: random.pick(TICKS),
      lot: random.pick(LOTS),
    })),
    centre,
    spread: deep ? random.pick([2, 1000]) : random.pick([1, 2, 4, 10, 100]),
    wild: deep ? random.pick([0.1, 1]) : random.pick([0, 0, 0.02, 0.3]),
    maxLots,
    sweeps: random.pick([0, 0.03, 0.1]),
    clientOrderIds: deep ? 100_000 : random.pick([4, 40, 1000]),
    chance: {
      iceberg: random.pick([0, 0.2, 0.6]),
      stop: random.pick([0, 0.15, 0.4]),
      market: random.pick([0.05, 0.2]),
      immediate: random.pick([0.05, 0.3]),
      prevention: random.pick([0, 0.3, 0.9]),
      nonsense: random.pick([0.01, 0.05]),
      stateChange: deep ? 0.005 : random.pick([0.005, 0.02, 0.1]),
      administration: random.pick([0.01, 0.04, 0.15]),
      cancel: deep ? 0.03 : random.pick([0.03, 0.1, 0.25]),
      replace: random.pick([0.03, 0.1, 0.3]),
    },
  };
}
