import assert from "node:assert/strict";
import { decode, encode } from "../../src/base/values.ts";
import { decodeError } from "../../src/base/values_failure.ts";
import type { Command } from "../../src/replay/commands.ts";
import { answering } from "../../src/replay/scope.ts";
import type { LogLine, Turn } from "../../src/replay/turn.ts";
import type { WorkflowContext } from "../../src/workflow/context_types.ts";
import { defineActivity } from "../../src/workflow/activity.ts";
import { DRAINS, executionFor, Journal, recorded, STARTED_AT } from "../support/executions.ts";
import { runTimeout } from "../../src/base/errors.ts";

function only(turn: Turn): Command {
  assert.equal(turn.issued.length, 1);
  return turn.issued[0] as Command;
}

function result(turn: Turn): unknown {
  assert.equal(turn.drift, null, turn.drift?.message);
  assert.equal(turn.outcome?.kind, "completed");
  return decode((turn.outcome as { result: string }).result);
}

function failure(turn: Turn): Error & { code?: string } {
  assert.equal(turn.outcome?.kind, "failed");
  return decodeError((turn.outcome as { error: string }).error) as Error;
}

for (const [name, drain] of DRAINS) {
  Deno.test(`completions are seen in journal order, one at a time (${name})`, async () => {
    const execution = executionFor(async (ctx) => {
      const seen: string[] = [];
      const follow = async (step: string): Promise<void> => {
        await ctx.run(step, () => {});
        for (let i = 0; i < 20; i++) await null;
        seen.push(step);
      };
      await Promise.all([follow("a"), follow("b"), follow("c")]);
      return seen;
    }, { drain });
    const [a, b, c] = (await execution.turn([])).issued as [Command, Command, Command];
    const journal = new Journal();
    journal.succeed(c);
    journal.succeed(a);
    journal.succeed(b);
    assert.deepEqual(result(await execution.turn(journal.events)), ["c", "a", "b"]);
  });
}

Deno.test("a turn reports what is asked for and still wanted, in program order", async () => {
  const charge = defineActivity(
    { name: "charge", timeout: "30s" },
    (order: { id: string }) => order.id,
  );
  const execution = executionFor(async (ctx) => {
    await Promise.all([
      ctx.activity(charge, { id: "o" }, { retry: { maxAttempts: 2 } }),
      ctx.run("step", () => 1, { timeout: "1m" }),
      ctx.sleep("1h"),
      ctx.sleep(new Date(STARTED_AT + 5)),
      ctx.waitForSignal("go", { timeout: "1m" }),
    ]);
  });
  const { issued } = await execution.turn([]);
  assert.deepEqual(
    issued.map(({ position, kind, name, input, deadline }) => [
      position,
      kind,
      name,
      input,
      deadline,
    ]),
    [
      [0, "activity", "charge", '{"id":"o"}', null],
      [1, "step", "step", null, null],
      [2, "sleep", "", null, STARTED_AT + 3_600_000],
      [3, "sleep", "", null, STARTED_AT + 5],
      [4, "signal", "go", null, STARTED_AT + 60_000],
    ],
  );
  const [first, second] = issued as [Command, Command];
  assert.equal(first.options.activity, charge);
  assert.equal(first.options.timeout, 30_000);
  assert.equal(first.options.retry?.maxAttempts, 2);
  assert.equal(second.options.timeout, 60_000);
  assert.equal(second.options.callback?.({} as never), 1);
  assert.deepEqual((await execution.turn([])).issued, [], "Told once");
});

Deno.test("time stands still between deliveries, and sleeps count from the last", async () => {
  const execution = executionFor(async (ctx) => {
    const before = ctx.now();
    await ctx.run("a", () => {});
    const sleeping = ctx.sleep("10s");
    const after = ctx.now();
    await sleeping;
    return [before, after, ctx.today()];
  });
  const journal = new Journal();
  const sleep = only(
    await execution.turn([journal.succeed(only(await execution.turn([])))]),
  );
  assert.equal(sleep.deadline, STARTED_AT + 1_000 + 10_000);
  assert.deepEqual(result(await execution.turn([journal.succeed(sleep)])), [
    new Date(STARTED_AT),
    new Date(STARTED_AT + 1_000),
    "2026-01-31",
  ]);
});

