/**
 * Deno processes for tests, as a user starts them.
 *
 * @module
 */

/** What a process said, and how it ended. */
export interface Ended {
  /** Its standard output. */
  readonly output: string;
  /** Its standard error, without colours. */
  readonly errors: string;
  /** Its exit code. */
  readonly code: number;
}

/**
 * Runs `deno` until it ends.
 *
 * @param args Its arguments.
 * @param options Where it runs, and variables that it sees besides this process's own; `DATABASE_URL`
 * is never handed on.
 */
export async function deno(
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): Promise<Ended> {
  const env = Deno.env.toObject();
  delete env["DATABASE_URL"];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    ...options,
    clearEnv: true,
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { output: text(stdout), errors: text(stderr), code };
}
