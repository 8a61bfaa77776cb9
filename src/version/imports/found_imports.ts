/**
 * The imports of a source.
 *
 * @module
 */

/** One import of a source. */
export interface FoundImport {
  /**
   * The specifier, its escapes decoded; `undefined` if a dynamic import computes it or its options.
   */
  readonly specifier: string | undefined;
  /** The `type` attribute; `undefined` without one, empty if there is another attribute. */
  readonly type: string | undefined;
  /** Whether it is a dynamic import. */
  readonly isDynamic: boolean;
  /** Its offset, in UTF-16 units. */
  readonly offset: number;
}

/** The imports of a source, and other facts that a version depends on. */
export interface FoundImports {
  /** In the order of the source. */
  readonly imports: readonly FoundImport[];
  /** The offsets of every `import.meta` that is not `import.meta.main`. */
  readonly metas: readonly number[];
  /** Whether there is a JSX element or fragment. */
  readonly hasJsx: boolean;
  /** Whether there is an import or export, of types too, that makes the source an ES module. */
  readonly hasModuleSyntax: boolean;
  /** Whether the source was parsed, not only lexed. */
  readonly isParsed: boolean;
}

/**
 * The type that attributes request.
 *
 * @param attributes Their keys and values.
 * @returns The type; `undefined` without attributes, empty if one is not `type`, which no runtime
 * accepts.
 */
export function typeOf(attributes: readonly (readonly [string, string])[]): string | undefined {
  if (attributes.some(([key]) => key !== "type")) return "";
  return attributes[0]?.[1];
}
