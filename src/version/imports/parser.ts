/**
 * Finds the imports of a source with a parser: JSX, and everything of which the lexer is not
 * certain.
 *
 * @module
 */

import { parse, type ParserPlugin } from "@babel/parser";
import { type FoundImport, type FoundImports, typeOf } from "./found_imports.ts";

/** An import with its position in the source. */
export interface ParsedImport extends FoundImport {
  /** `source` or `defer`; `undefined` for a plain import. */
  readonly phase: string | undefined;
  /** The offset after its specifier. */
  readonly specifierEnd: number;
  /** The offset after the statement or expression. */
  readonly end: number;
}

/** The imports of a source, each with its position. */
export interface ParsedImports extends FoundImports {
  /** In the order of the source. */
  readonly imports: readonly ParsedImport[];
}

/** The parts of a syntax tree node that are read. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/**
 * Parses a source and collects its imports, without those of types.
 *
 * @param source The text, without a byte order mark.
 * @param media Which language it is.
 * @returns The imports.
 * @throws {SyntaxError} When the source is not a module; `pos` is the offset.
 */
export function parseImports(source: string, media: "js" | "jsx" | "ts" | "tsx"): ParsedImports {
  const tree = parseTree(source, media);
  const imports: ParsedImport[] = [];
  const metas: number[] = [];
  let hasJsx = false;
  const pending: SyntaxNode[] = [tree];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node["declare"] === true) continue;
    switch (node.type) {
      case "ImportDeclaration":
        if (node["importKind"] !== "type") imports.push(staticImport(node));
        continue;
      case "ExportAllDeclaration":
        if (node["exportKind"] !== "type") imports.push(staticImport(node));
        continue;
      case "ExportNamedDeclaration":
        if (node["exportKind"] === "type") continue;
        if (isNode(node["source"])) imports.push(staticImport(node));
        break;
      case "ImportExpression":
        imports.push(dynamicImport(node));
        break;
      case "MemberExpression":
      case "OptionalMemberExpression":
        if (isMetaMain(node)) continue;
        break;
      case "MetaProperty":
        if (isNode(node["meta"]) && node["meta"]["name"] === "import") metas.push(node.start);
        continue;
      case "JSXElement":
      case "JSXFragment":
        hasJsx = true;
        break;
    }
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) { for (const item of value) if (isNode(item)) pending.push(item); }
      else if (isNode(value)) pending.push(value);
    }
  }
  imports.sort((a, b) => a.offset - b.offset);
  metas.sort((a, b) => a - b);
  const hasModuleSyntax = (tree["body"] as SyntaxNode[]).some(isModuleSyntax);
  return { imports, metas, hasModuleSyntax, hasJsx, isParsed: true };
}

/**
 * Parses a source.
 *
 * @param source The text, without a byte order mark.
 * @param media Which language it is.
 * @returns The tree.
 * @throws {SyntaxError} When the source is not a module; `pos` is the offset.
 */
export function parseTree(source: string, media: "js" | "jsx" | "ts" | "tsx"): SyntaxNode {
  const plugins: ParserPlugin[] = ["sourcePhaseImports", "deferredImportEvaluation"];
  if (media === "ts" || media === "tsx") plugins.push("typescript");
  if (media === "jsx" || media === "tsx") plugins.push("jsx");
  try {
    return parseWith(source, [...plugins, "decorators", "decoratorAutoAccessors"]);
  } catch (cause) {
    // Decorators of parameters are only in the older proposal, which TypeScript still compiles.
    if (!source.includes("@")) throw cause;
    try {
      return parseWith(source, [...plugins, "decorators-legacy"]);
    } catch {
      throw cause;
    }
  }
}

/** Every node of a tree, in no particular order. */
export function* nodesOf(tree: SyntaxNode): Generator<SyntaxNode> {
  const pending = [tree];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    yield node;
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) { for (const item of value) if (isNode(item)) pending.push(item); }
      else if (isNode(value)) pending.push(value);
    }
  }
}

