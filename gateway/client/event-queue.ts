import { ClientError } from "./errors.ts";

/** Items for one reader, who may be slower than they come, up to a limit. */
export class EventQueue<Item> implements AsyncIterableIterator<Item> {
  readonly #limit: number;
  #items: Item[] = [];
  /** Items that were read already, at the front. */
  #read = 0;
  #waiting: {
    resolve: (result: IteratorResult<Item>) => void;
    reject: (error: unknown) => void;
  } | null = null;
  #ended = false;
  #error: ClientError | null = null;
  readonly #onReturn: () => void;

  /** onReturn: the reader has left. */
  constructor(limit: number, onReturn: () => void) {
    this.#limit = limit;
    this.#onReturn = onReturn;
  }

  get length(): number {
    return this.#items.length - this.#read;
  }

  /** False: it is over, or there was no room, and the reader gets `eventsOverflow` after the others. */
  push(item: Item): boolean {
    if (this.#ended) return false;
    if (this.#waiting !== null) {
      const { resolve } = this.#waiting;
      this.#waiting = null;
      resolve({ value: item, done: false });
      return true;
    }
    if (this.length >= this.#limit) {
      this.end(new ClientError("eventsOverflow", `more than ${this.#limit} events were not read`));
      return false;
    }
    this.#items.push(item);
    return true;
  }

  /** The reader still gets what is there, then the error (null: an orderly end). */
  end(error: ClientError | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) return;
    if (error === null) waiting.resolve({ value: undefined, done: true });
    else {
      this.#error = null;
      waiting.reject(error);
    }
  }

  next(): Promise<IteratorResult<Item>> {
    if (this.#read < this.#items.length) {
      const value = this.#items[this.#read++] as Item;
      if (this.#read === this.#items.length || this.#read > 1024) {
        this.#items = this.#items.slice(this.#read);
        this.#read = 0;
      }
      return Promise.resolve({ value, done: false });
    }
    if (this.#ended) {
      const error = this.#error;
      this.#error = null;
      if (error !== null) return Promise.reject(error);
      return Promise.resolve({ value: undefined, done: true });
    }
    if (this.#waiting !== null) {
      return Promise.reject(new TypeError("the last event is still being waited for"));
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Item>> {
    this.end(null);
    this.#items = [];
    this.#read = 0;
    this.#onReturn();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
