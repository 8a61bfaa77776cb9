/**
 * Child runs of a run.
 *
 * @module
 */

import { checkChoice, checkOptions, checkText, readName, refuse } from "../base/arguments.ts";
import { readAttributes } from "../base/attributes.ts";
import { digestText } from "../base/digest.ts";
import { durationMs } from "../base/duration.ts";
import { effectId, parentOf } from "../base/run_ids.ts";
import { encode } from "../base/values.ts";
import { calledRun, type CallRequest, type ChildRequest } from "../replay/commands.ts";
import type { Effects } from "../replay/effects.ts";
import type { OtherRun } from "./message_types.ts";
import type { ChildHandle, ChildOptions, WorkflowDefinition } from "./context_types.ts";
import type { EffectOptions } from "./effect_options.ts";
import {
  headersOf,
  policyOf,
  policyText,
  readRunPolicy,
  type RunPolicy,
  TERMS_KEYS,
} from "./run_policy.ts";
import { readGivenId } from "./run_id.ts";
import { isWorkflow } from "./workflow.ts";

/** A workflow to start as a child. */
// deno-lint-ignore no-explicit-any -- inputs differ from workflow to workflow
export type AnyWorkflow = WorkflowDefinition<any, any> | string;

const CHILD_KEYS = ["id", "parentClose", "attributes", "delay", "signal", ...TERMS_KEYS];

/** Starts the children of one run, and returns their results. */
export class Children {
  readonly #effects: Effects;

  /**
   * Creates the accessor.
   *
   * @param effects The machine of the run.
   */
  constructor(effects: Effects) {
    this.#effects = effects;
  }

