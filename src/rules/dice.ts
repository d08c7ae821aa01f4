/** Chance without a shared stream: a throw is a hash of what it is about, so that the same command meets
 *  the same fate whatever else runs beside it. 64 bits as two words, since bigints allocate.
 *  Source: faults.md section 1 (Dice). */

import { bug } from '../units.ts';

/** 2^64 / the golden ratio: what splitmix64 adds for each number. */
const GAMMA_HIGH = 0x9e3779b9;
const GAMMA_LOW = 0x7f4a7c15;

const WORD = 2 ** 32;

/** A number of 64 bits that changes in place. Begin with `start`, stir in what the throw is about, then
 *  draw. */
export class Dice {
  #high = 0;
  #low = 0;

  /** As another stands, which does not change. */
  copy(from: Dice): void {
    this.#high = from.#high;
    this.#low = from.#low;
  }

  /** Nothing stirred in yet. */
  start(): void {
    this.#high = 0;
    this.#low = 0;
  }

  /** @param value a whole number, 0 to 2^53. */
  stir(value: number): void {
    this.#stir(Math.floor(value / WORD), value >>> 0);
  }

  /** A text counts as the FNV-1a hash of its UTF-8 bytes. */
  stirText(text: string): void {
    const hash = fnv1a(text);
    this.#stir(Number(hash >> 32n), Number(hash & 0xffff_ffffn));
  }

  /** The same number as a part of 2^64, without drawing: 0 (included) to 1 (not). */
  share(): number {
    return (this.#high * 2 ** 21 + (this.#low >>> 11)) / 2 ** 53;
  }

  /** Draws: evenly from 0 (included) to 1 (not), in steps of 2^-53. */
  unit(): number {
    this.#next();
    return this.share();
  }

  /** Draws 32 bits. */
  word(): number {
    this.#next();
    return this.#high;
  }

  /** Draws a whole number from 0 to `end` - 1. @param end 1 to 2^53. */
  below(end: number): number {
    if (!(end >= 1)) bug(`dice with ${end} sides`);
    return Math.floor(this.unit() * end);
  }

  /** What it stands at, without drawing: 16 hexadecimal digits. */
  toString(): string {
    return hex(this.#high) + hex(this.#low);
  }

  #stir(high: number, low: number): void {
    this.#high = (this.#high ^ high) >>> 0;
    this.#low = (this.#low ^ low) >>> 0;
    this.#next();
  }

  /** One step of splitmix64 whose output is the next state. */
  #next(): void {
    const sum = this.#low + GAMMA_LOW;
    let low = sum >>> 0;
    let high = (this.#high + GAMMA_HIGH + (sum >= WORD ? 1 : 0)) >>> 0;
    low = (low ^ ((low >>> 30) | (high << 2))) >>> 0;
    high ^= high >>> 30;
    high = timesHigh(high, low, 0xbf58476d, 0x1ce4e5b9);
    low = Math.imul(low, 0x1ce4e5b9) >>> 0;
    low = (low ^ ((low >>> 27) | (high << 5))) >>> 0;
    high ^= high >>> 27;
    high = timesHigh(high, low, 0x94d049bb, 0x133111eb);
    low = Math.imul(low, 0x133111eb) >>> 0;
    low = (low ^ ((low >>> 31) | (high << 1))) >>> 0;
    high ^= high >>> 31;
    this.#high = high >>> 0;
    this.#low = low;
  }
}

/** The upper word of the product of two numbers of 64 bits; its lower one is Math.imul's of the lower.
 *  By halves of words, whose products have 32 bits: whole numbers without a double between them. */
function timesHigh(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const a1 = aLow >>> 16;
  const a0 = aLow & 0xffff;
  const b1 = bLow >>> 16;
  const b0 = bLow & 0xffff;
  const left = Math.imul(a1, b0);
  const right = Math.imul(a0, b1);
  const carry = (Math.imul(a0, b0) >>> 16) + (left & 0xffff) + (right & 0xffff);
  const middle = (left >>> 16) + (right >>> 16) + (carry >>> 16);
  return (Math.imul(a1, b1) + middle + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) >>> 0;
}

/** FNV-1a, 64 bits. Not for the way of a request. */
function fnv1a(text: string): bigint {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = ((hash ^ BigInt(byte)) * 0x100_0000_01b3n) & 0xffff_ffff_ffff_ffffn;
  }
  return hash;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
