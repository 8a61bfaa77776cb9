/**
 * Finds the calls of `patched` in a source.
 *
 * @module
 */

import type { MediaType } from "../manifest/format.ts";
import { nodesOf, parseTree, type SyntaxNode } from "./parser.ts";

/** A call of `patched`. */
export interface PatchCall {
  /** The patch's name; `null`: it is computed. */
  readonly name: string | null;
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1. */
  readonly column: number;
  /** The text of the line. */
  readonly text: string;
}

/**
 * Finds every call of a function or method that is called `patched`: `ctx.patched("tax")`, also under
 * another name for `ctx`, or `patched("tax")`. A call under another name than `patched` is not found.
 *
 * @param source The text of a module.
 * @param media Which language it is.
 * @returns The calls, in the order of the source; none if it is no source code, or can't be parsed.
 */
export function patchCalls(source: string, media: MediaType): PatchCall[] {
  if (!source.includes("patched")) return [];
  if (media !== "js" && media !== "jsx" && media !== "ts" && media !== "tsx") return [];
  let tree: SyntaxNode;
  try {
    tree = parseTree(source, media);
  } catch {
    return []; // The loader reports what is wrong with it.
  }
  const lines = source.split(/\r\n|[\n\r\u2028\u2029]/);
  const starts = startsOf(source);
  return [...nodesOf(tree)]
    .filter(isPatchCall)
    .sort((a, b) => a.start - b.start)
    .map((node) => {
      const { start } = node["callee"] as SyntaxNode;
      const line = starts.findLastIndex((at) => at <= start);
      return {
        name: nameOf(node),
        line: line + 1,
        column: start - starts[line]! + 1,
        text: lines[line]!,
      };
    });
}

function isPatchCall(node: SyntaxNode): boolean {
  if (node.type !== "CallExpression" && node.type !== "OptionalCallExpression") return false;
  const callee = node["callee"] as SyntaxNode;
  if (callee.type === "Identifier") return callee["name"] === "patched";
  if (callee.type !== "MemberExpression" && callee.type !== "OptionalMemberExpression") {
    return false;
  }
  const property = callee["property"] as SyntaxNode;
  return callee["computed"] === true
    ? property.type === "StringLiteral" && property["value"] === "patched"
    : property["name"] === "patched";
}

/** The name that a call passes, if it is written out. */
function nameOf(call: SyntaxNode): string | null {
  const [argument] = call["arguments"] as readonly SyntaxNode[];
  if (argument?.type === "StringLiteral") return argument["value"] as string;
  if (argument?.type !== "TemplateLiteral") return null;
  const quasis = argument["quasis"] as readonly SyntaxNode[];
  const [only] = quasis;
  return quasis.length === 1 ? (only!["value"] as { readonly cooked: string }).cooked : null;
}

/** The offset of each line. */
function startsOf(source: string): number[] {
  return [
    0,
    ...Array.from(source.matchAll(/\r\n|[\n\r\u2028\u2029]/g), ({ 0: text, index }) => {
      return index + text.length;
    }),
  ];
}
