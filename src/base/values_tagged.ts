/**
 * The slower half of {@link ./values.ts}: values beyond plain JSON, and refusals with their paths.
 *
 * @module
 */

import { base64Bytes, base64Of } from "./bytes.ts";
import { describe as describeValue } from "./describe.ts";
import { isEncodedObject, notDecoded } from "./encoded.ts";
import { CorruptValueError, NotSerializableError } from "./errors.ts";
import { PAYLOAD_BYTES_TO } from "./payload.ts";
import { errorFields, rebuildError } from "./values_errors.ts";

type Tree = Record<string, unknown>;

/** The key that marks an object as one of the extensions. */
export const TAG = "$continuum";
const MAX_DEPTH = 1_000;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/**
 * Turns a value into a tree that `JSON.stringify` carries without loss.
 *
 * @param value The value.
 * @param path What errors call the value.
 * @param maxStack How many characters of an error's stack to keep; 0 for no stack.
 * @returns A tree of plain objects, arrays and JSON's scalars.
 * @throws {NotSerializableError} If a part of it is of no known type.
 */
export function encodeTagged(value: unknown, path: string, maxStack = 0): unknown {
  return new Encoder(maxStack).visit(value, path);
}

/**
 * Turns such a tree back into the value.
 *
 * @param tree The result of `JSON.parse`; it is modified.
 * @returns The value.
 * @throws {CorruptValueError} If it names an unknown type.
 */
export function decodeTagged(tree: unknown): unknown {
  if (typeof tree !== "object" || tree === null) return tree;
  if (Array.isArray(tree)) {
    for (let i = 0; i < tree.length; i++) tree[i] = decodeTagged(tree[i]);
    return tree;
  }
  const record = tree as Record<string, unknown>;
  if (!Object.hasOwn(record, TAG)) return decodeFields(record);
  const reader = READERS.get(record[TAG]);
  if (reader === undefined) {
    if (isEncodedObject(record)) throw notDecoded(record); // ENCODED-1
    throw new CorruptValueError(
      `Cannot decode a value: found the type ${describeValue(record[TAG])}, wanted one of ${
        [...READERS.keys()].join(", ")
      }`,
    );
  }
  try {
    return reader(record.value);
  } catch (error) {
    if (error instanceof CorruptValueError) throw error;
    throw new CorruptValueError(`Cannot decode a value of type ${record[TAG]}: malformed`, error);
  }
}

/** `JSON.parse` makes `__proto__` an own field; only `defineProperty` keeps it one. */
function decodeFields(record: Record<string, unknown>): Record<string, unknown> {
  for (const key of Object.keys(record)) {
    const decoded = decodeTagged(record[key]);
    if (key !== "__proto__") record[key] = decoded;
    else defineField(record, key, decoded);
  }
  return record;
}