Deno.test("randomness comes from the seed, and differs between seeds", async () => {
  const body = (ctx: WorkflowContext): unknown => [ctx.random(), ctx.uuid(), ctx.random()];
  const first = result(await executionFor(body).turn([]));
  assert.deepEqual(result(await executionFor(body).turn([])), first);
  const other = executionFor(body, { start: { seed: "another" } });
  assert.notDeepEqual(result(await other.turn([])), first);
});

Deno.test("what code receives live has been through the journal", async () => {
  const original = { list: [1] };
  const execution = executionFor(async (ctx, input: typeof original) => {
    const got = await ctx.run("a", () => original);
    got.list.push(2);
    input.list.push(3);
    return got;
  }, { input: original });
  const journal = new Journal();
  const turn = await execution.turn([journal.succeed(only(await execution.turn([])), original)]);
  assert.deepEqual(result(turn), { list: [1, 2] });
  assert.deepEqual(original, { list: [1] });
});

Deno.test("a failed step throws what it threw, a failed activity throws ActivityError", async () => {
  const execution = executionFor(async (ctx) => {
    const seen: unknown[] = [];
    await ctx.run("a", () => {}).catch((error) => seen.push(error.name, error.message));
    await ctx.activity("b").catch((error) => seen.push(error.code, error.cause.message));
    return seen;
  });
  const journal = new Journal();
  const second = only(
    await execution.turn([journal.fail(only(await execution.turn([])), new TypeError("No"))]),
  );
  assert.deepEqual(
    result(await execution.turn([journal.fail(second, new Error("Gone"))])),
    ["TypeError", "No", "ACTIVITY_FAILED", "Gone"],
  );
});

Deno.test("what the function throws is the run's error", async () => {
  const turn = await executionFor(() => {
    throw new RangeError("Too much");
  }).turn([]);
  assert.equal(failure(turn).name, "RangeError");
  assert.equal(failure(turn).message, "Too much");
});

Deno.test("a result that cannot be serialised fails the run readably", async () => {
  const turn = await executionFor(() => ({ items: [{ cb: () => 1 }] })).turn([]);
  assert.equal(failure(turn).code, "NOT_SERIALIZABLE");
  assert.match(
    failure(turn).message,
    /^Cannot serialise result\.items\[0\]\.cb: found function cb/,
  );
});

Deno.test("an input that cannot be serialised is refused at the call", async () => {
  const turn = await executionFor(async (ctx) => await ctx.activity("a", { at: [() => 1] }))
    .turn([]);
  assert.match(failure(turn).message, /^Cannot serialise input\.at\[0\]/);
  assert.deepEqual(turn.issued, []);
});

Deno.test("a wait ends with its signal, its timeout's answer, or TimeoutError", async () => {
  const body = async (ctx: WorkflowContext): Promise<unknown> => {
    const a = await ctx.waitForSignal("s");
    const b = await ctx.waitForSignal("s", { timeout: "1m", otherwise: null });
    try {
      return await ctx.waitForSignal("s", { timeout: "1m" });
    } catch (error) {
      return [a, b, (error as { code: string }).code];
    }
  };
  const execution = executionFor(body);
  const journal = new Journal();
  const second = only(
    await execution.turn([journal.succeed(only(await execution.turn([])), "yes")]),
  );
  const third = only(await execution.turn([journal.fail(second)]));
  assert.deepEqual(result(await execution.turn([journal.fail(third)])), ["yes", null, "TIMEOUT"]);
});

