// What is asked of one open order from outside. Cold.
import { OrderType } from "../../protocol/generated/enums.ts";
import { TWO_32 } from "../../protocol/generated/support.ts";
import type { Book } from "./book.ts";
import { FLAG, ORDER } from "./layout.ts";

export interface OpenOrder {
  readonly instrumentId: number;
  /** It has a limit price. */
  readonly hasPrice: boolean;
}

/** By orderId or, where that is 0, by clientOrderId; undefined: the account has none such. */
export function findOpenOrder(
  book: Book,
  account: number,
  orderId: number,
  clientOrderId: number,
): OpenOrder | undefined {
  const { words: m } = book.arena;
  const { clientHash, findClient, findId } = book.orders;
  const id = orderId === 0 ? clientOrderId : orderId;
  if (id === 0) return undefined;
  const [low, high] = [id | 0, Math.floor(id / TWO_32)];
  const order =
    orderId === 0
      ? findClient(clientHash(account | 0, low, high), account | 0, low, high)
      : findId(low, high);
  if (order === 0 || m[order + ORDER.account] !== (account | 0)) return undefined;
  const type = ((m[order + ORDER.flags] as number) >> FLAG.typeShift) & FLAG.typeMask;
  const hasPrice = type === OrderType.limit || type === OrderType.stopLimit;
  return { instrumentId: book.instrumentId(order), hasPrice };
}
