// Hot path: no allocation here while sessions stay.
import { TRADE_MAKER_ACCOUNT_OFFSET, TRADE_TEMPLATE_ID } from "../../protocol/generated/events.ts";
import { EVENT_HEADER_ACCOUNT_OFFSET } from "../../protocol/generated/headers.ts";
import type { Key } from "../keys/key-directory.ts";
import type { TradeSession } from "./trade-session.ts";

/** Which sessions hear of which event: by account, and those that see all accounts. */
export class SessionRoutes {
  readonly #byAccount = new Map<number, Set<TradeSession>>();
  readonly #allSeeing = new Set<TradeSession>();
  readonly #byKey = new Map<number, Set<TradeSession>>();

  add(session: TradeSession, key: Key): void {
    if (key.allAccounts) this.#allSeeing.add(session);
    else addTo(this.#byAccount, key.account, session);
    addTo(this.#byKey, key.keyNumber, session);
  }

  remove(session: TradeSession, key: Key): void {
    if (key.allAccounts) this.#allSeeing.delete(session);
    else removeFrom(this.#byAccount, key.account, session);
    removeFrom(this.#byKey, key.keyNumber, session);
  }

  /** A copy: its members may end while it is walked. */
  ofKey(keyNumber: number): TradeSession[] {
    return [...(this.#byKey.get(keyNumber) ?? [])];
  }

  get count(): number {
    let count = 0;
    for (const sessions of this.#byKey.values()) count += sessions.size;
    return count;
  }

  route(view: DataView, offset: number, owner: number): void {
    for (const session of this.#allSeeing) {
      if (session.isLive) session.onEvent(view, offset, owner);
    }
    const account = view.getUint32(offset + EVENT_HEADER_ACCOUNT_OFFSET, true);
    this.#routeTo(account, view, offset, owner);
    if (view.getUint16(offset + 2, true) !== TRADE_TEMPLATE_ID) return;
    const maker = view.getUint32(offset + TRADE_MAKER_ACCOUNT_OFFSET, true);
    // One report tells of both sides where they are the same account's.
    if (maker !== account) this.#routeTo(maker, view, offset, owner);
  }

  #routeTo(account: number, view: DataView, offset: number, owner: number): void {
    const sessions = this.#byAccount.get(account);
    if (sessions === undefined) return;
    for (const session of sessions) {
      if (session.isLive) session.onEvent(view, offset, owner);
    }
  }
}

function addTo(map: Map<number, Set<TradeSession>>, name: number, session: TradeSession): void {
  const sessions = map.get(name);
  if (sessions === undefined) map.set(name, new Set([session]));
  else sessions.add(session);
}

function removeFrom(
  map: Map<number, Set<TradeSession>>,
  name: number,
  session: TradeSession,
): void {
  const sessions = map.get(name);
  sessions?.delete(session);
  if (sessions?.size === 0) map.delete(name);
}