Deno.test("a signal that reaches a withdrawn wait goes to the next wait for its name", async () => {
  const body = async (ctx: WorkflowContext): Promise<unknown> => {
    const controller = new AbortController();
    const first = ctx.waitForSignal("s", { signal: controller.signal });
    await ctx.run("a", () => {});
    controller.abort(new Error("Enough"));
    const reason = await first.catch((error) => error.message);
    await ctx.run("b", () => {});
    return [reason, await ctx.waitForSignal("s"), await ctx.run("c", () => {})];
  };
  const execution = executionFor(body);
  const journal = new Journal();
  const [wait, a] = (await execution.turn([])).issued as [Command, Command];
  const aborted = await execution.turn([journal.succeed(a)]);
  assert.deepEqual(aborted.withdrawn, [0]);
  const b = only(aborted);
  const c = only(await execution.turn([journal.succeed(wait, "kept"), journal.succeed(b)]));
  assert.equal(c.position, 4, "The wait that was answered at once took a position");
  assert.equal(execution.unconsumed.length, 0);
  const end = result(await execution.turn([journal.succeed(c, "c")]));
  assert.deepEqual(end, ["Enough", "kept", "c"]);
  assert.deepEqual(result(await executionFor(body).turn(journal.events)), end);
});

Deno.test("a signal that no wait takes is reported at the end", async () => {
  const execution = executionFor(async (ctx) => {
    const controller = new AbortController();
    ctx.waitForSignal("s", { signal: controller.signal }).catch(() => {});
    await ctx.run("a", () => {});
    controller.abort();
    await ctx.run("b", () => {});
  });
  const journal = new Journal();
  const [wait, a] = (await execution.turn([])).issued as [Command, Command];
  const b = only(await execution.turn([journal.succeed(a)]));
  await execution.turn([journal.succeed(wait, "left"), journal.succeed(b)]);
  assert.deepEqual(execution.unconsumed.map((event) => event.payload), ['"left"']);
});

Deno.test("an effect with an aborted signal is not asked for, and takes a position", async () => {
  const execution = executionFor(async (ctx) => {
    const seen = await ctx.run("a", () => {}, { signal: AbortSignal.abort(new Error("Early")) })
      .catch((error) => error.message);
    await ctx.run("b", () => {});
    return seen;
  });
  const b = only(await execution.turn([]));
  assert.deepEqual([b.name, b.position], ["b", 1]);
  assert.equal(result(await execution.turn([new Journal().succeed(b)])), "Early");
});

Deno.test("a late answer for a withdrawn effect is ignored, if it is that effect's", async () => {
  const body = async (ctx: WorkflowContext): Promise<void> => {
    const controller = new AbortController();
    ctx.activity("slow", 1, { signal: controller.signal }).catch(() => {});
    await ctx.run("a", () => {});
    controller.abort();
    await ctx.run("b", () => {});
  };
  const journal = new Journal();
  const execution = executionFor(body);
  const [slow, a] = (await execution.turn([])).issued as [Command, Command];
  const b = only(await execution.turn([journal.succeed(a)]));
  journal.succeed(slow);
  const cut = journal.events.length;
  journal.succeed(b);
  assert.equal(result(await execution.turn(journal.events.slice(cut - 1))), undefined);
  const other = journal.events.map((event) =>
    event.name === "slow" ? { ...event, name: "other" } : event
  );
  assert.equal((await executionFor(body).turn(other)).drift?.seq, 1);
});

Deno.test("a patch is true for new runs, for good, and journaled once", async () => {
  const body = async (ctx: WorkflowContext): Promise<unknown> => {
    const first = ctx.patched("fix");
    await ctx.run("a", () => {});
    return [first, ctx.patched("fix"), ctx.patched("later")];
  };
  const execution = executionFor(body);
  const started = await execution.turn([]);
  assert.deepEqual(started.patches, ["fix"]);
  const journal = new Journal();
  journal.patch("fix");
  const end = await execution.turn([journal.succeed(only(started))]);
  assert.deepEqual(end.patches, ["later"]);
  assert.deepEqual(result(end), [true, true, true]);
  const again = await executionFor(body).turn(journal.events);
  assert.deepEqual(again.patches, ["later"]);
  assert.deepEqual(result(again), [true, true, true]);
});

