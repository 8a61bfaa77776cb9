/**
 * Edits of a source before it is compiled, and their reversal in source maps: positions in messages
 * refer to the author's own text. No edit adds or removes a line.
 *
 * @module
 */

/** A replacement of text. */
export interface Edit {
  /** The offset where the replaced text begins. */
  readonly at: number;
  /** The offset where it ends. */
  readonly end: number;
  /** The new text. */
  readonly text: string;
}

/**
 * Applies edits.
 *
 * @param source The text.
 * @param edits The edits; none overlaps another.
 * @returns The edited text.
 */
export function applyEdits(source: string, edits: readonly Edit[]): string {
  let out = "";
  let at = 0;
  for (const edit of inOrder(edits)) {
    out += source.slice(at, edit.at) + edit.text;
    at = edit.end;
  }
  return out + source.slice(at);
}

/**
 * Converts the mappings of an edited text into mappings of the original text.
 *
 * @param mappings The mappings of a source map with one source, the edited text.
 * @param source The original text.
 * @param edits The edits that were applied.
 * @returns The mappings.
 */
export function mapBack(mappings: string, source: string, edits: readonly Edit[]): string {
  if (edits.length === 0) return mappings;
  const byLine = Map.groupBy(
    inOrder(edits),
    ({ at }) => source.slice(0, at).split("\n").length - 1,
  );
  /** The column before the edits of its line. */
  const back = (line: number, column: number) => {
    let moved = 0;
    for (const { at, end, text } of byLine.get(line) ?? []) {
      const begins = at - (source.lastIndexOf("\n", at - 1) + 1) + moved;
      if (column < begins) break;
      if (column < begins + text.length) return begins - moved;
      moved += text.length - (end - at);
    }
    return column - moved;
  };
  let [line, column, written] = [0, 0, 0];
  return mappings.replace(/[^;,]+/g, (segment) => {
    const fields = decode(segment);
    if (fields.length < 4) return segment;
    line += fields[2]!;
    column += fields[3]!;
    const found = back(line, column);
    fields[3] = found - written;
    written = found;
    return fields.map(encode).join("");
  });
}

/** Sorted by position; at one position, in the order of creation. */
function inOrder(edits: readonly Edit[]): readonly Edit[] {
  return edits.toSorted((a, b) => a.at - b.at);
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The numbers of a segment, five bits a digit, the lowest first. */
function decode(segment: string): number[] {
  const numbers: number[] = [];
  let [value, shift] = [0, 0];
  for (const letter of segment) {
    const digit = DIGITS.indexOf(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}

function encode(number: number): string {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1;
  let out = "";
  do {
    const digit = rest & 31;
    rest >>>= 5;
    out += DIGITS[rest > 0 ? digit | 32 : digit];
  } while (rest > 0);
  return out;
}
