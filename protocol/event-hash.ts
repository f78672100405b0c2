// Hot path: no allocation here.

const K0 = 0x9e3779b1 | 0;
const K1 = 0x85ebca77 | 0;
const K2 = 0xc2b2ae3d | 0;
const K3 = 0x27d4eb2f | 0;

function finish(lane: number): number {
  let h = lane;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * A running 128-bit hash over whole records (lengths in multiples of 4 bytes). Four multiply-rotate
 * lanes with the mixing steps of MurmurHash3 (A. Appleby, public domain): it tells two histories
 * apart by accident of a bug, not against an adversary; tampering is what the journal's SHA-256
 * chain is for. Its state is four words, so a snapshot can carry it on.
 */
export class RunningHash {
  #a = K0;
  #b = K1;
  #c = K2;
  #d = K3;

  /** Takes `bytes` bytes of `view` from `offset`; bytes must be a multiple of 4. */
  update(view: DataView, offset: number, bytes: number): void {
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    const end = offset + bytes;
    let at = offset;
    for (; at + 16 <= end; at += 16) {
      a = mix(a, view.getInt32(at, true), K0);
      b = mix(b, view.getInt32(at + 4, true), K1);
      c = mix(c, view.getInt32(at + 8, true), K2);
      d = mix(d, view.getInt32(at + 12, true), K3);
    }
    for (; at < end; at += 4) a = mix(a, view.getInt32(at, true), K1);
    // Lanes meet once a record, so that words cannot trade places between records unseen.
    this.#a = (a + d) | 0;
    this.#b = (b + a) | 0;
    this.#c = (c + b) | 0;
    this.#d = (d + c) | 0;
  }

  /** For hashes over values rather than records. */
  updateWord(word: number): void {
    const a = mix(this.#a, word | 0, K0);
    this.#a = this.#b;
    this.#b = this.#c;
    this.#c = (this.#d + a) | 0;
    this.#d = a;
  }

  /** A safe integer as two words. */
  updateNumber(value: number): void {
    this.updateWord(value | 0);
    this.updateWord(Math.floor(value / 4294967296));
  }

  /** The four words of the state, to go on from later. */
  save(into: Int32Array, at: number): void {
    into[at] = this.#a;
    into[at + 1] = this.#b;
    into[at + 2] = this.#c;
    into[at + 3] = this.#d;
  }

  restore(from: Int32Array, at: number): void {
    this.#a = from[at] as number;
    this.#b = from[at + 1] as number;
    this.#c = from[at + 2] as number;
    this.#d = from[at + 3] as number;
  }

  /** Word 0 to 3 of the digest (u32), without ending the run. */
  word(index: number): number {
    const sum = (this.#a + this.#b + this.#c + this.#d) | 0;
    if (index === 0) return finish(this.#a ^ sum);
    if (index === 1) return finish(this.#b + sum);
    if (index === 2) return finish(this.#c ^ Math.imul(sum, K1));
    return finish(this.#d + Math.imul(sum, K2));
  }

  /** 32 hexadecimal digits. Cold. */
  hex(): string {
    return [0, 1, 2, 3].map((i) => this.word(i).toString(16).padStart(8, "0")).join("");
  }
}

function mix(lane: number, word: number, factor: number): number {
  const h = Math.imul(lane ^ word, factor);
  return ((h << 13) | (h >>> 19)) + 0x52dce729;
}
