/**
 * `runs reopen`: takes up a failed run again, under its own id.
 *
 * @module
 */

import type { ReopenLine } from "../../operate/reopen.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { errorText } from "../output/words.ts";

interface Options {
  readonly to?: string;
  readonly trust?: readonly string[];
}

/** Takes up a failed run again, on code that replays its history. */
export const command = defineCommand<Options>({
  examples: [
    {
      text: "Whether a failed run would continue on the current version",
      line: "runs reopen o-1 --trust 'workflows/*' --dry-run",
    },
    {
      text: "Let it continue on fixed code",
      line: "runs reopen o-1 --to 3f9a2c1 --trust 'https://cdn.example/*'",
    },
  ],
  arguments: [["<id>", "the run's id"]],
  options: [
    {
      flags: "--to <version>",
      text: "a version's hash, or its first digits, or a registered specifier; the current " +
        "version if omitted",
    },
    {
      flags: "--trust <pattern>",
      text: "modules whose code may run here: the history is replayed on it",
      repeat: true,
    },
  ],
  fields: ["id", "reopened", "from", "to", "drift", "refused", "fails"],
  acts: { needsReason: false },
  async run(context) {
    const { args: [id], options: { to, trust }, globals, out } = context;
    const act = (await context.acts(trust)).reopen(id!, to);
    const plan = await act.plan();
    if (!plan.reopened || globals.dryRun) {
      out.document(plan, () => linesOf(plan));
      return plan.reopened ? EXIT.done : EXIT.found;
    }
    await context.consent({ lines: linesOf(plan), answer: id!, what: "the run's id" });
    const done = await act.carryOut();
    out.document(done, () => done.reopened ? [done.id] : linesOf(done));
    return done.reopened ? EXIT.done : EXIT.refused;
  },
});

function linesOf({ id, from, to, reopened, drift, refused, fails }: ReopenLine): string[] {
  const on = `on version ${to.slice(0, 12)}${
    from === to ? "" : `; it failed on ${from.slice(0, 12)}`
  }`;
  const cause = drift ?? refused;
  return [
    reopened ? `reopen ${id} ${on}` : `${id} stays failed ${on}`,
    ...(cause === null ? [] : [`does not replay: ${cause.message}`]),
    ...(fails === null ? [] : [`would fail again: ${errorText(fails)}`]),
  ];
}
