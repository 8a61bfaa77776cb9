/**
 * Child runs of a run.
 *
 * @module
 */

import { checkChoice, checkOptions, readName, refuse } from "../base/arguments.ts";
import { digestText } from "../base/digest.ts";
import { effectId } from "../base/run_ids.ts";
import { encode } from "../base/values.ts";
import type { CallRequest, ChildRequest } from "../replay/commands.ts";
import type { Effects } from "../replay/effects.ts";
import type { ChildHandle, ChildOptions, WorkflowDefinition } from "./context_types.ts";
import { POLICY_KEYS, policyText, readRunPolicy } from "./run_policy.ts";
import { readGivenId } from "./run_id.ts";
import { isWorkflow } from "./workflow.ts";

/** A workflow to start as a child. */
// deno-lint-ignore no-explicit-any -- inputs differ from workflow to workflow
export type AnyWorkflow = WorkflowDefinition<any, any> | string;

const CHILD_KEYS = ["id", "parentClose", "signal", ...POLICY_KEYS];

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
    const id = call.kind === "start" ? call.child.id : call.id;
    return this.#effects.ask({
      kind: "call",
      name: `${call.kind} ${name}`,
      digest: digestText(`${id} ${input ?? ""}`),
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

  #request(workflow: AnyWorkflow, options: ChildOptions, what: string): ChildRequest {
    if (typeof workflow !== "string" && !isWorkflow(workflow)) {
      refuse(
        `the workflow of ${what}`,
        workflow,
        "a workflow's name or what defineWorkflow returns",
      );
    }
    if (typeof workflow === "string") readName(workflow, "a workflow");
    checkOptions(options, CHILD_KEYS, what);
    const { parentClose: close = "cancel" } = options;
    const id = options.id === undefined
      ? this.#idAt(this.#effects.position)
      : readGivenId(options.id, "the id of a child");
    checkChoice(close, `option parentClose of ${what}`, ["abandon", "cancel", "terminate"]);
    return { id, workflow, close, policy: policyText(readRunPolicy(options, what)) };
  }
}

function nameOf(workflow: AnyWorkflow): string {
  return typeof workflow === "string" ? workflow : workflow.name;
}
