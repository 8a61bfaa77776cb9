/**
 * Bundles as files: exporting runs, and looking into what a file holds, as plain JSON.
 *
 * @module
 */

import { authored } from "../base/authored.ts";
import { sha256Hex } from "../base/encoding.ts";
import { messageOf } from "../base/text.ts";
import { decodeError } from "../base/values_failure.ts";
import { type Bundle, type BundledRunChoice, codeOf, contentOf } from "../bundle/bundle.ts";
import type { BundledRun, BundledVersion } from "../bundle/content.ts";
import { openBundle } from "../bundle/read.ts";
import type { ExportOptions } from "../client/bundle/export.ts";
import {
  type BundleReplay,
  type BundleStep,
  type BundleVerdict,
  replayBundle,
  type ReplayBundleOptions,
} from "../client/bundle/replay.ts";
import { bundleTimeline } from "../client/bundle/timeline.ts";
import type { RunTrace, TraceEntry } from "../client/run/trace_shapes.ts";
import type { Continuum } from "../continuum.ts";
import type { RunState } from "../ports/rows.ts";
import { readOrigin } from "../replay/origins.ts";
import { given } from "./client.ts";
import { findModules } from "./modules.ts";
import { actionPath } from "./readings/api.ts";
import { fileFromServer, type ServerOptions } from "./readings/server.ts";
import { type Json, type Plain, plain } from "./plain.ts";
import { standInWorkingFolder } from "../version/project/application.ts";

/** What was written. */
export interface ExportedBundle {
  /** The path of the file. */
  readonly file: string;
  /** How many bytes it has. */
  readonly bytes: number;
  /** The ids of its runs. */
  readonly runs: readonly string[];
  /** How many versions it holds the code of. */
  readonly versions: number;
  /** Versions whose code was unavailable, and why. */
  readonly withoutCode: readonly { readonly hash: string; readonly trouble: string }[];
  /** Whether it holds payloads (`null`) or the timeline alone. */
  readonly redacted: "timeline" | null;
}

/** A bundle, as `bundle show` shows it. */
export interface BundleSummary {
  /** The release that wrote it. */
  readonly engine: string;
  /** When it was written. */
  readonly exportedAt: string;
  /** `timeline`: it holds no payloads. */
  readonly redacted: "timeline" | null;
  /** How many bytes the file has. */
  readonly bytes: number;
  /** The SHA-256 of the file. */
  readonly sha256: string;
  /** Its runs. */
  readonly runs: readonly BundledRunLine[];
  /** The versions that they are pinned to. */
  readonly versions: readonly BundledVersionLine[];
}

/** A run of a bundle. */
export interface BundledRunLine {
  /** The run's id. */
  readonly id: string;
  /** Its namespace. */
  readonly namespace: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** Its state. */
  readonly state: RunState;
  /** The id of the run that started it. */
  readonly parent: string | null;
  /** If it is a fork: which run it comes from. */
  readonly origin: { readonly id: string; readonly events: number } | null;
  /** When it was created. */
  readonly createdAt: string;
  /** When it ended. */
  readonly endedAt: string | null;
  /** Why it is parked. */
  readonly stuck: string | null;
  /** The error with which it failed or was ended. */
  readonly error: Json;
  /** Its generations. */
  readonly generations: readonly {
    readonly number: number;
    readonly version: string;
    readonly events: number;
  }[];
  /** Messages that its code has not consumed. */
  readonly inbox: readonly { readonly kind: string; readonly name: string }[];
  /** Activities that have not ended. */
  readonly activities: readonly {
    readonly name: string;
    readonly position: number;
    readonly attempt: number;
    readonly state: string;
    readonly lastError: Json;
  }[];
}

/** A version of a bundle. */
export interface BundledVersionLine {
  /** The version's hash. */
  readonly hash: string;
  /** The label of the root module; `null`: the bundle does not hold the code. */
  readonly entry: string | null;
  /** Why the bundle does not hold the code. */
  readonly trouble: string | null;
  /** Its modules. */
  readonly modules: readonly {
    readonly label: string;
    readonly sha256: string;
    readonly bytes: number;
  }[];
  /** Packages that a replay imports from this machine's cache. */
  readonly packages: readonly { readonly specifier: string; readonly integrity: string | null }[];
}

