import {
  CANCEL_REASON_NAMES,
  CancelReason,
  CommandFlag,
  ORDER_TYPE_NAMES,
  OrderField,
  OrderType,
  REJECT_REASON_NAMES,
  RejectReason,
  SelfTradePrevention,
  Side,
  TIME_IN_FORCE_NAMES,
} from "../../../protocol/generated/enums.ts";
import type { PlainCommand, PlainEvent } from "../records.ts";

/** How often each feature was seen at work. */
export type Counts = Record<string, number>;

// Reasons that only the risk stage or the entry gives come with the command and say nothing here.
const FIRST_RISK_REASON = 64;
const OF_AN_OPERATOR = RejectReason.skipped;

/** Every feature that a campaign of some length must have reached. */
function requiredFeatures(): string[] {
  const rejects = Object.values(RejectReason)
    .filter((reason) => reason > 0 && reason < FIRST_RISK_REASON && reason !== OF_AN_OPERATOR)
    .map((reason) => `rejected ${REJECT_REASON_NAMES[reason]}`);
  const cancels = Object.values(CancelReason)
    .filter((reason) => reason > 0)
    .map((reason) => `canceled ${CANCEL_REASON_NAMES[reason]}`);
  const orders = ORDER_TYPE_NAMES.slice(1).map((name) => `accepted ${name}`);
  const times = TIME_IN_FORCE_NAMES.slice(1).map((name) => `accepted ${name}`);
  return [
    ...rejects,
    ...cancels,
    ...orders,
    ...times,
    "accepted iceberg",
    "accepted postOnly",
    "accepted minQuantity",
    "trade, aggressor buys",
    "trade, aggressor sells",
    "trade in an auction",
    "trade with oneself",
    "trade at a negative price",
    "fee",
    "rebate",
    "triggered stop",
    "triggered stopLimit",
    "triggers in one command: several",
    "uncross",
    "uncross without trades",
    "uncross with imbalance",
    "replaced in place",
    "replaced to the back",
    "replaced and traded",
    "reduced",
    "limit order of a spot account stopped at zero",
    "spot order spared an auction below zero",
    "market buy that spent its budget",
    "market buy within its budget",
    "refused with the command",
    "events in one command: more than the ring holds",
  ];
}

export function count(counts: Counts, command: PlainCommand, events: readonly PlainEvent[]): void {
  const add = (feature: string) => {
    counts[feature] = (counts[feature] ?? 0) + 1;
  };
  add(`command ${command.type}`);
  const triggers = events.filter((event) => event.type === "Triggered").length;
  if (triggers > 1) add("triggers in one command: several");
  if (events.length > 64) add("events in one command: more than the ring holds");
  if (events[0]?.type === "Replaced" && events[1]?.type === "Trade") add("replaced and traded");
  if (command.type === "SetMarketState") {
    const spared = (event: PlainEvent) =>
      event.type === "Canceled" && event.reason === CancelReason.priceProtection;
    const auction = events.findIndex((event) => event.type === "Auction");
    if (events.slice(0, Math.max(0, auction)).some(spared)) {
      add("spot order spared an auction below zero");
    }
  }
  if (command.type === "NewOrder" && (command.flags & CommandFlag.budget) !== 0) {
    const spent = events.some(
      (event) => event.type === "Canceled" && event.reason === CancelReason.insufficientBalance,
    );
    if (events[1]?.type === "Trade") {
      add(spent ? "market buy that spent its budget" : "market buy within its budget");
    }
  }
  for (const event of events) {
    switch (event.type) {
      case "Accepted":
        add(`accepted ${ORDER_TYPE_NAMES[event.orderType]}`);
        add(`accepted ${TIME_IN_FORCE_NAMES[event.timeInForce]}`);
        if ((event.present & OrderField.displayQuantity) !== 0) add("accepted iceberg");
        if ((event.present & OrderField.postOnly) !== 0) add("accepted postOnly");
        if ((event.present & OrderField.minQuantity) !== 0) add("accepted minQuantity");
        if (event.selfTradePrevention !== SelfTradePrevention.none) add("accepted with prevention");
        break;
      case "Rejected":
        if (command.verdict >= 2) add("refused with the command");
        else add(`rejected ${REJECT_REASON_NAMES[event.reason]}`);
        break;
      case "Canceled":
        add(`canceled ${CANCEL_REASON_NAMES[event.reason]}`);
        if (event.reason === CancelReason.priceProtection && event.orderType === OrderType.limit) {
          add("limit order of a spot account stopped at zero");
        }
        break;
      case "Trade": {
        if (event.aggressorSide === Side.none) add("trade in an auction");
        else add(`trade, aggressor ${event.aggressorSide === Side.buy ? "buys" : "sells"}`);
        if (event.account === event.makerAccount) add("trade with oneself");
        if (event.priceTicks < 0) add("trade at a negative price");
        if (event.takerFeeUnits > 0 || event.makerFeeUnits > 0) add("fee");
        if (event.takerFeeUnits < 0 || event.makerFeeUnits < 0) add("rebate");
        break;
      }
      case "Triggered":
        add(`triggered ${ORDER_TYPE_NAMES[event.orderType]}`);
        break;
      case "Auction":
        add(event.present === 0 ? "uncross without trades" : "uncross");
        if (event.imbalanceLots > 0) add("uncross with imbalance");
        break;
      case "Replaced":
        add(event.priorityKept ? "replaced in place" : "replaced to the back");
        break;
      default:
        add(event.type.toLowerCase());
    }
  }
}

export function addCounts(into: Counts, more: Counts): void {
  for (const [feature, times] of Object.entries(more)) {
    into[feature] = (into[feature] ?? 0) + times;
  }
}

export function commandsIn(counts: Counts): number {
  return Object.entries(counts)
    .filter(([feature]) => feature.startsWith("command "))
    .reduce((sum, [, times]) => sum + times, 0);
}

/** Required features that are not among the counts. */
export function neverReached(counts: Counts): string[] {
  return requiredFeatures().filter((feature) => (counts[feature] ?? 0) === 0);
}

export function formatCounts(counts: Counts): string {
  return Object.keys({ ...Object.fromEntries(requiredFeatures().map((f) => [f, 0])), ...counts })
    .sort()
    .map((feature) => `${String(counts[feature] ?? 0).padStart(10)}  ${feature}`)
    .join("\n");
}
