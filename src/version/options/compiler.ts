/**
 * The compiler options that are part of a version: those that change the emitted code.
 *
 * @module
 */

import type { ManifestOption, MediaType } from "../manifest/format.ts";

/** Options that matter to JSX, with their defaults. */
const JSX: Readonly<Record<string, string>> = {
  jsx: "react",
  jsxFactory: "React.createElement",
  jsxFragmentFactory: "React.Fragment",
  jsxImportSource: "react",
};

/** Options that matter to TypeScript, with their defaults. */
const TYPESCRIPT: Readonly<Record<string, string>> = {
  emitDecoratorMetadata: "false",
  experimentalDecorators: "false",
  verbatimModuleSyntax: "false",
};

/**
 * Selects the options that change the emitted code of some modules.
 *
 * @param given Compiler options of a config file.
 * @param media The media types of the modules.
 * @returns Name and value of each option that is not at its default: texts unchanged, anything
 * else as JSON. JSX options only if there is JSX, others only if there is TypeScript.
 */
export function emitOptions(
  given: Readonly<Record<string, unknown>>,
  media: ReadonlySet<MediaType>,
): ReadonlyMap<string, string> {
  const defaults = {
    ...(media.has("jsx") || media.has("tsx") ? JSX : {}),
    ...(media.has("ts") || media.has("tsx") ? TYPESCRIPT : {}),
  };
  const options = new Map<string, string>();
  for (const [key, usual] of Object.entries(defaults)) {
    const value = given[key];
    if (value === undefined || value === null) continue;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (text !== usual) options.set(key, text);
  }
  return options;
}

/** A module and its own options. */
export interface OptionedModule {
  /** Its label. */
  readonly label: string;
  /** Its media type. */
  readonly media: MediaType;
  /** Its compiler options by name, which {@linkcode emitOptions} chose. */
  readonly options: ReadonlyMap<string, string>;
}

/**
 * The option lines of a manifest: one line for all modules if all modules that an option matters to
 * have the same value, otherwise one line for each module where it is not at its default.
 *
 * @param modules The modules of a version.
 * @returns Key, value, and the label of the module if the line is for one only.
 */
export function optionLines(modules: Iterable<OptionedModule>): ManifestOption[] {
  const all = [...modules];
  const lines: ManifestOption[] = [];
  for (const [kinds, keys] of [[/^[jt]sx$/, JSX], [/^tsx?$/, TYPESCRIPT]] as const) {
    const concerned = all.filter(({ media }) => kinds.test(media));
    for (const key of Object.keys(keys)) {
      const values = new Set(concerned.map(({ options }) => options.get(key)));
      const [first] = values;
      if (values.size === 1 && first !== undefined) lines.push([key, first]);
      if (values.size < 2) continue;
      for (const { label, options } of concerned) {
        const value = options.get(key);
        if (value !== undefined) lines.push([key, value, label]);
      }
    }
  }
  return lines;
}
