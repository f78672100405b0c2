/** An asset as defined. */
export interface AssetRecord {
  /** From 1, in the order of definition. */
  readonly id: number;
  readonly name: string;
  /** Decimals of its smallest unit. */
  readonly scale: number;
}

/** With more decimals than this, no balance of note stays a safe integer. */
export const MAX_ASSET_SCALE = 15;

/** Assets by id and name. Cold. */
export class Assets {
  readonly #capacity: number;
  readonly #all: AssetRecord[] = [];
  readonly #byName = new Map<string, AssetRecord>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get count(): number {
    return this.#all.length;
  }

  get free(): number {
    return this.#capacity - this.#all.length;
  }

  find(name: string): AssetRecord | undefined {
    return this.#byName.get(name);
  }

  /** In the order of definition. */
  all(): readonly AssetRecord[] {
    return this.#all;
  }

  /** The caller has seen that there is room and no asset of that name. */
  define(name: string, scale: number): AssetRecord {
    const asset = { id: this.#all.length + 1, name, scale };
    this.#all.push(asset);
    this.#byName.set(name, asset);
    return asset;
  }
}
