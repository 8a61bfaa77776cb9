/**
 * Keeps `using` and `await using` as the author wrote them. The runtime executes both, and Deno
 * emits both untouched; the compiler has no option that leaves them, and what it makes of them
 * awaits at other times. So it is shown a `const` in place of each, with a mark, and what comes out
 * gets its word back.
 *
 * In the head of a plain `for` loop the language takes them, and Deno's parser does not: refused.
 *
 * @module
 */

import { ModuleSyntaxError } from "./errors.ts";
import { positionOf } from "./lex.ts";
import type { SyntaxNode } from "./lex_parser.ts";

/** A source that the compiler leaves alone, and the way back. */
export interface MarkedResources {
  /** The source, in which nothing is a resource. */
  readonly source: string;
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
 * @returns The marked source; itself where there is no resource.
 */
export async function markResources(
  source: string,
  media: "ts" | "tsx" | "jsx",
): Promise<MarkedResources> {
  const none = { source, restore: (code: string) => code };
  if (!/\busing\b/.test(source)) return none;
  const tree = await treeOf(source, media);
  if (tree === undefined) return none;
  const { nodesOf } = await import("./lex_parser.ts");
  const found = [...nodesOf(tree)].filter(isResource).sort((a, b) => a.start - b.start);
  if (found.length === 0) return none;
  let mark = "$using";
  while (source.includes(mark)) mark += "_";
  let marked = "";
  let at = 0;
  for (const [i, node] of found.entries()) {
    const [first] = node["declarations"] as SyntaxNode[];
    marked += source.slice(at, node.start);
    // Of a loop alone the declaration has no value, and room for no second name.
    const isLoop = !first!["init"];
    at = isLoop ? first!.end : first!.start;
    marked += isLoop
      ? `const [${mark}${i}, ${source.slice(first!.start, at)}]`
      : `const ${mark}${i} = 0, `;
  }
  marked += source.slice(at);
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
  return { source: marked, restore };
}

/**
 * Refuses the one place of a resource that Deno does not take.
 *
 * @param source The text, without a byte order mark.
 * @param media Its language.
 * @param url What messages call it.
 * @throws {ModuleSyntaxError} When a plain `for` loop declares a resource.
 */
export async function checkResources(
  source: string,
  media: "js" | "jsx" | "ts" | "tsx",
  url: string,
): Promise<void> {
  if (!/\busing\b/.test(source) || !/\bfor\b/.test(source)) return;
  const tree = await treeOf(source, media);
  if (tree === undefined) return;
  const { nodesOf } = await import("./lex_parser.ts");
  for (const node of nodesOf(tree)) {
    const init = node.type === "ForStatement" ? node["init"] as SyntaxNode | null : null;
    if (init === null || !isResource(init)) continue;
    const { line, column } = positionOf(source, init.start);
    throw new ModuleSyntaxError(
      `Cannot compile ${url}: line ${line}, column ${column}: found a resource that a for loop with ` +
        "semicolons declares, which Deno does not parse, wanted it before the loop",
    );
  }
}

/** `undefined` where the source is none: the compiler, or the runtime, says what is wrong. */
async function treeOf(source: string, media: "js" | "jsx" | "ts" | "tsx") {
  const { parseTree } = await import("./lex_parser.ts");
  try {
    return parseTree(source, media);
  } catch {
    return undefined;
  }
}

function isResource({ type, kind }: SyntaxNode): boolean {
  return type === "VariableDeclaration" && (kind === "using" || kind === "await using");
}
