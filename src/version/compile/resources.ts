/**
 * Keeps `using` and `await using` as the author wrote them. The runtime executes both, and Deno
 * emits both unchanged. The compiler has no option that leaves them, and the code that it generates
 * for them awaits at other times. So the compiler sees a marked `const` instead of each, and the
 * original words are restored in its output.
 *
 * @module
 */

import type { Edit } from "./edits.ts";
import type { SyntaxNode } from "../imports/parser.ts";

/** How a source is hidden from the compiler's transform, and restored. */
export interface MarkedResources {
  /** Edits that replace all resource declarations; empty if there are none. */
  readonly edits: readonly Edit[];
  /**
   * Restores the resource declarations in compiled code. No line moves, and no column after a
   * declaration.
   *
   * @param code The compiler's output.
   * @returns The code.
   * @throws {SyntaxError} When the compiler has changed a marked declaration.
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
    return none; // The compiler reports the error.
  }
  const found = [...nodesOf(tree)].filter(isResource).sort((a, b) => a.start - b.start);
  if (found.length === 0) return none;
  let mark = "$using";
  while (source.includes(mark)) mark += "_";
  const edits = found.map((node, i) => {
    const [first] = node["declarations"] as SyntaxNode[];
    // Only in a loop the declaration has no value, and there can be no second name.
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
      // Spaces keep every column after the word.
      return loop === undefined ? word.padEnd(text.length) : `${word}${name}`.padEnd(text.length);
    });
    if (count === found.length && !restored.includes(mark)) return restored;
    throw new SyntaxError("Cannot compile a declaration with `using`: the compiler changed it");
  };
  return { edits, restore };
}

/**
 * Whether a node declares resources with `using`.
 *
 * @param node A node of a syntax tree.
 * @returns Whether it does.
 */
export function isResource({ type, kind }: SyntaxNode): boolean {
  return type === "VariableDeclaration" && (kind === "using" || kind === "await using");
}
