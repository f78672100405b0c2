// Hot path: no allocation here.
import { NEW_ORDER_CLIENT_ORDER_ID_OFFSET } from "../../protocol/generated/commands.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { TWO_32 } from "../../protocol/generated/support.ts";
import { RECORD_BYTES } from "../../protocol/rings/pipeline-memory.ts";
import { OrderFlow } from "../load/flow.ts";

const CLIENT_ORDER_ID_WORD = NEW_ORDER_CLIENT_ORDER_ID_OFFSET >> 2; // in a cancelOrder too
const BUILD_SEED = 1;

/**
 * An endless stream of commands that are encoded already: one round of them is kept and played over
 * and over, each time with other client order ids. At the end of a round all orders that still rest
 * are canceled one by one, so the book never grows beyond what a round makes of it.
 */
export class CommandSource {
  /** Of one round. */
  readonly count: number;
  readonly meanBytes: number;
  readonly #words: Int32Array;
  /** Word where each record starts; one more than there are records. */
  readonly #starts: Uint32Array;
  readonly #idsEachRound: number;
  #next = 0;
  #round = 0;

  /** clients: accounts 1 to that. resting: orders in the book, of all of them together. */
  constructor(commands: number, clients: number, resting: number) {
    const depth = Math.max(1, Math.round(resting / clients));
    const flows = Array.from({ length: clients }, (_, i) => {
      const options = { symbol: "", instrumentId: 1, midTicks: 100_000, depth };
      return new OrderFlow(options, BUILD_SEED + i, 1);
    });
    const most = commands + clients * (2 * depth + 2);
    const view = new DataView(new ArrayBuffer((most + 1) * RECORD_BYTES));
    this.#words = new Int32Array(view.buffer);
    this.#starts = new Uint32Array(most + 1);
    this.#idsEachRound = commands + 1;
    const header = new CommandHeader();
    let at = 0;
    let count = 0;
    const add = (client: number, length: number) => {
      header.wrap(view, at);
      header.account = 1 + client;
      this.#starts[count++] = at >> 2;
      at += length;
    };
    for (let n = 0; n < commands; n++) {
      const client = n % clients;
      add(client, (flows[client] as OrderFlow).write(view, at, 0));
    }
    flows.forEach((flow, client) => {
      for (;;) {
        const length = flow.writeDrain(view, at, 0);
        if (length === 0) return;
        add(client, length);
      }
    });
    this.#starts[count] = at >> 2;
    this.count = count;
    this.meanBytes = at / count;
  }

  /** Copies the next command to `word` of `target`. */
  writeNext(target: Int32Array, word: number): void {
    const words = this.#words;
    const start = this.#starts[this.#next] as number;
    const length = (this.#starts[this.#next + 1] as number) - start;
    for (let i = 0; i < length; i++) target[word + i] = words[start + i] as number;
    const low = words[start + CLIENT_ORDER_ID_WORD] as number;
    const id = low + this.#round * this.#idsEachRound; // a round has far fewer than 2^31
    target[word + CLIENT_ORDER_ID_WORD] = id | 0;
    target[word + CLIENT_ORDER_ID_WORD + 1] = (id / TWO_32) | 0;
    if (++this.#next === this.count) {
      this.#next = 0;
      this.#round++;
    }
  }
}