function defineField(record: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(record, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

const READERS: ReadonlyMap<unknown, (value: unknown) => unknown> = new Map([
  ["undefined", (): unknown => undefined],
  ["number", (value: unknown): unknown => Number(value)],
  ["bigint", (value: unknown): unknown => BigInt(value as string)],
  ["Date", (value: unknown): unknown => new Date(value === null ? NaN : value as string)],
  [
    "Map",
    (value: unknown): unknown =>
      new Map((value as unknown[][]).map(([k, v]) => [decodeTagged(k), decodeTagged(v)])),
  ],
  ["Set", (value: unknown): unknown => new Set((value as unknown[]).map(decodeTagged))],
  ["Uint8Array", (value: unknown): unknown => base64Bytes(value as string)],
  ["Error", (value: unknown): unknown => rebuildError(decodeFields(value as Tree))],
  ["Object", (value: unknown): unknown => decodeFields(value as Tree)],
]);

class Encoder {
  readonly #open: object[] = [];
  readonly #maxStack: number;
  /** Bytes that are left: nothing else bounds an array of holes. */
  #room = PAYLOAD_BYTES_TO;
  #refusal: NotSerializableError | undefined;

  constructor(maxStack: number) {
    this.#maxStack = maxStack;
  }

  visit(value: unknown, path: string): unknown {
    this.#room -= sizeOf(value);
    if (this.#room < 0) throw this.#refuse(path, `more than ${PAYLOAD_BYTES_TO} bytes`);
    switch (typeof value) {
      case "string":
      case "boolean":
        return value;
      case "number":
        if (Object.is(value, -0)) return { [TAG]: "number", value: "-0" };
        return Number.isFinite(value) ? value : { [TAG]: "number", value: String(value) };
      case "undefined":
        return { [TAG]: "undefined" };
      case "bigint":
        return { [TAG]: "bigint", value: String(value) };
      case "object":
        return value === null ? null : this.#nested(value, path);
      case "function":
        throw this.#refuse(path, describeFunction(value));
      case "symbol":
        throw this.#refuse(path, String(value));
    }
  }

  #nested(value: object, path: string): unknown {
    if (this.#open.includes(value)) throw this.#refuse(path, "a cycle");
    if (this.#open.length >= MAX_DEPTH) {
      throw this.#refuse(path, `more than ${MAX_DEPTH} levels`);
    }
    this.#open.push(value);
    try {
      return this.#object(value, path);
    } catch (error) {
      if (error === this.#refusal) throw error;
      // A proxy's trap, or a method that is called on an object that only pretends to be its class.
      throw this.#refuse(path, "an object that can't be read", error);
    } finally {
      this.#open.pop();
    }
  }

  #object(value: object, path: string): unknown {
    if (Array.isArray(value) && Object.getPrototypeOf(value) === Array.prototype) {
      return Array.from(value, (part, i) => this.visit(part, `${path}[${i}]`));
    }
    if (value instanceof Error) {
      const fields = errorFields(
        value,
        (part, key) => this.visit(part, `${path}.${key}`),
        this.#maxStack,
      );
      return { [TAG]: "Error", value: fields };
    }
    // `node:` functions often return a Buffer, a subclass; it is decoded as a Uint8Array.
    if (value instanceof Uint8Array) {
      this.#room -= value.length;
      if (this.#room < 0) throw this.#refuse(path, `more than ${PAYLOAD_BYTES_TO} bytes`);
      return { [TAG]: "Uint8Array", value: base64Of(value) };
    }
    switch (Object.getPrototypeOf(value)) {
      case Object.prototype:
      case null:
        return this.#record(value as Record<string, unknown>, path);
      case Date.prototype:
        return {
          [TAG]: "Date",
          value: Number.isNaN((value as Date).getTime()) ? null : (value as Date).toISOString(),
        };
      case Map.prototype:
        return {
          [TAG]: "Map",
          value: Array.from(value as Map<unknown, unknown>, ([k, v], i) => [
            this.visit(k, `${path}.keys()[${i}]`),
            this.visit(v, `${path}.get(${typeof k === "string" ? JSON.stringify(k) : `#${i}`})`),
          ]),
        };
      case Set.prototype:
        return {
          [TAG]: "Set",
          value: Array.from(
            value as Set<unknown>,
            (v, i) => this.visit(v, `${path}.values()[${i}]`),
          ),
        };
    }
    throw this.#refuse(path, describe(value));
  }

  #record(value: Record<string, unknown>, path: string): unknown {
    const symbol = Object.getOwnPropertySymbols(value)[0];
    if (symbol !== undefined) {
      throw this.#refuse(`${path}[${String(symbol)}]`, "a field named by a symbol");
    }
    const fields: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const at = IDENTIFIER.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
      let part: unknown;
      try {
        part = value[key];
      } catch (error) {
        throw this.#refuse(at, "a getter that throws", error);
      }
      defineField(fields, key, this.visit(part, at));
    }
    return Object.hasOwn(fields, TAG) ? { [TAG]: "Object", value: fields } : fields;
  }

  #refuse(path: string, found: string, cause?: unknown): NotSerializableError {
    return this.#refusal = new NotSerializableError(path, found, cause);
  }
}

/** The fewest bytes that a value takes by itself, without its parts. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length + 2;
  return value === undefined ? 26 : 2; // its tag, or the shortest value, with a comma
}

function describeFunction(value: { readonly name: unknown }): string {
  try {
    return typeof value.name === "string" && value.name ? `function ${value.name}` : "a function";
  } catch {
    return "a function";
  }
}

function describe(value: object): string {
  const named: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  const name = typeof named === "string" && named !== "" ? named : "a class";
  return name === "Promise" ? "a Promise (is an await missing?)" : `an instance of ${name}`;
}