  /** Starts a child and waits for its end: one command, one event. */
  run(workflow: AnyWorkflow, input: unknown, options: ChildOptions): Promise<unknown> {
    this.#effects.enter("child");
    const child = this.#request(workflow, options, "ctx.child");
    const encoded = encode(input, "input");
    return this.#effects.ask({
      kind: "child",
      name: nameOf(workflow),
      digest: digestText(`${child.id} ${encoded}`),
      input: encoded,
      deadline: null,
      options: { child },
      signal: options.signal,
      fallback: null,
    });
  }

  /** Starts a child, and returns its handle once it is durable. */
  start(
    workflow: AnyWorkflow,
    input: unknown,
    options: ChildOptions,
  ): Promise<ChildHandle<unknown>> {
    this.#effects.enter("startChild");
    const child = this.#request(workflow, options, "ctx.startChild");
    return this.#call(
      { kind: "start", child },
      nameOf(workflow),
      encode(input, "input"),
      options.signal,
      this.#handle(child),
    );
  }

  /** The handle of any run, by its id. */
  other(workflowOrId: AnyWorkflow, given: string | undefined): OtherRun {
    this.#effects.enter("handle");
    const isId = given === undefined && typeof workflowOrId === "string";
    if (!isId) this.#check(workflowOrId, "ctx.handle");
    return this.#other(checkText(isId ? workflowOrId : given, "a run id"));
  }

  /** The handle of the parent; `undefined`: the run is no child. */
  get parent(): OtherRun | undefined {
    const { identity: { runId }, start: { policy } } = this.#effects;
    const id = parentOf(runId) ?? policyOf(policy ?? null).parent;
    return id === undefined ? undefined : this.#other(id);
  }

  #other(id: string): OtherRun {
    const enter = (call: string, options: EffectOptions) => {
      this.#effects.enter(`handle.${call}`);
      checkOptions(options, ["signal"], `handle.${call}`);
    };
    return {
      id,
      signal: (name, payload, options = {}) => {
        enter("signal", options);
        readName(name, "a signal");
        const request = { kind: "signal", id, name, tells: true } as const;
        return this.#call(request, name, encode(payload, "payload"), options.signal);
      },
      cancel: (options = {}) => {
        enter("cancel", options);
        return this.#call({ kind: "cancel", id, tells: true }, "cancel", null, options.signal);
      },
      ask: (name: string, payload?: unknown, options: EffectOptions = {}) => {
        enter("ask", options);
        readName(name, "a signal");
        const request = { kind: "ask", id, name } as const;
        return this.#call<never>(request, name, encode(payload, "payload"), options.signal);
      },
      published: (name, options = {}) => {
        enter("published", options);
        readName(name, "a value");
        return this.#call<never>({ kind: "published", id, name }, name, null, options.signal);
      },
      result: (options = {}) => {
        enter("result", options);
        return this.#call<never>({ kind: "result", id }, "", null, options.signal);
      },
    };
  }

  #handle(child: ChildRequest): ChildHandle<unknown> {
    return {
      id: child.id,
      result: (options = {}) => {
        this.#effects.enter("child.result");
        checkOptions(options, ["signal"], "child.result");
        return this.#result(child, options.signal);
      },
      signal: (name, payload, options = {}) => {
        this.#effects.enter("child.signal");
        checkOptions(options, ["signal"], "child.signal");
        const request = { kind: "signal", id: child.id, name: readName(name, "a signal") } as const;
        return this.#call(request, name, encode(payload, "payload"), options.signal);
      },
      cancel: (options = {}) => {
        this.#effects.enter("child.cancel");
        checkOptions(options, ["signal"], "child.cancel");
        return this.#call({ kind: "cancel", id: child.id }, "cancel", null, options.signal);
      },
    };
  }

  #result(child: ChildRequest, signal: AbortSignal | undefined): Promise<unknown> {
    const { id, close } = child;
    return this.#effects.ask({
      kind: "child",
      name: id,
      digest: null,
      input: null,
      deadline: null,
      options: { child: { id, close } },
      signal,
      fallback: null,
    });
  }

  #call<Answer>(
    call: CallRequest,
    name: string,
    input: string | null,
    signal: AbortSignal | undefined,
    answer?: Answer,
  ): Promise<Answer> {
    return this.#effects.ask({
      kind: "call",
      name: name === "" ? call.kind : `${call.kind} ${name}`,
      digest: digestText(`${calledRun(call)} ${input ?? ""}`),
      input,
      deadline: null,
      options: { call },
      signal,
      fallback: null,
      answer,
    }) as Promise<Answer>;
  }

  #idAt(position: number): string {
    return effectId(this.#effects.childIdentity(position), position);
  }

  /** The child's terms: it has the headers of its parent, and those of the options. */
  #terms(id: string, options: ChildOptions, what: string): RunPolicy {
    const { start, identity: { runId } } = this.#effects;
    const terms = readRunPolicy(options, what);
    const headers = { ...headersOf(start.policy), ...terms.headers };
    return {
      ...terms,
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      ...(parentOf(id) === runId ? {} : { parent: runId }),
    };
  }

  #check(workflow: AnyWorkflow, what: string): void {
    if (typeof workflow === "string") readName(workflow, "a workflow");
    else if (!isWorkflow(workflow)) {
      refuse(
        `the workflow of ${what}`,
        workflow,
        "a workflow's name or what defineWorkflow returns",
      );
    }
  }

  #request(workflow: AnyWorkflow, options: ChildOptions, what: string): ChildRequest {
    this.#check(workflow, what);
    checkOptions(options, CHILD_KEYS, what);
    const { parentClose: close = "cancel" } = options;
    const id = options.id === undefined
      ? this.#idAt(this.#effects.position)
      : readGivenId(options.id, "the id of a child");
    checkChoice(close, `option parentClose of ${what}`, ["abandon", "cancel", "terminate"]);
    const { attributes, delay } = options;
    return {
      id,
      workflow,
      close,
      policy: policyText(this.#terms(id, options, what)),
      ...(attributes === undefined ? {} : { attributes: readAttributes(attributes, what).set }),
      ...(delay === undefined ? {} : { delayMs: durationMs(delay, `option delay of ${what}`) }),
    };
  }
}

function nameOf(workflow: AnyWorkflow): string {
  return typeof workflow === "string" ? workflow : workflow.name;
}
