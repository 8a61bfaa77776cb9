/**
 * Packages that make ids from a pool of random bytes, or a counter, that all code of the process
 * shares: the ids that a run gets depend on the calls of other code. Members of a version import
 * another module instead, whose functions refuse calls within runs, however full the pool is.
 *
 * @module
 */

import { answering } from "./scope.ts";

type Callable = (...args: unknown[]) => unknown;

/** The functions that draw; `makers` return functions that draw. */
interface Drawing {
  readonly draw: readonly string[];
  readonly makers: readonly string[];
}

const PACKAGES: Readonly<Record<string, Drawing>> = {
  "nanoid": { draw: ["nanoid", "random"], makers: ["customAlphabet"] },
  "uuid": { draw: ["v1", "v6", "v7"], makers: [] },
  "@paralleldrive/cuid2": { draw: ["createId"], makers: ["init"] },
};

const SHARED = Symbol.for("continuum.pools");
const NAME = /^npm:\/?((?:@[^/]+\/)?[^@/]+)(?:@[^/]*)?$/;

/**
 * The module that members of a version import instead of a package that keeps a pool.
 *
 * @param specifier The package.
 * @param exported Its exports.
 * @param url The URL that it was imported from.
 * @returns The URL of a module with the same exports; `undefined` for other packages.
 */
export function withoutPools(
  specifier: string,
  exported: Readonly<Record<string, unknown>>,
  url: string,
): string | undefined {
  const name = NAME.exec(specifier)?.[1];
  if (name === undefined || !Object.hasOwn(PACKAGES, name)) return undefined;
  if (!Object.hasOwn(globalThis, SHARED)) {
    Object.defineProperty(globalThis, SHARED, { value: refusingWithin });
  }
  const { draw, makers } = PACKAGES[name]!;
  const from = JSON.stringify(url);
  const source = [
    `import * as all from ${from};`,
    `export * from ${from};`,
    `const refusing = globalThis[Symbol.for("continuum.pools")];`,
    ...[...draw, ...makers].filter((key) => typeof exported[key] === "function").map((key) =>
      `export const ${key} = ` +
      `refusing(${JSON.stringify(name)}, "${key}", all.${key}, ${makers.includes(key)});`
    ),
    ..."default" in exported ? ["export default all.default;"] : [],
  ];
  return `data:text/javascript,${encodeURIComponent(source.join("\n"))}`;
}

/** A proxy that passes on calls outside of runs, and calls with a `random` of the caller's own. */
function refusingWithin(name: string, key: string, original: Callable, makes: boolean): Callable {
  return new Proxy(original, {
    apply(target, self, args: unknown[]) {
      const within = answering();
      const isGiven = args.some((arg) =>
        typeof arg === "object" && arg !== null && "random" in arg
      );
      if (within?.kind === "workflow" && !isGiven) {
        throw within.refuse(
          `${key}() of npm:${name}`,
          "ctx.uuid(), or a step: the package keeps a pool or a counter, which runs would share",
        );
      }
      const made: unknown = Reflect.apply(target, self, args);
      if (!makes || typeof made !== "function") return made;
      return refusingWithin(name, key, made as Callable, false);
    },
  });
}
