/**
 * Refuses syntax that this package could execute and Deno can't, so that every registered module
 * also runs when it is imported directly.
 *
 * - SYNTAX-1: Deno does not parse a resource in the head of a `for` loop with semicolons.
 * - SYNTAX-2: Deno compiles `accessor` only in a module that has a decorator; the runtime never
 *   executes it.
 *
 * @module
 */

import { positionOf } from "../imports/lex.ts";
import type { SyntaxNode } from "../imports/parser.ts";
import { isResource } from "./resources.ts";
import { GraphError } from "../errors.ts";

/**
 * Refuses syntax that Deno does not execute.
 *
 * @param source The text, without a byte order mark.
 * @param media Its language.
 * @param url The module's name in messages.
 * @throws {GraphError} (`MODULE_SYNTAX`) When the source contains such syntax.
 */
export async function checkNativeSyntax(
  source: string,
  media: "js" | "jsx" | "ts" | "tsx",
  url: string,
): Promise<void> {
  const mayBeLoop = /\busing\b/.test(source) && /\bfor\b/.test(source);
  if (!mayBeLoop && !/\baccessor\b/.test(source)) return;
  const { nodesOf, parseTree } = await import("../imports/parser.ts");
  let nodes: readonly SyntaxNode[];
  try {
    nodes = [...nodesOf(parseTree(source, media))];
  } catch {
    return; // The compiler, or the runtime, reports the error.
  }
  const isDecorated = media !== "js" && nodes.some(({ type }) => type === "Decorator");
  for (const node of nodes) {
    const init = node.type === "ForStatement" ? node["init"] as SyntaxNode | null : null;
    if (init !== null && isResource(init)) {
      const found =
        "a resource that a for loop with semicolons declares, which Deno does not parse";
      throw refusal(source, url, init, `${found}, wanted it before the loop`);
    }
    const isAccessor = node.type === "ClassAccessorProperty" && node["abstract"] !== true;
    if (isAccessor && !isDecorated) {
      const found = "accessor in a module without decorators, where Deno does not compile it";
      throw refusal(source, url, node, `${found}, wanted get and set`);
    }
  }
}

function refusal(source: string, url: string, { start }: SyntaxNode, what: string): Error {
  const { line, column } = positionOf(source, start);
  return new GraphError(
    "MODULE_SYNTAX",
    `Cannot compile ${url}: line ${line}, column ${column}: found ${what}`,
    { details: { url, line, column } },
  );
}
