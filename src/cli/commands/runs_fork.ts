/**
 * `runs fork`: a new run begins with a part of another run's history.
 *
 * @module
 */

import {
  FORK_CHILDREN,
  FORK_SIGNALS,
  type ForkLine,
  type ForkRequest,
} from "../../operate/fork.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { oneOf, whole } from "../readers.ts";
import { valueOf } from "../values.ts";

interface Options extends Omit<ForkRequest, "input"> {
  readonly input?: string;
  readonly trust?: readonly string[];
}

/** Starts a run that begins with a part of another run's history. */
export const command = defineCommand<Options>({
  examples: [
    {
      text: "What happens again if a failed run is repeated from its failure",
      line: "runs fork o-1 --from-failure --trust 'workflows/*' --dry-run",
    },
    {
      text: "Repeat it on fixed code",
      line: "runs fork o-1 --before charge --version 3f9a2c1 --trust 'https://cdn.example/*'",
    },
  ],
  arguments: [["<id>", "the original's id"]],
  options: [
    { flags: "--at <events>", text: "begin after so many events; 0: anew", read: whole(0) },
    { flags: "--before <name>", text: "begin before the answer of the effect of that name" },
    { flags: "--from-failure", text: "begin before the last failure in the history" },
    { flags: "--version <hash>", text: "the fork's version; that of the run if omitted" },
    { flags: "--id <id>", text: "the fork's id" },
    { flags: "--input <value>", text: "the fork's input: JSON, @file, or -" },
    {
      flags: "--children <what>",
      text: `children that end after the point: ${FORK_CHILDREN.join(", ")}; refuse if omitted`,
      read: oneOf(FORK_CHILDREN),
    },
    {
      flags: "--signals <what>",
      text: "drop later signals, or carry them to the fork; drop if omitted",
      read: oneOf(FORK_SIGNALS),
    },
    {
      flags: "--trust <pattern>",
      text: "modules whose code may run here: the history is replayed on it",
      repeat: true,
    },
  ],
  fields: [
    ...["forked", "id", "origin", "version", "drift", "refused", "again", "signals", "children"],
    ...["originalDeadline", "plan"],
  ],
  acts: { needsReason: false },
  async run(context) {
    const { args: [run], options, globals, out } = context;
    const { trust, input: text, at, before, fromFailure, version, id, children, signals } = options;
    const input = await valueOf(text, "the input", context.input);
    const request = {
      ...{ at, before, fromFailure, version, id, children, signals },
      ...(text === undefined ? {} : { input }),
    };
    const isCarried = signals === "carry";
    const act = (await context.acts(trust)).fork(run!, request);
    const plan = await act.plan();
    if (!plan.forked || globals.dryRun) {
      out.document(plan, () => linesOf(plan, isCarried));
      return plan.forked ? EXIT.done : plan.drift !== null ? EXIT.found : EXIT.refused;
    }
    await context.consent({
      lines: linesOf(plan, isCarried),
      answer: run!,
      what: "the original's id",
    });
    const made = await act.carryOut();
    out.document(made, () => [made.id]);
    return made.forked ? EXIT.done : EXIT.refused;
  },
});

function linesOf(plan: ForkLine, isCarried: boolean): string[] {
  const { id, origin, version, drift, refused, again, signals, children, originalDeadline } = plan;
  const other = version.from === version.to ? "" : `; its own is ${version.from.slice(0, 12)}`;
  return [
    `fork ${id} of ${origin.id} after event ${origin.events} of ${origin.total}, on version ` +
    `${version.to.slice(0, 12)}${other}`,
    ...(drift === null ? [] : [`does not replay: ${drift.message}`]),
    ...(refused === null ? [] : [`does not replay: ${refused.message}`]),
    ...again.map(({ kind, name, answeredAt, key, newKey }) => {
      const keys = key === null ? "" : key === newKey ? `, key ${key} stays` : `, key ${newKey}`;
      const then = answeredAt === null ? "without an answer" : `answered ${answeredAt}`;
      return `happens again: ${kind} ${JSON.stringify(name)} (${then}${keys})`;
    }),
    ...signals.map(({ name, count }) =>
      `signal ${JSON.stringify(name)} (${count}): ${isCarried ? "delivered again" : "dropped"}`
    ),
    ...children.map((child) => `child ${child.id}: ${child.action}`),
    ...(originalDeadline === null ? [] : [`no deadline; the original's is ${originalDeadline}`]),
  ];
}
