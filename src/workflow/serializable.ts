/**
 * Which types can be encoded, as far as the compiler can say: {@linkcode encode} has the whole rule.
 *
 * @module
 */

/**
 * What stands in an error of the compiler for a value that can't be encoded.
 *
 * @category Workflows
 */
export interface NotSerializable<Found extends string> {
  /** No value has this property. */
  readonly "Cannot be encoded": Found;
}

/**
 * What can be encoded as it is, beside plain objects, arrays, maps and sets of it.
 *
 * @category Workflows
 */
export type Encodable =
  | string
  | number
  | boolean
  | bigint
  | null
  | undefined
  | void
  | Date
  | Uint8Array
  | Error;

/**
 * Refuses a function whose result can't be encoded, in a call that takes one: `unknown` if it can.
 *
 * @category Workflows
 */
export type Returning<Output> = [Output] extends [Serializable<Output>] ? unknown
  : NotSerializable<"a function or a method in what it returns">;

/**
 * A type without what can't be encoded: functions, symbols, and so every instance of a class that
 * has methods. Such a part becomes {@linkcode NotSerializable}, which no value has, so a call with
 * it does not compile. Pass plain data instead, such as what the instance's `toJSON` returns.
 *
 * @category Workflows
 */
export type Serializable<Type> = 0 extends 1 & Type ? Type
  : unknown extends Type ? Type
  : Type extends Encodable ? Type
  : Type extends (...args: never[]) => unknown ? NotSerializable<"a function or a method">
  : Type extends symbol ? NotSerializable<"a symbol">
  : Type extends Map<infer Key, infer Value> ? Map<Serializable<Key>, Serializable<Value>>
  : Type extends ReadonlyMap<infer Key, infer Value>
    ? ReadonlyMap<Serializable<Key>, Serializable<Value>>
  : Type extends Set<infer Value> ? Set<Serializable<Value>>
  : Type extends ReadonlySet<infer Value> ? ReadonlySet<Serializable<Value>>
  : Type extends object ? { [Key in keyof Type]: Serializable<Type[Key]> }
  : Type;
