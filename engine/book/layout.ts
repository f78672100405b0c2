// Where the engine keeps what: word offsets within the records of the arena.
//
// The whole state of the books lies in one shared buffer of 32-bit words (book/arena.ts). A record
// is named by the index of its first word; 0 names none. A field that is a quantity, a time or a
// total takes two words and is read through the Float64Array over the same buffer, at half the word
// index; all such fields stand at even offsets. Quantities are safe integers, so this is exact.
//
// Hot files take the offsets they need into constants of their own
// (`const { head: HEAD } = LEVEL`): the compiler folds those, but not the binding of an import.

/**
 * An order, one cache line: what adding, filling and cancelling touch.
 *
 *  0         2        4        5       6     7     8      9      10    12         13         14     15
 *  | client  | order  | account| holder| next| prev| level| flags| open| clientNext| orderNext| older| newer
 */
export const ORDER = {
  clientLow: 0,
  clientHigh: 1,
  idLow: 2,
  idHigh: 3,
  account: 4,
  /** The account's record. */
  holder: 5,
  /** Queue of the price level, a ring through the level itself. While free: the next free order. */
  next: 6,
  prev: 7,
  /** The price level it stands in; 0 while it is the aggressor. */
  level: 8,
  flags: 9,
  /** Double. Lots that trade in their turn: all that is open, or the shown part of an iceberg. */
  open: 10,
  /** Chains of the two hashes that find orders. */
  clientNext: 12,
  idNext: 13,
  /** The account's open orders by orderId, a ring through the account's record. */
  older: 14,
  newer: 15,
} as const;
export const ORDER_WORDS = 16;

/**
 * What every order has besides, but little looks at: a quarter of a line, so that four orders share
 * one. At `(order >> 2) + Arena.sums`.
 */
export const SUMS = {
  /** Double. The order's total, as last replaced. */
  quantity: 0,
  /** What the order has paid in fees beyond the exact sum, in 10^-8 units of the quote asset. */
  feeRest: 2,
  /** The limit price in ticks of a waiting stopLimit; 0 for a stop. */
  limit: 3,
} as const;
export const SUMS_WORDS = 4;

/** What only some orders have, at `order + Arena.detail`; not set for the others. */
export const DETAIL = {
  /** Double. Icebergs: the largest part shown. */
  display: 0,
  /** Double. Icebergs: lots that are not shown yet. */
  hidden: 2,
  /** Double. gtd: microseconds. */
  expire: 4,
  /** Double. Where a minimum was asked for: lots that must trade at once. */
  minimum: 6,
  /** gtd: place in the expiry heap. */
  heapPlace: 8,
} as const;

/** Bits of ORDER.flags: side, type, time in force and mode by their wire values, then marks. */
export const FLAG = {
  sideMask: 3,
  typeShift: 2,
  typeMask: 7,
  timeInForceShift: 5,
  timeInForceMask: 7,
  selfTradeShift: 8,
  selfTradeMask: 7,
  postOnly: 1 << 11,
  iceberg: 1 << 12,
  /** A stop that has not been triggered. */
  waiting: 1 << 13,
  /** Found by the indexes: every open order, once its command has let it stay. */
  indexed: 1 << 14,
  /** Has a minimum quantity (waiting stopLimit). */
  minimum: 1 << 15,
} as const;

/** A price level: the orders of one side at one price, or the stops of one side at one stop price. */
export const LEVEL = {
  /** Compares as signed integers: the smaller trades (or triggers) first. Price, or ~price. */
  rank: 0,
  price: 1,
  /** The index node above; 0: the level is alone on its side. */
  parent: 2,
  side: 3,
  /** Double. Open lots, hidden ones too. */
  total: 4,
  /** The queue is a ring through the level: these are its `next` and `prev`. */
  head: ORDER.next,
  tail: ORDER.prev,
  /** Orders in the queue. */
  count: 8,
  instrumentId: 9,
  /** Double. 0 but within a look ahead: lots of the aggressor's own account. */
  own: 10,
} as const;
export const LEVEL_WORDS = 16;

/** A node of the price index: up to 32 children, told apart by five bits of the rank. */
export const NODE = {
  /** Bit i: child i is there. At least two are. */
  bits: 0,
  /** The five bits start here: 0, 5, … 30. */
  shift: 1,
  /** The rank of some level below (or that was below): its bits above the five are those of all. */
  prefix: 2,
  parent: 3,
  children: 4,
} as const;
export const NODE_WORDS = 36;

/** One side of an instrument: resting buys, resting sells, waiting buy stops, waiting sell stops. */
export const SIDE = {
  root: 0,
  best: 1,
  /** Double. Of the two resting sides only: open lots, those of the side's waiting stops too. */
  total: 2,
  instrument: 4,
} as const;
export const SIDE_WORDS = 8;

/** An instrument's hot half; names and the definition as sent are in admin/instruments.ts. */
export const INSTRUMENT = {
  id: 0,
  state: 1,
  flags: 2,
  lastPrice: 3,
  referencePrice: 4,
  priceBand: 5,
  protection: 6,
  makerRate: 7,
  takerRate: 8,
  /** Doubles. */
  minLots: 10,
  maxLots: 12,
  /** Double. |price| × quantity up to which all sums in quote units stay safe integers. */
  notionalBound: 14,
  /** Double. The largest |price| × quantity that the definition allows. */
  maxNotional: 16,
  /** Double. Quote asset units in one tick × lot. */
  notionalUnit: 18,
  sides: 32,
} as const;
export const INSTRUMENT_WORDS = 64;

/** Bits of INSTRUMENT.flags. */
export const HAS = {
  lastPrice: 1,
  referencePrice: 2,
  priceBand: 4,
  protection: 8,
  fees: 16,
} as const;

/** An account that has traded or has settings. */
export const ACCOUNT = {
  number: 0,
  selfTradePrevention: 1,
  mode: 2,
  killSwitch: 3,
  /** Its open orders by orderId are a ring through the record: its `older` and `newer`. */
  newest: ORDER.older,
  oldest: ORDER.newer,
} as const;
export const ACCOUNT_WORDS = 16;

/**
 * Words of a command: of every one up to the verdict, then of newOrder (with `kinds`: side, type,
 * time in force, self-trade prevention, a byte each), cancelOrder and replaceOrder.
 */
export const COMMAND = {
  seq: 2,
  timestamp: 4,
  requestId: 6,
  account: 8,
  instrumentId: 9,
  keyNumber: 10,
  /** Its low byte; the next ones are the reason and the flags. */
  verdict: 11,
  clientOrderId: 12,
  /** newOrder. */
  quantity: 14,
  display: 16,
  minimum: 18,
  expire: 20,
  price: 22,
  stopPrice: 23,
  kinds: 24,
  /** Its low byte. */
  present: 25,
  /** cancelOrder, replaceOrder. */
  orderId: 14,
  /** replaceOrder: 64-bit integers, then their scales, a byte each in this order. */
  newQuantity: 16,
  newDisplay: 18,
  newPrice: 20,
  newStopPrice: 22,
  scales: 24,
} as const;
