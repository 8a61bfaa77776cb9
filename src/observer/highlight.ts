/**
 * Colours source by its tokens. Nothing is executed, and a source that can't be parsed is shown
 * without colours.
 *
 * @module
 */

import type { ParserPlugin } from "@babel/parser";
import { type Html, html } from "./html.ts";

/** A token: where it begins and ends, and its class. */
interface Piece {
  readonly start: number;
  readonly end: number;
  /** `hl-...` of the style sheet; "": no colour. */
  readonly colour: Colour | "";
}

type Colour = "keyword" | "string" | "number" | "comment" | "type" | "call" | "property" | "tag";

/** The parts of a token of the parser that are read. */
interface Token {
  readonly type:
    | "CommentLine"
    | "CommentBlock"
    | { readonly label: string; readonly keyword?: string };
  readonly start: number;
  readonly end: number;
}

/** A longer source is shown without colours: parsing it would block the process. */
const MOST_CHARS = 400_000;

/**
 * Colours the lines of a module.
 *
 * @param lines Its lines, without line breaks.
 * @param media How its bytes are read: `ts`, `json`, ...
 * @returns Each line as HTML.
 */
export async function highlighted(lines: readonly string[], media: string): Promise<Html[]> {
  const text = lines.join("\n");
  const pieces = text.length > MOST_CHARS ? [] : await piecesOf(text, media);
  const shown: Html[] = [];
  let [start, next] = [0, 0];
  for (const line of lines) {
    const end = start + line.length;
    const parts: (Html | string)[] = [];
    let at = start;
    // A comment or a template may reach over several lines.
    for (; next < pieces.length && pieces[next]!.start < end; next++) {
      const piece = pieces[next]!;
      const [from, to] = [Math.max(piece.start, start), Math.min(piece.end, end)];
      if (from > at) parts.push(text.slice(at, from));
      if (to > from) {
        parts.push(html`<span class="hl-${piece.colour}">${text.slice(from, to)}</span>`);
      }
      at = Math.max(at, to);
      if (piece.end > end) break;
    }
    if (end > at) parts.push(text.slice(at, end));
    shown.push(html`${parts}`);
    start = end + 1;
  }
  return shown;
}

/** The coloured pieces of a source, in its order. */
async function piecesOf(text: string, media: string): Promise<Piece[]> {
  if (!/^(?:[jt]sx?|json)$/.test(media)) return [];
  const { parse, parseExpression } = await import("@babel/parser");
  const plugins: ParserPlugin[] = ["decorators", "decoratorAutoAccessors"];
  plugins.push("sourcePhaseImports", "deferredImportEvaluation");
  if (media.startsWith("ts")) plugins.push("typescript");
  if (media.endsWith("x")) plugins.push("jsx");
  const options = { plugins, tokens: true, errorRecovery: true, attachComment: false };
  try {
    const { tokens } = media === "json"
      ? parseExpression(text, options)
      : parse(text, { ...options, sourceType: "unambiguous", allowReturnOutsideFunction: true });
    const found = tokens as readonly Token[];
    return found.map((token, index) => ({
      start: token.start,
      end: token.end,
      colour: colourOf(text, found, index),
    })).filter(({ colour }) => colour !== "");
  } catch {
    return [];
  }
}

/** Words that are keywords only in some places. */
const CONTEXTUAL = new Set(
  ("abstract accessor as asserts async await declare enum from get global implements infer " +
    "interface is keyof let module namespace of out override private protected public readonly " +
    "require satisfies set static type unique using").split(" "),
);

const PRIMITIVE = new Set(
  "any bigint boolean never number object string symbol unknown undefined".split(" "),
);

/** What comes before the name of a type. */
const BEFORE_TYPE = new Set([":", "|", "&", "</>/<=/>=", "=>", "=", "as", "is", ",", "["]);

function colourOf(text: string, tokens: readonly Token[], index: number): Colour | "" {
  const { type, start, end } = tokens[index]!;
  if (typeof type === "string") return "comment";
  const next = labelAt(tokens, index, 1);
  if (type.keyword !== undefined) {
    return labelAt(tokens, index, -1) === "." ? "property" : "keyword";
  }
  switch (type.label) {
    case "string":
      return next === ":" ? "property" : "string";
    case "template":
    case "...`":
    case "...${":
    case "regexp":
      return "string";
    case "num":
    case "bigint":
      return "number";
    case "jsxName":
      return "tag";
    case "#name":
      return "property";
    case "name":
      return colourOfName(text.slice(start, end), tokens, index);
    default:
      return "";
  }
}

function colourOfName(name: string, tokens: readonly Token[], index: number): Colour | "" {
  const [before, next] = [labelAt(tokens, index, -1), labelAt(tokens, index, 1)];
  if (before === "." || before === "?.") return next === "(" ? "call" : "property";
  if (name === "await") return "keyword";
  if (CONTEXTUAL.has(name) && /^(?:name|#name|string|[{[*]|keyword)$/.test(next)) return "keyword";
  if (name === "async" && next === "(") return "keyword";
  if (PRIMITIVE.has(name) && BEFORE_TYPE.has(before)) return "type";
  if (/^[A-Z]/.test(name) && !/^[A-Z\d_]{2,}$/.test(name)) return "type";
  return next === "(" ? "call" : "";
}

/** The kind of the token beside another, comments left out. */
function labelAt(tokens: readonly Token[], index: number, step: 1 | -1): string {
  for (let at = index + step; at >= 0 && at < tokens.length; at += step) {
    const { type } = tokens[at]!;
    if (typeof type === "string") continue;
    return type.keyword === undefined ? type.label : "keyword";
  }
  return "";
}
