/** 64-bit integers as two 32-bit halves or as Numbers, without BigInt: exact below 2^53, and above it
 *  rounded to a double but still in order. */

export const TWO_TO_32 = 0x1_0000_0000;

/** The upper half of a Number. */
export function highWord(value: number): number {
  return Math.floor(value / TWO_TO_32);
}

/** Writes a Number of less than 2^64 as 64 bits. */
export function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, highWord(value));
  view.setUint32(at + 4, value % TWO_TO_32);
}

/** Reads 64 bits as a Number. */
export function getUint64(view: DataView, at: number): number {
  return view.getUint32(at) * TWO_TO_32 + view.getUint32(at + 4);
}

/** Writes the sum of two halves and a Number below 2^53, exactly and modulo 2^64. */
export function setSum(view: DataView, at: number, high: number, low: number, plus: number): void {
  const sum = low + (plus % TWO_TO_32);
  view.setUint32(at, high + highWord(plus) + highWord(sum));
  view.setUint32(at + 4, sum);
}
