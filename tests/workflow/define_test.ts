import assert from "node:assert/strict";
import { ACTIVITY, WORKFLOW } from "../../src/workflow/marks.ts";
import { isActivity } from "../../src/workflow/activity.ts";
import { isWorkflow } from "../../src/workflow/workflow.ts";
import {
  defineActivity,
  defineWorkflow,
  type RetryOptions,
  type WorkflowContext,
} from "../../src/workflow/mod.ts";

interface Order {
  readonly id: string;
}

const charge = defineActivity(
  {
    name: "charge",
    retry: { maxAttempts: 3, initial: "2s" },
    timeout: "30s",
    idempotencyKey: (order) => `charge:${order.id}`,
  },
  (order: Order, activity) => ({ order: order.id, attempt: activity.attempt }),
);
const ping = defineActivity({ name: "ping" }, () => 1);

Deno.test("definitions are plain, frozen objects that other copies recognise", () => {
  const workflow = defineWorkflow({ name: "order", version: 2 }, () => "done");
  assert.equal(WORKFLOW, Symbol.for("continuum.workflow"));
  assert.equal(ACTIVITY, Symbol.for("continuum.activity"));
  assert.equal(workflow[WORKFLOW], 1);
  assert.deepEqual([workflow.name, workflow.version], ["order", "2"]);
  assert.ok(Object.isFrozen(workflow));
  assert.ok(isWorkflow({ ...workflow }));
  assert.ok(isActivity({ ...charge }));
  assert.ok(!isWorkflow(charge));
  assert.ok(!isWorkflow(null));
  assert.throws(() => isWorkflow({ [WORKFLOW]: 2 }), /of protocol: found 2, wanted 1/);
});

Deno.test("an activity's options are read once, with what is left out completed", () => {
  assert.deepEqual(charge.retry, {
    maxAttempts: 3,
    backoff: "exponential",
    factor: 2,
    initial: 2_000,
    max: 60_000,
    jitter: 0.2,
    nonRetryable: [],
  });
  assert.equal(charge.timeout, 30_000);
  assert.equal(charge.idempotencyKey?.({ id: "o" }), "charge:o");
  assert.deepEqual([ping.retry, ping.timeout, ping.idempotencyKey], [null, null, null]);
});

Deno.test("a first delay that is longer than a minute is not cut", () => {
  const retry = (options: RetryOptions) =>
    defineActivity({ name: "a", retry: options }, () => 1).retry;
  assert.equal(retry({ initial: "1h" })?.max, 3_600_000);
  assert.equal(retry({ initial: "1s" })?.max, 60_000);
  assert.equal(retry({ initial: "1h", max: "2h" })?.max, 7_200_000);
});

Deno.test("bad options are refused at the definition, with the value found", () => {
  const noop = (): void => {};
  const cases: readonly (readonly [() => unknown, RegExp])[] = [
    [() => defineWorkflow({ name: "" }, noop), /a name for a workflow: found ""/],
    [() => defineWorkflow({ name: "x".repeat(201) }, noop), /found a text of 201 characters/],
    [() => defineWorkflow({ name: 1 as never }, noop), /found 1, wanted a text of 1 to 200/],
    [
      () => defineWorkflow({ name: "x", versoin: 1 } as never, noop),
      /found the key "versoin" .*, wanted name/,
    ],
    [() => defineWorkflow("x" as never, noop), /found "x", wanted an object/],
    [() => defineWorkflow({ name: "x" }, undefined as never), /workflow "x": found undefined/],
    [
      () => defineWorkflow({ name: "x", timeout: 0 }, noop),
      /timeout of workflow "x": found 0 ms, wanted 1 ms or more/,
    ],
    [
      () => defineWorkflow({ name: "x", retry: { maxAttempts: 1.5 } }, noop),
      /retry\.maxAttempts of workflow "x": found 1\.5/,
    ],
    [() => defineWorkflow({ name: "x", retry: null as never }, noop), /found null, wanted an obj/],
    [() => defineActivity({ name: "x", timeout: "1x" }, noop), /timeout of activity "x"/],
    [
      () => defineActivity({ name: "x", retry: { jitter: 2 } }, noop),
      /retry\.jitter of activity "x"/,
    ],
    [
      () => defineActivity({ name: "x", retry: { tries: 2 } as never }, noop),
      /found the key "tries"/,
    ],
    [
      () => defineActivity({ name: "x", retry: { backoff: "fast" as never } }, noop),
      /found "fast", wanted "exponential"/,
    ],
  ];
  for (const [define, message] of cases) {
    assert.throws(define, (error: Error & { code?: string }) => {
      assert.equal(error.code, "INVALID_ARGUMENT");
      assert.match(error.message, message);
      return true;
    });
  }
});

/** Held by the compiler: types go from end to end. */
export async function typesAreInferred(ctx: WorkflowContext, order: Order): Promise<void> {
  const charged: { order: string; attempt: number } = await ctx.activity(charge, order);
  const pinged: number = await ctx.activity(ping);
  const late: string = await ctx.activity<string>("late", charged);
  const stepped: number = await ctx.run("step", (step) => step.attempt + pinged);
  const review: "yes" | "no" | null = await ctx.waitForSignal<"yes" | "no", null>("review", {
    timeout: "1h",
    otherwise: null,
  });
  const approved: "approved" | "rejected" = await ctx.waitForSignal<"approved" | "rejected">(
    "fraud_review",
    { timeout: "24h", otherwise: "approved" },
  );
  await ctx.run(`${late}${stepped}${review}${approved}`, () => {});
  // @ts-expect-error -- not an order
  await ctx.activity(charge, 3);
  // @ts-expect-error -- the input is missing
  await ctx.activity(charge);
}
