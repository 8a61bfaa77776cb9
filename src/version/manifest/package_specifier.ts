/**
 * `npm:` and `jsr:` specifiers.
 *
 * @module
 */

/** The parts of an `npm:` or `jsr:` specifier. */
export interface PackageSpecifier {
  /** The registry. */
  readonly kind: "npm" | "jsr";
  /** The name, with its scope. */
  readonly name: string;
  /** The range or tag after the `@`; empty when there is none. */
  readonly range: string;
  /** The path inside the package, with its leading `/`; empty for the package itself. */
  readonly path: string;
}

/**
 * Parses a specifier.
 *
 * @param specifier Any specifier.
 * @returns Its parts; `undefined` when it is not an `npm:` or `jsr:` specifier.
 */
export function parsePackageSpecifier(specifier: string): PackageSpecifier | undefined {
  const match = /^(npm|jsr):\/?((?:@[^/@]+\/)?[^/@]+)(?:@([^/]*))?(\/.*)?$/s.exec(specifier);
  if (match === null) return undefined;
  const [, kind, name, range, path] = match;
  return {
    kind: kind as "npm" | "jsr",
    name: name!,
    range: decode(range ?? ""),
    path: path === "/" ? "" : path ?? "",
  };
}

/**
 * Formats a specifier.
 *
 * @param parts Its parts.
 * @returns The specifier, without the optional slash after the scheme.
 */
export function formatPackageSpecifier(parts: PackageSpecifier): string {
  const { kind, name, range, path } = parts;
  return `${kind}:${name}${range === "" ? "" : `@${range}`}${path}`;
}

/**
 * Whether a range matches only one version.
 *
 * @param range The range.
 * @returns Whether it is a whole version: `1.2.3`, `1.2.3-rc.1`.
 */
export function isExactVersion(range: string): boolean {
  return /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.test(range);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
