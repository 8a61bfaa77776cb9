/**
 * Which files of a package the archive keeps, and which packages it can't have.
 *
 * @module
 */

/** Which files a program may load; types, source maps and texts are left out. */
const LOADABLE = /\.(?:[cm]?js|json|wasm|node)$/;

/**
 * Whether a program may load a file.
 *
 * @param path Its path in the package.
 */
export function isLoadable(path: string): boolean {
  return LOADABLE.test(path);
}

/**
 * Says why a package can't be executed from memory.
 *
 * @param name Its name and version.
 * @param paths The loadable files that it has.
 * @returns The reason; `undefined`: it can.
 */
export function unfitReason(name: string, paths: Iterable<string>): string | undefined {
  for (const path of paths) {
    if (path.startsWith("node_modules/") || path.includes("/node_modules/")) {
      return `${name} brings packages of its own in a node_modules folder`;
    }
    if (path.endsWith(".node")) return `${name} has a native addon`;
  }
  return undefined;
}
