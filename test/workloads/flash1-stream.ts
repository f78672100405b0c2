import { createHash } from "node:crypto";
import { Random } from "../protocol/random.ts";
import { NaiveBook, type NaiveOrder } from "./naive-book.ts";

export interface Flash1Stream {
  readonly file: Buffer;
  readonly reportLines: readonly string[];
  readonly reportHash: string;
}

/** A small workload in the flash1 format and its report, by an independent book. */
export function flash1Stream(seed: number, messages: number): Flash1Stream {
  const random = new Random(seed);
  const book = new NaiveBook();
  const file = Buffer.alloc(16 + 40 * messages);
  file.writeUInt32LE(messages, 12);
  const lines: string[] = [];
  const report = (...fields: number[]) => lines.push(fields.join(","));
  const trade = (message: number, order: NaiveOrder) => {
    for (const fill of book.match(order)) {
      report(1, message, fill.price, fill.quantity, fill.maker, fill.taker);
    }
  };
  let lastId = 0;
  for (let message = 0; message < messages; message++) {
    const at = 16 + 40 * message;
    const kind = lastId < 5 ? 0 : random.pick([0, 0, 0, 1, 2]);
    const side = random.below(2) as 0 | 1;
    const ioc = kind === 0 && random.below(5) === 0;
    const quantity = 1 + random.below(20);
    const price = 1000 + random.below(12) - (side === 0 ? 8 : 0);
    const id = kind === 0 ? ++lastId : Math.max(1, lastId - random.below(40));
    file.writeUInt8(kind, at);
    file.writeUInt8(side, at + 1);
    file.writeUInt8(ioc ? 1 : 0, at + 2);
    file.writeUInt32LE(quantity, at + 4);
    file.writeUInt32LE(message, at + 8);
    file.writeUInt32LE(id, at + 16);
    file.writeInt32LE(price, at + 24);

    if (kind === 0) {
      const order = { id, side, price, quantity };
      report(0, message, side, id, price, quantity);
      trade(message, order);
      if (ioc && order.quantity > 0) report(2, message, side, id, price);
      else book.rest(order);
      continue;
    }
    const order = book.find(id);
    if (order === undefined) report(kind === 1 ? 4 : 5, message, id);
    else if (kind === 1) {
      book.remove(order);
      report(2, message, order.side, id, order.price);
    } else {
      book.remove(order);
      order.price = price;
      order.quantity = quantity;
      trade(message, order);
      report(3, message, order.side, id, price, quantity);
      book.rest(order);
    }
  }
  const reportHash = createHash("sha256").update(lines.join("\n")).digest("hex");
  return { file, reportLines: lines, reportHash };
}
