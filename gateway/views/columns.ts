/** Columns before they have a length. */
export const EMPTY = {
  float64: new Float64Array(0),
  uint32: new Uint32Array(0),
  int32: new Int32Array(0),
  uint8: new Uint8Array(0),
} as const;

export function grownFloat64(column: Float64Array, length: number) {
  const grown = new Float64Array(length);
  grown.set(column);
  return grown;
}

export function grownUint32(column: Uint32Array, length: number) {
  const grown = new Uint32Array(length);
  grown.set(column);
  return grown;
}

export function grownInt32(column: Int32Array, length: number) {
  const grown = new Int32Array(length);
  grown.set(column);
  return grown;
}

export function grownUint8(column: Uint8Array, length: number) {
  const grown = new Uint8Array(length);
  grown.set(column);
  return grown;
}
