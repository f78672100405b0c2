import {
  AccountField,
  AccountMode,
  InstrumentAccess,
  RejectReason,
  SelfTradePrevention,
} from "../../protocol/generated/enums.ts";
import type { ReferenceCapacity } from "./capacity.ts";
import type { Definitions } from "./definitions.ts";
import type { EventList } from "./event-list.ts";
import type { PlainCommandOf, PlainEventOf } from "./records.ts";

type SetAccount = PlainCommandOf<"SetAccount">;
type Limits = Pick<
  PlainEventOf<"Account">,
  | "maxOrderQuantity"
  | "maxOrderNotional"
  | "maxPosition"
  | "maxGrossNotional"
  | "maxOpenOrders"
  | "priceCollarTicks"
  | "orderRatePerSecond"
  | "orderRateBurst"
  | "maxOrderQuantityScale"
  | "maxOrderNotionalScale"
  | "maxPositionScale"
  | "maxGrossNotionalScale"
>;

/** The fields that carry each limit. */
const LIMIT_FIELDS: readonly (readonly [number, readonly (keyof Limits)[]])[] = [
  [AccountField.maxOrderQuantity, ["maxOrderQuantity", "maxOrderQuantityScale"]],
  [AccountField.maxOrderNotional, ["maxOrderNotional", "maxOrderNotionalScale"]],
  [AccountField.maxOpenOrders, ["maxOpenOrders"]],
  [AccountField.maxPosition, ["maxPosition", "maxPositionScale"]],
  [AccountField.maxGrossNotional, ["maxGrossNotional", "maxGrossNotionalScale"]],
  [AccountField.priceCollarTicks, ["priceCollarTicks"]],
  [AccountField.orderRate, ["orderRatePerSecond", "orderRateBurst"]],
];

interface Holding {
  /** Which limits are set (AccountField). */
  present: number;
  limits: Limits;
}

export interface AccountState extends Holding {
  selfTradePrevention: SelfTradePrevention;
  mode: AccountMode;
  instruments: InstrumentAccess;
  killSwitchEngaged: boolean;
  readonly byInstrument: Map<number, Holding & { allowed: boolean }>;
}

function noLimits(): Holding {
  return {
    present: 0,
    limits: {
      maxOrderQuantity: 0,
      maxOrderNotional: 0,
      maxPosition: 0,
      maxGrossNotional: 0,
      maxOpenOrders: 0,
      priceCollarTicks: 0,
      orderRatePerSecond: 0,
      orderRateBurst: 0,
      maxOrderQuantityScale: 0,
      maxOrderNotionalScale: 0,
      maxPositionScale: 0,
      maxGrossNotionalScale: 0,
    },
  };
}

/** What is set for accounts. Limits are only kept here; risk enforces them. */
export class Accounts {
  readonly #states = new Map<number, AccountState>();
  readonly #capacity: ReferenceCapacity;
  readonly #events: EventList;
  readonly #definitions: Definitions;

  constructor(capacity: ReferenceCapacity, events: EventList, definitions: Definitions) {
    this.#capacity = capacity;
    this.#events = events;
    this.#definitions = definitions;
  }

  selfTradePrevention(account: number): SelfTradePrevention {
    return this.#states.get(account)?.selfTradePrevention || SelfTradePrevention.none;
  }

  mode(account: number): AccountMode {
    return this.#states.get(account)?.mode ?? AccountMode.credit;
  }

  /** Makes place for an account that was not seen yet; false where there is none. */
  admit(account: number): boolean {
    if (this.#states.has(account)) return true;
    if (this.#states.size >= this.#capacity.accounts) return false;
    this.#states.set(account, {
      ...noLimits(),
      selfTradePrevention: SelfTradePrevention.none,
      mode: AccountMode.credit,
      instruments: InstrumentAccess.all,
      killSwitchEngaged: false,
      byInstrument: new Map(),
    });
    return true;
  }

  set(command: SetAccount): RejectReason {
    const forInstrument = (command.present & AccountField.symbol) !== 0;
    const instrument = this.#definitions.find(command.instrumentId, command.symbol);
    if (forInstrument && instrument === undefined) return RejectReason.unknownSymbol;
    const wholeAccountOnly =
      AccountField.selfTradePrevention | AccountField.mode | AccountField.instruments;
    const misplaced = forInstrument ? wholeAccountOnly : AccountField.allowed;
    if ((command.present & misplaced) !== 0) return RejectReason.invalidCombination;
    if (!this.admit(command.account)) return RejectReason.capacity;

    const state = this.#states.get(command.account) as AccountState;
    if (forInstrument && instrument !== undefined) {
      const holding = state.byInstrument.get(instrument.id) ?? { ...noLimits(), allowed: false };
      state.byInstrument.set(instrument.id, holding);
      setLimits(holding, command);
      if ((command.present & AccountField.allowed) !== 0) holding.allowed = command.allowed;
      this.#instrumentEvent(command.account, instrument.id, holding);
      return RejectReason.none;
    }
    setLimits(state, command);
    if ((command.present & AccountField.selfTradePrevention) !== 0) {
      state.selfTradePrevention = command.selfTradePrevention;
    }
    if ((command.present & AccountField.mode) !== 0) state.mode = command.mode;
    if ((command.present & AccountField.instruments) !== 0) state.instruments = command.instruments;
    this.#accountEvent(command.account, state);
    return RejectReason.none;
  }

  /** By account number. */
  get states(): ReadonlyMap<number, AccountState> {
    return this.#states;
  }

  killSwitch(command: PlainCommandOf<"KillSwitch">): RejectReason {
    if (!this.admit(command.account)) return RejectReason.capacity;
    const state = this.#states.get(command.account) as AccountState;
    state.killSwitchEngaged = command.engaged;
    this.#accountEvent(command.account, state);
    return RejectReason.none;
  }

  #accountEvent(account: number, state: AccountState): void {
    this.#events.add(
      "Account",
      { account },
      {
        ...state.limits,
        present: state.present,
        selfTradePrevention: state.selfTradePrevention,
        mode: state.mode,
        instruments: state.instruments,
        allowed: false,
        killSwitchEngaged: state.killSwitchEngaged,
      },
    );
  }

  #instrumentEvent(
    account: number,
    instrumentId: number,
    holding: Holding & { allowed: boolean },
  ): void {
    this.#events.add(
      "Account",
      { account, instrumentId },
      {
        ...holding.limits,
        present: holding.present,
        selfTradePrevention: SelfTradePrevention.unset,
        mode: AccountMode.unset,
        instruments: InstrumentAccess.unset,
        allowed: holding.allowed,
        killSwitchEngaged: false,
      },
    );
  }
}

function setLimits(holding: Holding, command: SetAccount): void {
  for (const [bit, fields] of LIMIT_FIELDS) {
    if ((command.present & bit) === 0) continue;
    const taken = (command.cleared & bit) !== 0;
    holding.present = taken ? holding.present & ~bit : holding.present | bit;
    for (const field of fields) holding.limits[field] = taken ? 0 : command[field];
  }
}