/**
 * Writes a bundle to a file, which must not exist. It is opened first, which verifies it.
 *
 * @param bytes The bundle.
 * @param file The path.
 * @returns What was written.
 * @throws {BundleError} If it is no sound bundle. Nothing is written then.
 * @throws {Deno.errors.AlreadyExists} If there is a file of that name.
 */
export async function writeBundle(
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
): Promise<ExportedBundle> {
  const bundle = await openBundle(bytes);
  await writeNew(file, bytes);
  const { versions } = contentOf(bundle);
  return {
    file,
    bytes: bytes.length,
    runs: bundle.runs.map(({ runId }) => runId),
    versions: versions.filter(({ manifest }) => manifest !== null).length,
    withoutCode: versions.flatMap(({ hash, trouble }) =>
      trouble === null ? [] : [{ hash, trouble }]
    ),
    redacted: bundle.redacted,
  };
}

/** What a bundle holds. */
export type BundleRequest = Pick<ExportOptions, "children" | "redact"> & {
  /** How long a replay of a run may take, in milliseconds. */
  readonly timeout: number;
};

/**
 * Exports runs as the bytes of a bundle.
 *
 * @param client The client.
 * @param ids The runs.
 * @param options What the bundle holds.
 * @throws {RunNotFoundError} If there is no such run.
 */
export async function exportBytes(
  client: Continuum,
  ids: readonly string[],
  options: ExportOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return await client.runs.export(ids, options);
}

/**
 * Exports runs as the bytes of a bundle, from an observer.
 *
 * @param ids The runs.
 * @param request What the bundle holds.
 * @param options Which observer.
 * @throws {ServerError} If it can't be asked, or answers an error.
 */
export async function exportFromServer(
  [first, ...others]: readonly string[],
  { children, redact, timeout }: BundleRequest,
  options: ServerOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const query = [
    ...others.map((id) => ["with", id] as const),
    ...(children === true ? [["children", "1"] as const] : []),
    ...(redact === undefined ? [] : [["redact", redact] as const]),
    ["timeout", String(timeout)] as const,
  ];
  return await fileFromServer(actionPath("runs", first!, "export"), query, options);
}

/** Writes a file that does not exist yet: all of it, or nothing. */
async function writeNew(file: string, bytes: Uint8Array): Promise<void> {
  await Deno.writeFile(file, new Uint8Array(), { createNew: true });
  try {
    await Deno.writeFile(file, bytes);
  } catch (error) {
    await Deno.remove(file).catch(() => {});
    throw error;
  }
}

/**
 * Opens the file of a bundle.
 *
 * @param file The path.
 * @param maxBytes The most bytes of its content; 256 MiB when omitted.
 * @returns The bundle, and the bytes of the file.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {BundleError} If it is no sound bundle: the code says why.
 */
export async function openBundleFile(
  file: string,
  maxBytes?: number,
): Promise<{ readonly bundle: Bundle; readonly bytes: Uint8Array }> {
  const bytes = await Deno.readFile(file);
  return { bundle: await openBundle(bytes, given({ maxBytes })), bytes };
}

/**
 * Describes a bundle.
 *
 * @param opened The bundle, and the bytes of its file.
 */
export function describeBundle(
  { bundle, bytes }: { readonly bundle: Bundle; readonly bytes: Uint8Array },
): BundleSummary {
  const { engine, exportedAt, redacted, runs, versions } = contentOf(bundle);
  return {
    engine,
    exportedAt: new Date(exportedAt).toISOString(),
    redacted,
    bytes: bytes.length,
    sha256: sha256Hex(bytes),
    runs: runs.map((run) => runOfBundle(run, redacted !== null)),
    versions: versions.map((version) => versionOfBundle(version, bundle)),
  };
}

/**
 * The timeline of a redacted bundle.
 *
 * @param bundle The bundle.
 * @param choice Which run, and which generation.
 * @returns The trace; `null`: the generation could not be traced at the export.
 */
export function timelineOfBundle(bundle: Bundle, choice: BundledRunChoice): Plain<RunTrace> | null {
  return plain(bundleTimeline(bundle, choice));
}

