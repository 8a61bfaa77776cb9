/**
 * Finds what the code of versions asks for by name and nothing offers: activities that no live node
 * has registered, and workflows without a version that may run.
 *
 * @module
 */

import { quoteId } from "../../base/describe.ts";
import { shortHash } from "../../base/text.ts";
import type { HealthStore } from "../../ports/health.ts";
import type { VersionStore } from "../../ports/store.ts";
import type { NamedCall } from "../../version/imports/named_calls.ts";
import type { FoundVersion } from "../../version/sources.ts";
import type { Versions } from "../../version/versions.ts";
import { sourceOfCode } from "../sources.ts";

/**
 * A call by name, in the code of a version, of what nothing offers.
 *
 * @category Versions
 */
export interface MissingCallee {
  /** `no_activity`: an activity; `no_child`: a workflow. */
  readonly kind: "no_activity" | "no_child";
  /** Its name. */
  readonly name: string;
  /** The queue that the call asks for; `null`: it spells out none. */
  readonly queue: string | null;
  /** The label of the module with the call. */
  readonly member: string;
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1. */
  readonly column: number;
  /** The text of the line. */
  readonly text: string;
  /** What is missing, in one sentence without a period. */
  readonly message: string;
}

/**
 * How many calls of activities and child workflows were not checked.
 *
 * @category Versions
 */
export interface UncheckedCalls {
  /** They pass a definition, or compute the name. */
  readonly computed: number;
  /** They name an activity, and no node is alive. */
  readonly noNode: number;
}

/** The dependencies of a search. */
export interface CalleesContext {
  /** Knows the nodes and the current versions. */
  readonly store: {
    readonly versions: Pick<VersionStore, "currents">;
    readonly health: Pick<HealthStore, "nodes">;
  };
  /** Knows the denials. */
  readonly versions: Pick<Versions, "denials">;
}

/** What was found in the code of a version. */
export interface FoundCallees {
  /** The calls of what nothing offers, in the order of the source. */
  readonly lacks: readonly MissingCallee[];
  /** The calls that were not checked. */
  readonly unchecked: UncheckedCalls;
}

/** The methods that take the name of an activity. */
const ACTIVITIES: ReadonlySet<string> = new Set(["activity", "undo"]);

/** The methods that take the name of a workflow. */
const CHILDREN: ReadonlySet<string> = new Set(["child", "startChild"]);

const METHODS: ReadonlySet<string> = new Set([...ACTIVITIES, ...CHILDREN]);

/** Searches the code of versions; a module that several contain is parsed once. */
export class Callees {
  readonly #context: CalleesContext;
  readonly #nodes: Awaited<ReturnType<HealthStore["nodes"]>>;
  readonly #known = new Map<string, NamedCall[]>();

  private constructor(context: CalleesContext, nodes: Awaited<ReturnType<HealthStore["nodes"]>>) {
    this.#context = context;
    this.#nodes = nodes;
  }

  /**
   * Reads which nodes are alive.
   *
   * @param context The dependencies.
   * @returns What searches versions.
   */
  static async read(context: CalleesContext): Promise<Callees> {
    return new Callees(context, await context.store.health.nodes());
  }

  /**
   * Searches the code of a version.
   *
   * @param version Its manifest and bytes, verified.
   * @returns What was found.
   */
  async of(version: FoundVersion): Promise<FoundCallees> {
    const { namedCalls } = await import("../../version/imports/named_calls.ts"); // loads a parser
    const lacks: MissingCallee[] = [];
    let [computed, noNode] = [0, 0];
    const calls = sourceOfCode(version, version.source).members.flatMap(
      ({ label: member, media, sha256, text }) => {
        // Others may have a method of that name: a context is the first parameter of a function.
        const known = this.#known.get(sha256) ??
          namedCalls(text ?? "", media, METHODS).filter((
            { method, isOnParameter, takesFunction },
          ) => isOnParameter && !(method === "undo" && takesFunction) // that is a step
          );
        this.#known.set(sha256, known);
        return known.map((call) => ({ ...call, member }));
      },
    );
    const currents = await this.#currentsOf(calls);
    for (const { method, name, queue, isOnParameter: _, takesFunction: __, ...place } of calls) {
      if (name === null) {
        computed++;
        continue;
      }
      const isActivity = ACTIVITIES.has(method);
      if (isActivity && this.#nodes.length === 0) {
        noNode++;
        continue;
      }
      const message = isActivity ? this.#noActivity(name, queue) : this.#noChild(name, currents);
      const kind = isActivity ? "no_activity" : "no_child";
      if (message !== null) lacks.push({ kind, name, queue, ...place, message });
    }
    return { lacks, unchecked: { computed, noNode } };
  }

  async #currentsOf(calls: readonly NamedCall[]): Promise<ReadonlyMap<string, string>> {
    const names = calls.flatMap(({ method, name }) =>
      CHILDREN.has(method) && name !== null ? [name] : []
    );
    if (names.length === 0) return new Map();
    return await this.#context.store.versions.currents([...new Set(names)]);
  }

  /** A node that does not report what it serves is taken to serve everything, as in `health()`. */
  #noActivity(name: string, queue: string | null): string | null {
    const isServed = this.#nodes.some(({ serves }) =>
      serves === null ||
      serves.activities.includes(name) &&
        (queue === null ? serves.queues.length > 0 : serves.queues.includes(queue))
    );
    if (isServed) return null;
    const where = queue === null ? "a queue" : `queue ${quoteId(queue)}`;
    return `no live node that serves ${where} has registered activity ${quoteId(name)}`;
  }

  #noChild(name: string, currents: ReadonlyMap<string, string>): string | null {
    const hash = currents.get(name);
    if (hash === undefined) return `no version of workflow ${quoteId(name)} is registered`;
    const denial = this.#context.versions.denials.of(hash);
    if (denial === undefined) return null;
    const version = `the current version of workflow ${quoteId(name)}, ${shortHash(hash)},`;
    return `${version} is denied: ${denial.reason}`;
  }
}
