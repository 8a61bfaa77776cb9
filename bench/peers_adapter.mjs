// Continuum, for the harness that measures other engines: copy this file to its adapters/ as
// continuum.mjs, and as continuum-jobs.mjs to be measured like a job queue: a run of one step is a
// job. CONTINUUM_ROOT names the checkout, and DENO_ARGS carries
// `--config $CONTINUUM_ROOT/bench/peers_deno.json`. See docs/benchmarks.md.
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { AsyncResource } from "node:async_hooks";
import { pathToFileURL } from "node:url";
import { counter } from "./_util.mjs";

const ROOT = process.env.CONTINUUM_ROOT;
if (!ROOT) throw new Error("Cannot find Continuum: CONTINUUM_ROOT is not set, wanted a checkout");
const at = (file) => pathToFileURL(path.join(ROOT, file)).href;

const { Continuum } = await import(at("mod.ts"));
const { default: workflow, HOOKS } = await import(at("bench/peers_workflow.ts"));

export const meta = {
  version: JSON.parse(fs.readFileSync(path.join(ROOT, "deno.json"), "utf8")).version,
  // deno-fmt-ignore -- the harness looks for exactly this text
  runtime: 'deno',
  ...(import.meta.filename.endsWith("-jobs.mjs") ? { jobs: true, signal: false, steps: false } : {}),
};

export async function open({ url, workers, concurrency, pool, hooks }) {
  // The harness reads the clock in its hooks, which are no part of the workflow: outside of it the
  // clock is the machine's.
  globalThis[HOOKS] = Object.fromEntries(
    Object.entries(hooks).map(([name, hook]) => [name, AsyncResource.bind(hook)]),
  );
  const { postgres } = await import(at("src/store/postgres/mod.ts"));
  const common = {
    database: postgres(url, { connections: Math.min(pool, CONNECTIONS) }),
    workflows: [at("bench/peers_workflow.ts")],
    config: path.join(ROOT, "bench/peers_deno.json"),
  };
  const continuum = workers
    ? await Continuum.open({ ...common, maxResidentRuns: Math.max(concurrency, 2) })
    : await Continuum.connect(common);
  const count = counter(url);
  const start = async (input) => await continuum.start(workflow, input);
  return {
    start,
    enqueue: start,
    enqueueBatch: (inputs) => continuum.startMany(workflow, inputs.map((input) => ({ input }))),
    signal: (id) => continuum.run(id).signal("go", { ok: true }),
    countDone: count(`select count(*) n from continuum.runs where state = 'completed'`),
    countParked: count(`select count(*) n from continuum.runs where state = 'suspended'`),
    leftover: count(`select count(*) n from continuum.runs where ended_at is null`),
    close: async () => {
      await continuum.close();
      await count.end();
    },
  };
}

/** As many as the engine takes by itself; the harness offers 20. */
const CONNECTIONS = 4;
