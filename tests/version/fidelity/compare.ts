/**
 * Runs programs twice: as the runtime does, in a process of its own, and from verified bytes, here.
 *
 * @module
 */

import { isContinuumError } from "../../../src/base/errors.ts";
import assert from "node:assert/strict";
import { readGraph } from "../../../src/version/graph/read.ts";
import type { Loader } from "../../../src/version/load/loader.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

/** What the process of its own is made of, beside the programs and a `deno.json`. */
export async function runnerFiles(): Promise<Record<string, string>> {
  return {
    "run.ts": await Deno.readTextFile(new URL("run.ts", import.meta.url)),
    "outcome.ts": await Deno.readTextFile(new URL("outcome.ts", import.meta.url)),
  };
}

/** Runs programs as the runtime does. */
export async function runNatively(folder: string, urls: readonly string[]): Promise<Outcome[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-lock", "--config", new URL("deno.json", folder).pathname],
      new URL("run.ts", folder).pathname,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(urls)));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const text = new TextDecoder().decode(stdout);
  const line = text.trimEnd().split("\n").at(-1)!;
  assert.ok(line.startsWith("["), text + new TextDecoder().decode(stderr));
  return JSON.parse(line);
}

/** Runs a program from the bytes that its hash names. */
export async function runVerified(loader: Loader, url: string): Promise<Outcome> {
  return await outcomeOf(async () => {
    const { manifest, bytes } = await readGraph(url);
    try {
      return (await loader.load({ manifest, bytes })).entry;
    } catch (error) {
      throw isContinuumError(error, "IMPORT_FAILED") ? error.cause : error;
    }
  });
}
