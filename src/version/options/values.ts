/**
 * Which values of compiler options are accepted: those with which Deno runs a module, and which
 * this package compiles to the same code. Any other value is refused by name, before a hash exists.
 * `docs/compiler-options.md` lists all options, and `tests/version/compiler_options_test.ts`
 * compares the list with the installed Deno.
 *
 * - OPTION-1: a value that Deno refuses when it starts is refused in every config file: another
 *   text for `jsx`, and an import source without an option that imports from it.
 * - OPTION-2: a value that Deno refuses when it compiles a module is refused if it applies to a
 *   module: a value of another type.
 * - OPTION-3: a value that Deno accepts, and this package does not compile, is refused if a module
 *   has JSX.
 *
 * @module
 */

import { GraphError } from "../errors.ts";

/** Compiler options as a config file gives them. */
export type GivenOptions = Readonly<Record<string, unknown>>;

/** Compiler options, and where each is set. */
export interface OptionScope {
  /** The options. */
  readonly options: GivenOptions;
  /** Returns the URL of the file that sets an option. */
  readonly fileOf: (key: string) => string;
}

/** The values of `jsx` that this package compiles. */
const COMPILED = ["react", "react-jsx", "react-jsxdev"];
/** Other values of `jsx` that Deno accepts. */
const TAKEN = ["precompile", "preserve"];

const isBoolean = (value: unknown) => typeof value === "boolean";
const isText = (value: unknown) => typeof value === "string";
/** A factory that Deno and this package accept: names with dots between them. */
const isName = (value: unknown) => isText(value) && isFactory(value as string);

/** What a value must be, as text and as a test, by the kinds of modules that it matters to. */
const TYPES: readonly (readonly [RegExp, string, (value: unknown) => boolean, string[]])[] = [
  [/^(tsx?|jsx)$/, "true or false", isBoolean, [
    "checkJs",
    "emitDecoratorMetadata",
    "experimentalDecorators",
    "verbatimModuleSyntax",
  ]],
  [/^(tsx?|jsx)$/, "a text", isText, ["jsx", "jsxFactory", "jsxFragmentFactory"]],
  [/^[jt]sx$/, "names with dots between them", isName, ["jsxFactory", "jsxFragmentFactory"]],
  [/^(tsx?|jsx)$/, "a text", (value) => value === null || isText(value), ["jsxImportSource"]],
  [
    /^(tsx?|jsx)$/,
    "a list of texts",
    (value) => value === null || Array.isArray(value) && value.every(isText),
    ["jsxPrecompileSkipElements"],
  ],
];

/**
 * Whether a text is a factory of JSX: names with dots between them.
 *
 * @param text The text.
 * @returns Whether it is one; the compiler, like Deno's, fails on many other texts.
 */
export function isFactory(text: string): boolean {
  return /^(?!this\b)[\p{ID_Start}$_][\p{ID_Continue}$]*(\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*$/u
    .test(text);
}

/**
 * The compiler options of a config file.
 *
 * @param value The value in the file.
 * @param file The URL of the file.
 * @returns The options; `undefined` if there are none.
 * @throws {GraphError} (`CONFIG_INVALID`) When the value is not an object.
 */
export function givenOptions(value: unknown, file: string): GivenOptions | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "object" && !Array.isArray(value)) return value as GivenOptions;
  throw new GraphError(
    "CONFIG_INVALID",
    `Cannot read ${file}: compilerOptions is ${show(value)}, wanted an object`,
    { details: { file } },
  );
}

/**
 * OPTION-1: refuses options with which Deno does not start.
 *
 * @param scope The options of a root, of a member merged into it, or of a `tsconfig.json`.
 * @throws {GraphError} (`CONFIG_INVALID`) When Deno would not start with it.
 */
export function checkScope({ options, fileOf }: OptionScope): void {
  const { jsx } = options;
  if (typeof jsx === "string" && ![...COMPILED, ...TAKEN].includes(jsx)) {
    refuse("jsx", jsx, fileOf("jsx"), COMPILED.map((value) => JSON.stringify(value)).join(" or "));
  }
  if (jsx !== undefined && jsx !== "react") return;
  for (const key of ["jsxImportSource", "jsxImportSourceTypes"]) {
    const value = options[key] ?? undefined;
    if (value === undefined) continue;
    refuse(key, value, fileOf(key), 'the option jsx beside it, "react-jsx" or "react-jsxdev"');
  }
}

/**
 * OPTION-2: refuses values of another type.
 *
 * @param scope The options of a module.
 * @param media Its media type.
 * @throws {GraphError} (`CONFIG_INVALID`) When Deno would not compile the module with them.
 */
export function checkTypes({ options, fileOf }: OptionScope, media: string): void {
  for (const [kinds, wanted, isRight, keys] of TYPES) {
    if (!kinds.test(media)) continue;
    for (const key of keys) {
      const value = options[key];
      if (value !== undefined && !isRight(value)) refuse(key, value, fileOf(key), wanted);
    }
  }
}

/**
 * OPTION-3: refuses JSX options that this package does not compile.
 *
 * @param scope The options of a module with JSX.
 * @param url Its URL.
 * @throws {GraphError} (`CONFIG_INVALID`) When the options are such.
 */
export function checkJsx({ options, fileOf }: OptionScope, url: string): void {
  const { jsx } = options;
  if (typeof jsx !== "string" || !TAKEN.includes(jsx)) return;
  const accepted = COMPILED.map((value) => JSON.stringify(value)).join(" or ");
  refuse("jsx", jsx, fileOf("jsx"), `${accepted} for ${url}, which has JSX`);
}

function refuse(key: string, value: unknown, file: string, wanted: string): never {
  throw new GraphError(
    "CONFIG_INVALID",
    `Cannot compile with ${file}: the compiler option ${key} is ${show(value)}, wanted ${wanted}`,
    { details: { option: key, file } },
  );
}

function show(value: unknown): string {
  return JSON.stringify(value).slice(0, 80);
}