Deno.test("a patch is false for a history that went past it, and consumes nothing", async () => {
  const journal = new Journal();
  journal.succeed(recorded("step", 0, "old"));
  const execution = executionFor(async (ctx) => {
    if (ctx.patched("fix")) await ctx.run("new", () => {});
    else await ctx.run("old", () => {});
    return [ctx.patched("fix"), ctx.patched("second")];
  });
  const turn = await execution.turn(journal.events);
  assert.deepEqual(result(turn), [false, true]);
  assert.deepEqual(turn.patches, ["second"]);
});

Deno.test("a patch at the tail of a history is decided live", async () => {
  const journal = new Journal();
  journal.succeed(recorded("step", 0, "old"));
  journal.add("attempt.failed", recorded("step", 1, "next"));
  const turn = await executionFor(async (ctx) => {
    await ctx.run("old", () => {});
    const answer = ctx.patched("fix");
    await ctx.run("next", () => {});
    return answer;
  }).turn(journal.events);
  assert.equal(turn.drift, null);
  assert.deepEqual(turn.patches, ["fix"]);
});

Deno.test("events of a later turn are new, so a patch among them is true", async () => {
  const execution = executionFor(async (ctx) => {
    const both = Promise.all([
      ctx.run("a", () => {}).then(() => ctx.patched("fix")),
      ctx.run("b", () => {}),
    ]);
    return (await both)[0];
  });
  const [a, b] = (await execution.turn([])).issued as [Command, Command];
  const journal = new Journal();
  assert.equal(result(await execution.turn([journal.succeed(a), journal.succeed(b)])), true);
});

Deno.test("lines are logged at the live tail only", async () => {
  const body = async (ctx: WorkflowContext): Promise<void> => {
    for (const step of ["a", "b", "c"]) {
      ctx.log.info(`Before ${step}`, { step });
      await ctx.run(step, () => {});
    }
    ctx.log.warn("End");
  };
  const journal = new Journal();
  for (const [i, step] of ["a", "b", "c"].entries()) journal.succeed(recorded("step", i, step));
  const logged = async (...turns: [number, number, (number | null)?][]): Promise<string[]> => {
    const lines: LogLine[] = [];
    const execution = executionFor(body, { log: (line) => lines.push(line) });
    for (const [from, to, loggedUpTo] of turns) {
      const options = loggedUpTo === undefined ? {} : { loggedUpTo };
      await execution.turn(journal.events.slice(from, to), options);
    }
    return lines.map((line) => line.message);
  };
  const all = ["Before a", "Before b", "Before c", "End"];
  assert.deepEqual(await logged([0, 0], [0, 1], [1, 3]), all, "Live");
  assert.deepEqual(await logged([0, 3]), ["End"], "Replay");
  assert.deepEqual(await logged([0, 2], [2, 3]), ["Before c", "End"], "Replay, then live");
  assert.deepEqual(await logged([0, 2, 2], [2, 3]), ["End"], "Told already");
  assert.deepEqual(await logged([0, 2, 1], [2, 3]), ["Before c", "End"], "Told but one");
  assert.deepEqual(await logged([0, 1, 0]), ["Before b"], "The first turn was logged");
  assert.deepEqual(await logged([0, 2, null], [2, 3]), all, "Nothing was logged");
});

Deno.test("what is said of lines is where the last one was, and nothing where there is none", async () => {
  const journal = new Journal();
  for (const [i, step] of ["a", "b", "c"].entries()) journal.succeed(recorded("step", i, step));
  const told = async (lineAt: number, before: number | null = null): Promise<(number | null)[]> => {
    const execution = executionFor(async (ctx) => {
      for (const [i, step] of ["a", "b", "c"].entries()) {
        if (i === lineAt) ctx.log.info("Here");
        await ctx.run(step, () => {});
      }
    }, { log: () => {} });
    const found: (number | null)[] = [];
    for (const [from, to] of [[0, 0], [0, 1], [1, 3]] as const) {
      await execution.turn(journal.events.slice(from, to), { loggedUpTo: before });
      found.push(execution.loggedUpTo);
    }
    return found;
  };
  assert.deepEqual(await told(-1), [null, null, null]);
  assert.deepEqual(await told(0), [0, 0, 0]);
  assert.deepEqual(await told(1), [null, 1, 1]);
  assert.deepEqual(await told(2), [null, null, 2]);
  assert.deepEqual(await told(1, 1), [1, 1, 1], "It was logged by an earlier execution");
});

