/**
 * Shapes of JSON values that come from outside, and the first place at which a value differs.
 *
 * @module
 */

/** A part of a value that is wrong. */
export interface Fault {
  /** Where it is: `runs[0].seed`; "" for the whole value. */
  readonly path: string;
  /** What was found there. */
  readonly found: unknown;
}

/** Finds the first fault of a value; `undefined`: there is none. */
export type Shape = (value: unknown, path: string) => Fault | undefined;

/** A shape of values that meet a condition. */
export function where(isGood: (value: unknown) => boolean): Shape {
  return (found, path) => isGood(found) ? undefined : { path, found };
}

/** Any text. */
export const TEXT: Shape = where((value) => typeof value === "string");

/** A whole number. */
export const WHOLE: Shape = where((value) => Number.isInteger(value));

/** Any JSON value. */
export const ANY: Shape = where((value) => value !== undefined);

/** One of a few texts. */
export function oneOf(choices: readonly string[]): Shape {
  return where((value) => choices.includes(value as string));
}

/** `null`, or a value of a shape. */
export function nullable(shape: Shape): Shape {
  return (value, path) => value === null ? undefined : shape(value, path);
}

/** A missing field, or one of a shape. */
export function optional(shape: Shape): Shape {
  return (value, path) => value === undefined ? undefined : shape(value, path);
}

/** A list whose entries all have a shape. */
export function listOf(shape: Shape): Shape {
  return (found, path) => {
    if (!Array.isArray(found)) return { path, found };
    for (const [index, entry] of found.entries()) {
      const fault = shape(entry, `${path}[${index}]`);
      if (fault !== undefined) return fault;
    }
  };
}

/** An object with any keys, whose values all have a shape. */
export function mapOf(shape: Shape, key: (key: string) => boolean = () => true): Shape {
  return (found, path) => {
    if (!isObject(found)) return { path, found };
    for (const [name, entry] of Object.entries(found)) {
      if (!key(name)) return { path: `${path}'s key`, found: name };
      const fault = shape(entry, join(path, name));
      if (fault !== undefined) return fault;
    }
  };
}

/** An object with these fields; it may have others. */
export function objectOf<T>(fields: { readonly [Key in keyof T]-?: Shape }): Shape {
  return (found, path) => {
    if (!isObject(found)) return { path, found };
    for (const [name, shape] of Object.entries<Shape>(fields)) {
      const fault = shape(Object.hasOwn(found, name) ? found[name] : undefined, join(path, name));
      if (fault !== undefined) return fault;
    }
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
