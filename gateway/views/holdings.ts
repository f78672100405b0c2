// Positions and balances as the events tell them.
import { Side } from "../../protocol/generated/enums.ts";
import {
  BALANCE_TEMPLATE_ID,
  Balance,
  TRADE_TEMPLATE_ID,
  Trade,
} from "../../protocol/generated/events.ts";
import type { InstrumentDirectory, InstrumentTerms } from "../../protocol/instrument-directory.ts";
import { VENUE_ACCOUNT } from "../../protocol/terms.ts";

interface Holding {
  /** Lots by instrument id: bought less sold. */
  readonly positions: Map<number, number>;
  /** Smallest units by asset id: adjustments, trades and fees together. */
  readonly balances: Map<number, number>;
}

const NOTHING: Holding = { positions: new Map(), balances: new Map() };

/**
 * What each account holds. Every trade moves base and quote from one account to the other and its
 * fees to the venue (account 0), whatever the accounts' modes: over all accounts an asset adds up to
 * its adjustments.
 */
export class Holdings {
  readonly #directory: InstrumentDirectory;
  readonly #byAccount = new Map<number, Holding>();
  readonly #trade = new Trade();
  readonly #balance = new Balance();

  constructor(directory: InstrumentDirectory) {
    this.#directory = directory;
  }

  onEvent(view: DataView, offset: number): void {
    const templateId = view.getUint16(offset + 2, true);
    if (templateId === TRADE_TEMPLATE_ID) this.#onTrade(view, offset);
    else if (templateId === BALANCE_TEMPLATE_ID) {
      const event = this.#balance;
      event.wrap(view, offset);
      add(this.#of(event.account).balances, event.assetId, event.amountUnits);
    }
  }

  /** Lots by instrument id. */
  positions(account: number): ReadonlyMap<number, number> {
    return (this.#byAccount.get(account) ?? NOTHING).positions;
  }

  /** Smallest units by asset id. */
  balances(account: number): ReadonlyMap<number, number> {
    return (this.#byAccount.get(account) ?? NOTHING).balances;
  }

  accounts(): Iterable<number> {
    return this.#byAccount.keys();
  }

  #onTrade(view: DataView, offset: number): void {
    const event = this.#trade;
    event.wrap(view, offset);
    const terms = this.#directory.get(event.instrumentId);
    if (terms === undefined) return;
    const { priceTicks, quantityLots, takerFeeUnits, makerFeeUnits } = event;
    // Both products are within 2^53 where the engine took the orders.
    const quoteUnits = priceTicks * quantityLots * terms.notionalUnit;
    const takerSign = event.aggressorSide === Side.sell ? -1 : 1;
    this.#settle(
      event.account,
      terms,
      takerSign * quantityLots,
      -takerSign * quoteUnits - takerFeeUnits,
    );
    this.#settle(
      event.makerAccount,
      terms,
      -takerSign * quantityLots,
      takerSign * quoteUnits - makerFeeUnits,
    );
    const fees = takerFeeUnits + makerFeeUnits;
    if (fees !== 0) add(this.#of(VENUE_ACCOUNT).balances, terms.quoteAssetId, fees);
  }

  #settle(account: number, terms: InstrumentTerms, lots: number, quoteUnits: number): void {
    const holding = this.#of(account);
    add(holding.positions, terms.id, lots);
    add(holding.balances, terms.baseAssetId, lots * baseUnitsOfLot(terms));
    add(holding.balances, terms.quoteAssetId, quoteUnits);
  }

  #of(account: number): Holding {
    let holding = this.#byAccount.get(account);
    if (holding === undefined) {
      holding = { positions: new Map(), balances: new Map() };
      this.#byAccount.set(account, holding);
    }
    return holding;
  }
}

function add(map: Map<number, number>, key: number, amount: number): void {
  map.set(key, (map.get(key) ?? 0) + amount);
}

/** The base asset's scale is at least as fine as the lot's. */
function baseUnitsOfLot({ lotSize, baseAssetScale }: InstrumentTerms): number {
  return lotSize.value * 10 ** (baseAssetScale - lotSize.scale);
}
