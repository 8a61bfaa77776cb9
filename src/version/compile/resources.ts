/**
 * Keeps `using` and `await using` as the author wrote them. The runtime executes both, and Deno
 * emits both untouched; the compiler has no option that leaves them, and what it makes of them
 * awaits at other times. So it is shown a `const` in place of each, with a mark, and what comes out
 * gets its word back.
 *
 * @module
 */

import type { Edit } from "./edits.ts";
import type { SyntaxNode } from "../imports/parser.ts";

/** How a source becomes one that the compiler leaves alone, and the way back. */
export interface MarkedResources {
  /** After them nothing is a resource; none where nothing was. */
  readonly edits: readonly Edit[];
  /**
   * Gives what was compiled its resources back. No line moves, and no column that follows.
   *
   * @param code What the compiler made of the source.
   * @returns The code.
   * @throws {SyntaxError} When the compiler has changed a declaration beyond recognition.
   */
  readonly restore: (code: string) => string;
}

/**
 * Marks the resources of a module.
 *
 * @param source The text, without a byte order mark.
 * @param media Its language.
 * @returns The marks.
 */
export async function markResources(
  source: string,
  media: "ts" | "tsx" | "jsx",
): Promise<MarkedResources> {
  const none = { edits: [], restore: (code: string) => code };
  if (!/\busing\b/.test(source)) return none;
  const { nodesOf, parseTree } = await import("../imports/parser.ts");
  let tree: SyntaxNode;
  try {
    tree = parseTree(source, media);
  } catch {
    return none; // The compiler says what is wrong.
  }
  const found = [...nodesOf(tree)].filter(isResource).sort((a, b) => a.start - b.start);
  if (found.length === 0) return none;
  let mark = "$using";
  while (source.includes(mark)) mark += "_";
  const edits = found.map((node, i) => {
    const [first] = node["declarations"] as SyntaxNode[];
    // Of a loop alone the declaration has no value, and room for no second name.
    return first!["init"]
      ? { at: node.start, end: first!.start, text: `const ${mark}${i} = 0, ` }
      : {
        at: node.start,
        end: first!.end,
        text: `const [${mark}${i}, ${source.slice(first!.start, first!.end)}]`,
      };
  });
  const escaped = mark.replaceAll("$", "\\$");
  const form = new RegExp(
    `const (?:\\[${escaped}(\\d+), ([^\\]]+)\\]|${escaped}(\\d+) = 0, )`,
    "g",
  );
  const restore = (code: string): string => {
    let count = 0;
    const restored = code.replace(form, (text, loop, name = "", plain) => {
      count++;
      const word = `${found[loop ?? plain]!["kind"]} `;
      // Spaces keep every column behind the word.
      return loop === undefined ? word.padEnd(text.length) : `${word}${name}`.padEnd(text.length);
    });
    if (count === found.length && !restored.includes(mark)) return restored;
    throw new SyntaxError("Cannot compile a declaration with `using`: the compiler changed it");
  };
  return { edits, restore };
}

/**
 * Whether a node declares resources.
 *
 * @param node A node of a syntax tree.
 * @returns Whether it does.
 */
export function isResource({ type, kind }: SyntaxNode): boolean {
  return type === "VariableDeclaration" && (kind === "using" || kind === "await using");
}
