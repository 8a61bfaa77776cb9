/**
 * Repeatable randomness: the generator sfc32 (Chris Doty-Humphrey's "small fast counting", 128 bits
 * of state, period of at least 2^32), its state filled from a text by the mixing steps of
 * MurmurHash3 and stirred for 16 rounds. Not for secrets: the seed determines every number.
 *
 * @module
 */

import { formatUuid } from "./ids.ts";

/** A stream of numbers that depends on its seed alone. */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /**
   * Starts the stream.
   *
   * @param seed Any text.
   */
  constructor(seed: string) {
    this.#a = mix(seed, 0x9e3779b9);
    this.#b = mix(seed, 0x243f6a88);
    this.#c = mix(seed, 0xb7e15162);
    for (let i = 0; i < 16; i++) this.uint32();
  }

  /**
   * Draws the next integer.
   *
   * @returns The next whole number, from 0 to 2^32 - 1.
   */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /**
   * Draws the next number.
   *
   * @returns The next number from 0 (included) to 1 (excluded), with 53 random bits.
   */
  next(): number {
    const high = this.uint32() >>> 5;
    return (high * 67_108_864 + (this.uint32() >>> 6)) / 9_007_199_254_740_992;
  }

  /**
   * Fills memory with random bytes, in the byte order of little-endian words.
   *
   * @param bytes What to fill.
   */
  fill(bytes: Uint8Array): void {
    let word = 0;
    for (let i = 0; i < bytes.length; i++) {
      if ((i & 3) === 0) word = this.uint32();
      bytes[i] = word & 0xff;
      word >>>= 8;
    }
  }

  /**
   * Draws a UUID.
   *
   * @returns A UUID of version 4.
   */
  uuid(): string {
    const bytes = new Uint8Array(16);
    this.fill(bytes);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    return formatUuid(bytes);
  }
}

function mix(text: string, start: number): number {
  let h = start;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0xcc9e2d51);
    h = (h << 13) | (h >>> 19);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