Deno.test("the log sink runs outside of the workflow", async () => {
  let refusal: unknown;
  const execution = executionFor((ctx) => {
    ctx.log.error("Now", { a: 1 });
  }, {
    log: () => {
      try {
        execution.enter("run");
      } catch (error) {
        refusal = error;
      }
    },
  });
  await execution.turn([]);
  assert.equal((refusal as { code: string }).code, "CONTEXT_MISUSED");
});

Deno.test("a foreign wait is idle, a wait for the engine is not", async () => {
  assert.equal((await executionFor(() => new Promise(() => {})).turn([])).idle, true);
  assert.equal((await executionFor((ctx) => ctx.sleep(1)).turn([])).idle, false);
  assert.equal((await executionFor(() => {}).turn([])).idle, false);
});

Deno.test("what code does between turns is refused, and wakes the executor", async () => {
  const foreign = Promise.withResolvers<void>();
  const woken: unknown[] = [];
  const execution = executionFor(async (ctx) => {
    await Promise.race([ctx.sleep("1d"), foreign.promise]);
    await ctx.run("too late", () => {});
  }, { wake: () => woken.push(answering()) });
  await execution.turn([]);
  foreign.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(woken, [undefined], "Outside of the workflow's scope");
  const turn = await execution.turn([]);
  assert.equal(turn.refused?.position, 1);
  assert.deepEqual(turn.issued, []);
});

Deno.test("only the engine ends a run by its timeout: the code may throw that error, as any", async () => {
  const own = (await executionFor(() => {
    throw runTimeout("run-1", 5);
  }).turn([])).outcome;
  assert.equal(own?.kind, "failed");
  const error = decodeError((own as { error: string }).error) as Error & { code?: string };
  assert.equal(error.code, undefined);
  assert.match(error.message, /The code threw: .*timed out/);
  assert.equal((error.cause as { code?: string }).code, "RUN_TIMEOUT");
  const anothers = (await executionFor(() => {
    throw runTimeout("run-2", 5);
  }).turn([])).outcome as { error: string };
  assert.equal((decodeError(anothers.error) as { code?: string }).code, "RUN_TIMEOUT");
});

Deno.test("after its end the code learns nothing more", async () => {
  let learnt = false;
  const execution = executionFor(async (ctx) => {
    void ctx.run("floating", () => {}).then(() => learnt = true);
    await ctx.run("last", () => {});
  });
  const [floating, last] = (await execution.turn([])).issued as [Command, Command];
  const journal = new Journal();
  const turn = await execution.turn([journal.succeed(last), journal.succeed(floating)]);
  assert.equal(result(turn), undefined);
  assert.equal(learnt, false);
});

Deno.test("two turns at a time are refused", async () => {
  const execution = executionFor((ctx) => ctx.sleep(1));
  const first = execution.turn([]);
  await assert.rejects(execution.turn([]), { code: "CONTEXT_MISUSED" });
  assert.equal((await first).issued.length, 1);
});

