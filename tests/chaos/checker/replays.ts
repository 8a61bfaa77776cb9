/**
 * Every generation of every run replays on the code of its release.
 *
 * @module
 */

import type { Bundle } from "../../../src/bundle/bundle.ts";
import { assertReplays } from "../../../src/testing/replay.ts";
import type { AnyWorkflow } from "../../../src/testing/definitions.ts";
import type { Finding, GenerationRow, RunRow } from "../evidence.ts";
import { FILES, releaseOf, sourceOf } from "../releases.ts";
import { grouped } from "./grouped.ts";

/** How many runs one bundle holds. */
const BATCH = 100;

/**
 * Checks the histories of runs, as their export gives them.
 *
 * @param read Reads the histories of some runs.
 * @param runs Which.
 * @param generations Their earlier generations.
 * @returns What does not replay, and how many generations were replayed.
 */
export async function checkReplays(
  read: (ids: readonly string[]) => Promise<Pick<Bundle, "history">>,
  runs: readonly RunRow[],
  generations: readonly (GenerationRow & { readonly specifier: string })[],
): Promise<{ readonly findings: Finding[]; readonly replayed: number }> {
  await using codes = await Codes.make();
  const earlier = grouped(generations, ({ run }) => run);
  const findings: Finding[] = [];
  let replayed = 0;
  for (let from = 0; from < runs.length; from += BATCH) {
    const batch = runs.slice(from, from + BATCH);
    const bundle = await read(batch.map(({ id }) => id));
    for (const run of batch) {
      const all = [
        ...(earlier.get(run.key) ?? []).map(({ generation, specifier }) => ({
          generation,
          specifier,
        })),
        { generation: run.generation, specifier: run.specifier },
      ];
      for (const { generation, specifier } of all) {
        const code = await codes.of(releaseOf(specifier), run.workflow);
        try {
          await assertReplays(code, bundle.history({ runId: run.id, generation }));
          replayed++;
        } catch (error) {
          const message = `Generation ${generation} of run ${run.id}: ${(error as Error).message}`;
          findings.push({ promise: "histories replay", message });
        }
      }
    }
  }
  return { findings, replayed };
}

/** The code of releases, as it was served. */
class Codes implements AsyncDisposable {
  readonly #folder: string;
  readonly #made = new Map<number, Promise<void>>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<Codes> {
    return new Codes(await Deno.makeTempDir({ prefix: "continuum_chaos_" }));
  }

  async of(release: number, workflow: string): Promise<AnyWorkflow> {
    const made = this.#made.get(release) ?? this.#write(release);
    this.#made.set(release, made);
    await made;
    const { default: definition } = await import(
      `file://${this.#folder}/r${release}/${workflow}.ts`
    );
    return definition;
  }

  async #write(release: number): Promise<void> {
    await Deno.mkdir(`${this.#folder}/r${release}`);
    await Promise.all(FILES.map(async (file) => {
      await Deno.writeTextFile(
        `${this.#folder}/r${release}/${file}`,
        await sourceOf(release, file),
      );
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
