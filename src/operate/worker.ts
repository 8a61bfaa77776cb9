/**
 * A worker: a node that is opened from a command line, without a main program.
 *
 * @module
 */

import { type Exports, importAbsolute } from "../base/import_absolute.ts";
import { refuse } from "../base/arguments.ts";
import { inWords, quote } from "../base/describe.ts";
import { messageOf } from "../base/text.ts";
import type { Readiness } from "../continuum.ts";
import type { DrainSummary } from "../engine/engine.ts";
import type { NodeQueueOptions, OpenOptions } from "../options.ts";
import { Application, standInWorkingFolder } from "../version/project/application.ts";
import { type ActivityDefinition, isActivity } from "../workflow/activity.ts";
import { Continuum, given, type OperatorOptions } from "./client.ts";
import { codecOption } from "./codec.ts";
import { type HealthAddress, type HealthPort, openHealthPort } from "./health_port.ts";
import { findModules, trustPattern } from "./modules.ts";
import { keysOption, signaturesOption } from "./trusted_keys.ts";

/** What a worker serves. */
export interface WorkerRequest extends OperatorOptions {
  /** Workflow modules: paths, URLs and patterns. */
  readonly modules: readonly string[];
  /** Modules whose exported activities workflows may call by name: paths, URLs and patterns. */
  readonly activities?: readonly string[];
  /** Queues of activities besides `default`. */
  readonly queues?: Readonly<Record<string, NodeQueueOptions>>;
  /** Patterns of modules that may run besides those of the worker's own workflows. */
  readonly trust?: readonly string[];
  /** Files of signatures that it brings along. */
  readonly signatures?: readonly string[];
  /** Where the health port listens; none when omitted. */
  readonly health?: HealthAddress | undefined;
  /** Other options of the node. */
  readonly node?: Pick<
    OpenOptions,
    | "activityConcurrency"
    | "config"
    | "drainTimeout"
    | "lease"
    | "live"
    | "maxResidentRuns"
    | "name"
  >;
}

/** A workflow that a worker serves. */
export interface ServedWorkflow {
  /** Its name. */
  readonly workflow: string;
  /** The hash of the version that its module has now. */
  readonly version: string;
  /** The label that the definition gives itself. */
  readonly label: string | null;
  /** Its module, as the registry records it. */
  readonly specifier: string;
  /** Whether starts by the workflow's name take this version. */
  readonly current: boolean;
}

/** What a worker serves, once it is open. */
export interface WorkerReport {
  /** The workflows of its modules. It also executes every other version of these workflows. */
  readonly workflows: readonly ServedWorkflow[];
  /** The activities that workflows may call by name. */
  readonly activities: readonly string[];
  /** The queues. */
  readonly queues: readonly string[];
  /** Where the health port listens; `null`: there is none. */
  readonly health: string | null;
}

/** An open worker; disposing of it drains and closes it. */
export class Worker implements AsyncDisposable {
  /** What it serves. */
  readonly report: WorkerReport;
  readonly #continuum: Continuum;
  readonly #port: HealthPort | undefined;

  private constructor(continuum: Continuum, port: HealthPort | undefined, report: WorkerReport) {
    this.#continuum = continuum;
    this.#port = port;
    this.report = report;
  }

  /**
   * Opens a worker. Its health port is open before the node is, and says `opening` until then. The
   * working folder stands for the application (see {@linkcode standInWorkingFolder}), and the schema
   * must be at this release's version.
   *
   * @param request What it serves.
   * @returns The open worker.
   * @throws {InvalidArgumentError} If a module is missing, or exports no activity where activities
   * are expected; or if an option is out of range.
   * @throws {DatabaseError} (`SCHEMA_TOO_OLD`, `SCHEMA_TOO_NEW`) If the schema is of another
   * version. Errors of reading workflow modules, and of the database, are passed on.
   */
  static async open(request: WorkerRequest): Promise<Worker> {
    standInWorkingFolder();
    const { database, schema, namespace, trust = [], queues = {}, node = {} } = request;
    const codec = await codecOption(request.codec);
    const signed = {
      ...await keysOption(request.keys),
      ...await signaturesOption(request.signatures ?? []),
    };
    const modules = await findModules(request.modules);
    const activities = await activitiesOf(await findModules(request.activities ?? []));
    await using opened = new AsyncDisposableStack();
    let readiness = (): Readiness | null => null;
    const { health } = request;
    const port = health && opened.use(openHealthPort(health, () => readiness()));
    const continuum = opened.use(
      await Continuum.open({
        ...given({ database, schema, namespace }),
        ...codec,
        ...given(node),
        trust: {
          // A list of trusted modules replaces the trust in the node's own remote ones (TRUST-5).
          ...(trust.length === 0 ? {} : { modules: [...trust.map(trustPattern), ...modules] }),
          ...signed,
        },
        migrate: "check",
        workflows: modules,
        activities,
        queues,
      }),
    );
    readiness = () => continuum.readiness();
    const served = Object.keys({ default: {}, ...queues })
      .filter((name) => queues[name]?.concurrency !== 0);
    const worker = new Worker(continuum, port, {
      workflows: await workflowsOf(continuum, modules, node.config),
      activities: activities.map(({ name }) => name),
      queues: served,
      health: port?.address ?? null,
    });
    opened.move();
    return worker;
  }

  /** The node, for what else the process serves of it. */
  get client(): Continuum {
    return this.#continuum;
  }

  /** Why it can't work now; `null`: it works. */
  get trouble(): string | null {
    return this.#continuum.readiness().reason;
  }

  /**
   * Claims nothing more, waits for attempts under way for as long as `drainTimeout`, releases every
   * run so that other nodes continue, and closes. Until then the health port answers 503 on
   * `/ready`.
   *
   * @returns How many runs were released, and how many attempts were given up.
   */
  async stop(): Promise<DrainSummary> {
    try {
      return await this.#continuum.close();
    } finally {
      await this.#port?.[Symbol.asyncDispose]();
    }
  }

  /** Calls {@linkcode Worker.stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

async function activitiesOf(modules: readonly string[]): Promise<ActivityDefinition[]> {
  const found: ActivityDefinition[] = [];
  for (const specifier of modules) {
    const exported = Object.values(await importOf(specifier)).filter(isActivity);
    const activities = new Set(exported as ActivityDefinition[]);
    if (activities.size === 0) {
      const shown = inWords(`${quote(specifier)}, which exports none`);
      refuse("a module of activities", shown, "exports that defineActivity returned");
    }
    found.push(...activities);
  }
  return found;
}

async function importOf(specifier: string): Promise<Exports> {
  try {
    return await importAbsolute(specifier);
  } catch (error) {
    const shown = inWords(`${quote(specifier)}, whose import failed: ${messageOf(error)}`);
    return refuse("a module of activities", shown, "a module that can be imported");
  }
}

async function workflowsOf(
  continuum: Continuum,
  modules: readonly string[],
  config: string | undefined,
): Promise<ServedWorkflow[]> {
  const application = Application.find(config);
  const own = new Set(modules.map((url) => application.record(application.resolve(url))));
  const loaded = (await continuum.health()).code.filter(({ specifier }) => own.has(specifier));
  const served: ServedWorkflow[] = [];
  for (const { workflow, hash: version, label, specifier } of loaded) {
    const current = (await continuum.versions.list({ workflow, current: true })).versions
      .some(({ hash }) => hash === version);
    served.push({ workflow, version, label, specifier, current });
  }
  return served;
}