Deno.test("a context is refused outside of its run's own code, with the reason", async () => {
  let leaked: WorkflowContext | undefined;
  const execution = executionFor(async (ctx) => {
    leaked = ctx;
    await ctx.sleep(1);
  });
  const sleep = only(await execution.turn([]));
  assert.throws(() => leaked?.sleep(1), /outside of the run's code/);
  const thief = executionFor(() => void leaked?.run("x", () => {}));
  assert.match(failure(await thief.turn([])).message, /another run's code is running/);
  await execution.turn([new Journal().succeed(sleep)]);
  assert.throws(() => leaked?.sleep(1), { code: "CONTEXT_MISUSED" });
});

Deno.test("bad arguments are refused at the call, with the value found", async () => {
  const calls: readonly (readonly [(ctx: WorkflowContext) => unknown, RegExp])[] = [
    [(ctx) => ctx.sleep("soon"), /found "soon"/],
    [(ctx) => ctx.sleep(new Date(NaN)), /invalid Date/],
    [(ctx) => ctx.run("", () => {}), /a name for a step: found ""/],
    [(ctx) => ctx.run("x".repeat(201), () => {}), /201 characters/],
    [(ctx) => ctx.run("x", 1 as never), /step "x": found 1, wanted a function/],
    [
      (ctx) => ctx.run("x", () => {}, { retries: 1 } as never),
      /found the key "retries", wanted retry/,
    ],
    [(ctx) => ctx.run("x", () => {}, { retry: { maxAttempts: 0 } }), /retry\.maxAttempts/],
    [(ctx) => ctx.activity({ name: "x" } as never, 1), /wanted a name or what defineActivity/],
    [(ctx) => ctx.activity(undefined as never, 1), /the activity of ctx.activity: found undefined/],
    [(ctx) => ctx.waitForSignal("x", { timeout: -1 }), /timeout of signal "x": found -1/],
    [(ctx) => ctx.patched(""), /a name for a patch/],
  ];
  for (const [call, message] of calls) {
    const error = failure(await executionFor(async (ctx) => void await call(ctx)).turn([]));
    assert.equal(error.code, "INVALID_ARGUMENT");
    assert.match(error.message, message);
  }
});

Deno.test("an input or a payload that cannot be decoded ends the turn, not the process", async () => {
  const execution = executionFor((ctx) => ctx.run("a", () => {}));
  const journal = new Journal();
  journal.add("step.completed", recorded("step", 0, "a"), "{");
  await assert.rejects(execution.turn(journal.events), { code: "CORRUPT_VALUE" });
  const started = executionFor(() => {}, { start: { input: "{" } });
  await assert.rejects(started.turn([]), { code: "CORRUPT_VALUE" });
});

Deno.test("an input of ten megabytes is taken", async () => {
  const input = { text: "x".repeat(10_000_000) };
  const execution = executionFor(
    async (ctx, big: typeof input) => (await ctx.activity<string>("size", big)).length,
    { input },
  );
  const command = only(await execution.turn([]));
  assert.equal(command.input, encode(input));
  const end = await execution.turn([new Journal().succeed(command, input.text)]);
  assert.equal(result(end), 10_000_000);
});

Deno.test("what was refused as too large is refused on replay, and what was accepted is not", async () => {
  const body = async (ctx: WorkflowContext) => {
    const refused: unknown[] = [];
    const attempt = (say: () => unknown) => {
      try {
        say();
      } catch (error) {
        const { code, details } = error as { code: string; details: unknown };
        refused.push([code, details]);
      }
    };
    attempt(() => ctx.setStatus("short"));
    attempt(() => ctx.setStatus("far too long"));
    attempt(() => ctx.continueAsNew("far too long"));
    attempt(() => ctx.attributes.set({ a: "b" }));
    await ctx.run("a", () => {});
    return refused;
  };
  const wanted = [
    ["PAYLOAD_TOO_LARGE", { what: "the status of the run", bytes: 14, limit: 10 }],
    ["PAYLOAD_TOO_LARGE", { what: "the input of ctx.continueAsNew", bytes: 14, limit: 10 }],
    ["PAYLOAD_TOO_LARGE", { what: "attributes of the run", bytes: 35, limit: 10 }],
  ];
  const journal = new Journal();
  const live = executionFor(body, { payloadBytes: 10 });
  const first = await live.turn([]);
  assert.deepEqual(first.notes.map(({ kind }) => kind), [
    "status.set",
    "payload.refused",
    "payload.refused",
    "payload.refused",
  ]);
  for (const note of first.notes) journal.append({ ...note, position: null, name: "" });
  const done = journal.succeed(only(first));
  assert.deepEqual((await live.turn([done])).outcome?.kind, "failed", "nor is the result taken");
  for (const payloadBytes of [undefined, 1_000, 100_000]) {
    const replay = executionFor(body, payloadBytes === undefined ? {} : { payloadBytes });
    assert.deepEqual(result(await replay.turn(journal.events)), wanted);
  }
  const other = executionFor(async (ctx) => {
    ctx.setStatus("short");
    await ctx.run("a", () => {});
  });
  const { drift } = await other.turn(journal.events);
  assert.match(drift?.message ?? "", /the code does not set it any more/);
});

Deno.test("the effects that no code has awaited are known, whatever their result", async () => {
  const execution = executionFor(async (ctx) => {
    ctx.run("dropped", () => {});
    ctx.run("dropped and failed", () => {});
    void ctx.sleep("1h");
    ctx.startChild("child", 1, { id: "c" });
    ctx.run("handled", () => {}).catch(() => {});
    const kept = ctx.run("awaited late", () => {});
    const withdrawn = new AbortController();
    ctx.sleep("2h", { signal: withdrawn.signal });
    withdrawn.abort();
    await Promise.race([ctx.run("winner", () => {}), ctx.run("loser", () => {})]);
    await Promise.allSettled([ctx.run("one of all", () => {})]);
    const inner = async () => await ctx.run("awaited by a function", () => {});
    inner();
    const given = (() => ctx.run("given on", () => {}))();
    return [await given, await kept];
  });
  const journal = new Journal();
  let turn = await execution.turn([]);
  const names = () => execution.unawaited.map(({ name, position }) => `${position} ${name}`);
  assert.equal(execution.unawaited.some(({ name }) => name === "awaited late"), true, "so far");
  while (turn.outcome === null) {
    const events = turn.issued.flatMap((command) =>
      command.kind !== "step" || command.name === "loser"
        ? []
        : command.name === "dropped and failed"
        ? [journal.fail(command)]
        : [journal.succeed(command)]
    );
    turn = await execution.turn(events);
  }
  assert.equal(turn.outcome.kind, "completed");
  assert.deepEqual(names(), ["0 dropped", "1 dropped and failed", "2 ", "3 start child"]);
});

for (const [name, drain] of DRAINS) {
  Deno.test(`a failed activity says where it was called, alike on every replay (${name})`, async () => {
    const errors: Error[] = [];
    const read: unknown[] = [];
    const body = async (ctx: WorkflowContext) => {
      await ctx.run("first", () => {});
      const pay = () => ctx.activity("charge", 1);
      const later = ["o"].map(pay)[0]!;
      await ctx.run("second", () => {});
      await later.catch((error: Error) => {
        errors.push(error);
        read.push(error.stack);
      });
    };
    const journal = new Journal();
    const live = executionFor(body, { drain });
    const first = await live.turn([]);
    const second = await live.turn([journal.succeed(only(first))]);
    const [charge, step] = second.issued as [Command, Command];
    await live.turn([journal.fail(charge, new RangeError("declined")), journal.succeed(step)]);
    await executionFor(body, { drain }).turn(journal.events);
    await executionFor(body, { drain, trace: true }).turn(journal.events);
    const [stack, again, traced] = errors.map((error) => error.stack) as [string, string, string];
    const lines = stack.split("\n");
    assert.equal(lines[0], 'ActivityError: Activity "charge" failed: declined');
    assert.match(lines[1] ?? "", /^ {4}at pay \(file:.*machine_test\.ts:\d+:\d+\)$/);
    assert.match(
      lines[2] ?? "",
      /^ {4}at Object\.body \[as run\] \(file:.*machine_test\.ts:\d+:\d+\)$/,
    );
    assert.equal(lines.length, 3);
    assert.equal(again, stack);
    assert.equal(traced, stack);
    assert.deepEqual(new Set(read), new Set([lines[0]]), "The code itself sees no frames");
  });
}
