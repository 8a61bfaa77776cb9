/**
 * Variables of this process's environment.
 *
 * @module
 */

/**
 * Reads a variable, without asking anybody for the permission.
 *
 * @param name Its name.
 * @returns Its value; `undefined` if it is not set, or this process may not read it.
 */
export function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}