/** A replay of one generation of a run, as plain JSON. */
export interface OpenReplay extends AsyncDisposable {
  /** The run, the version, and how many events there are. */
  readonly facts:
    & Pick<BundleReplay, "runId" | "workflow" | "generation" | "version" | "events">
    & { readonly input: Json };
  /** The run after a number of events. */
  step(at: number, around?: number): Promise<Plain<BundleStep>>;
  /** Its effects, of which large inputs and answers are left out; the first 1,000 by default. */
  trace(at?: number, limit?: number): Promise<Plain<RunTrace>>;
  /** The last effect of a name, with its whole input and answer; `null`: there is none. */
  effect(name: string, at: number): Promise<Plain<TraceEntry> | null>;
  /** Whether the whole history replays. */
  verdict(): Promise<Plain<BundleVerdict>>;
}

/**
 * Begins to replay a run of a bundle.
 *
 * @param bundle The bundle.
 * @param options Which run; `on` may be a path.
 */
export async function openReplay(
  bundle: Bundle,
  { on, ...options }: ReplayBundleOptions,
): Promise<OpenReplay> {
  standInWorkingFolder();
  const [specifier] = on === undefined ? [] : await findModules([on]);
  const replay = await replayBundle(bundle, { ...options, ...given({ on: specifier }) });
  const { runId, workflow, generation, version, events, input } = replay;
  return {
    facts: { runId, workflow, generation, version, events, input: plain(input) },
    step: async (at, around) => plain(await replay.step(at, given({ around }))),
    trace: async (at = events, limit = EFFECTS) => plain(await replay.trace({ at, limit })),
    effect: async (name, at) => plain(await lastEffect(replay, name, at)),
    verdict: async () => plain(await replay.verdict()),
    [Symbol.asyncDispose]: () => replay[Symbol.asyncDispose](),
  };
}

/** How many effects a trace shows. */
const EFFECTS = 1_000;

/** How many effects are looked through at a time. */
const PAGE = 10_000;

async function lastEffect(
  replay: BundleReplay,
  name: string,
  at: number,
): Promise<TraceEntry | null> {
  let found: number | undefined;
  let total = 1;
  for (let from = 0; from < total; from += PAGE) {
    const page = await replay.trace({ at, from, limit: PAGE, sites: false, payloadChars: 0 });
    total = page.total;
    found = page.effects.findLast((effect) => effect.name === name)?.position ?? found;
  }
  if (found === undefined) return null;
  const { effects: [effect] } = await replay.trace({
    at,
    from: found,
    limit: 1,
    payloadChars: 2 ** 30,
  });
  return effect ?? null;
}

function runOfBundle(run: BundledRun, isRedacted: boolean): BundledRunLine {
  const { runId: id, namespace, workflow, facts, generations, inbox, tasks } = run;
  const { state, parentId: parent, stuckReason } = facts;
  const error = generations.at(-1)?.error ?? null;
  const origin = readOrigin(generations[0]?.origin);
  return {
    id,
    namespace,
    workflow,
    state,
    parent,
    origin: origin && { id: origin.runId, events: origin.events },
    createdAt: new Date(facts.createdAt).toISOString(),
    endedAt: facts.endedAt === null ? null : new Date(facts.endedAt).toISOString(),
    stuck: stuckReason && authored(`${stuckReason.code}: ${stuckReason.message}`),
    error: error === null || isRedacted ? null : errorOf(error),
    generations: generations.map(({ generation, version, events }) => ({
      number: generation,
      version,
      events: events.length,
    })),
    inbox: inbox.map(({ kind, name }) => ({ kind, name })),
    activities: tasks.map(({ name, position, attempt, state, failures }) => {
      const last = failures.at(-1);
      return {
        ...{ name, position, attempt, state },
        lastError: last === undefined || isRedacted ? null : errorOf(last.error),
      };
    }),
  };
}

/** A bundle may hold a text that is no error: it is shown by the reason. */
function errorOf(text: string): Json {
  try {
    return plain(decodeError(authored(text)));
  } catch (error) {
    return messageOf(error);
  }
}

function versionOfBundle({ hash, manifest, trouble }: BundledVersion, bundle: Bundle) {
  if (manifest === null) return { hash, entry: null, trouble, modules: [], packages: [] };
  const { manifest: { content }, bytes } = codeOf(bundle, hash);
  return {
    hash,
    entry: content.entry,
    trouble,
    modules: content.members.map(({ label, sha256 }) => ({
      label,
      sha256,
      bytes: bytes.get(sha256)!.byteLength,
    })),
    packages: content.externals.filter(({ specifier }) => !specifier.startsWith("node:")),
  };
}
