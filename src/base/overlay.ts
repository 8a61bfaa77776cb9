/**
 * Objects some of whose members are others.
 *
 * @module
 */

/**
 * Puts other members over those of an object.
 *
 * @param target The object. It is not changed, also if a member is set.
 * @param others The other members.
 * @returns The object with them; the rest is as it is.
 */
export function overlay<T extends object>(target: T, others: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      if (Object.hasOwn(others, key)) return others[key as keyof T];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (_, key, value) => Reflect.set(others, key, value), // for tests that watch a method
  });
}