function parseWith(source: string, plugins: ParserPlugin[]): SyntaxNode {
  const { program } = parse(source, {
    sourceType: "module",
    plugins,
    attachComment: false,
    createImportExpressions: true,
  });
  return program as unknown as SyntaxNode;
}

/** TypeScript's `import a = b`, exported or not, and `export =` belong to CommonJS, too. */
function isModuleSyntax({ type, declaration }: SyntaxNode): boolean {
  if (isNode(declaration) && declaration.type === "TSImportEqualsDeclaration") return false;
  return type === "TSNamespaceExportDeclaration" || /^(Import|Export\w+)Declaration$/.test(type);
}

function staticImport(node: SyntaxNode): ParsedImport {
  const attributes = (node["attributes"] ?? []) as SyntaxNode[];
  const source = node["source"] as SyntaxNode;
  return {
    ...placeOf(node, source),
    specifier: String(source["value"]),
    type: typeOf(attributes.map((each) => [keyOf(each) ?? "", literal(each["value"]) ?? ""])),
    isDynamic: false,
  };
}

function dynamicImport(node: SyntaxNode): ParsedImport {
  const attributes = attributesOf(node["options"]);
  return {
    ...placeOf(node, node["source"] as SyntaxNode),
    specifier: attributes === undefined ? undefined : literal(node["source"]),
    type: typeOf(attributes ?? []),
    isDynamic: true,
  };
}

/**
 * The attributes in the options of a dynamic import; `undefined` if they are known only at run
 * time.
 */
function attributesOf(options: unknown): [string, string][] | undefined {
  if (!isNode(options) || options.type === "Identifier" && options["name"] === "undefined") {
    return [];
  }
  const attributes = plainProperties(options)?.find(([key]) => key === "with");
  if (attributes === undefined) return plainProperties(options) && [];
  const found = plainProperties(attributes[1]);
  // Deno, too, reads only string literals.
  const texts = found?.map(([key, value]) => [key, textOf(value)] as const);
  if (texts?.some(([, text]) => text === undefined)) return undefined;
  return texts as [string, string][] | undefined;
}

/** The properties of an object literal; `undefined` if it is not an object literal, or has other than plain properties. */
function plainProperties(object: unknown): [string, unknown][] | undefined {
  if (!isNode(object) || object.type !== "ObjectExpression") return undefined;
  const properties = object["properties"] as SyntaxNode[];
  const isPlain = properties.every(({ type, computed }) => type === "ObjectProperty" && !computed);
  const keys = new Set(properties.map(keyOf));
  if (!isPlain || keys.size < properties.length || keys.has("__proto__")) return undefined;
  return properties.map((each) => [keyOf(each)!, each["value"]]);
}

function placeOf(
  node: SyntaxNode,
  source: SyntaxNode,
): Pick<ParsedImport, "offset" | "phase" | "specifierEnd" | "end"> {
  const phase = node["phase"];
  return {
    offset: node.start,
    phase: typeof phase === "string" ? phase : undefined,
    specifierEnd: source.end,
    end: node.end,
  };
}

function keyOf(node: SyntaxNode): string | undefined {
  const key = node["key"];
  return isNode(key) ? String(key["name"] ?? key["value"]) : undefined;
}

function textOf(node: unknown): string | undefined {
  return isNode(node) && node.type === "StringLiteral" ? String(node["value"]) : undefined;
}

/** The text of a string, or of a template without substitutions. */
function literal(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "StringLiteral") return textOf(node);
  const quasis = node["quasis"];
  if (node.type !== "TemplateLiteral" || !Array.isArray(quasis) || quasis.length !== 1) {
    return undefined;
  }
  return String(quasis[0].value.cooked);
}

function isMetaMain(node: SyntaxNode): boolean {
  const { object, property, computed } = node;
  return isNode(object) && object.type === "MetaProperty" && computed === false &&
    isNode(property) && property["name"] === "main";
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value &&
    typeof value.type === "string";
}
