/**
 * `start`: starts a run, and may wait for its end.
 *
 * @module
 */

import { findModules, isModule } from "../../operate/modules.ts";
import { registerModule } from "../../operate/register_module.ts";
import { IF_EXISTS, type IfExists } from "../../operate/start.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { duration, oneOf, pair, timeAt } from "../readers.ts";
import { awaitAndPrint } from "../awaited.ts";
import { valueOf } from "../values.ts";

interface Options {
  readonly id?: string;
  readonly ifExists?: IfExists;
  readonly key?: string;
  readonly delay?: number;
  readonly at?: Date;
  readonly attr?: readonly (readonly [string, string | number | boolean])[];
  readonly version?: string;
  readonly trust?: readonly string[];
  readonly wait?: true;
}

const NO_MODULES = "an observer reads no module of this machine: pass the workflow's name";

/** Starts a run. */
export const command = defineCommand<Options>({
  examples: [
    {
      text: "Start workflow order, and print what it returns",
      line: `start order '{"id":"o-1","items":3}' --id o-1 --wait`,
    },
    {
      text: "Start a run on the module as it is now, whichever version is current",
      line: "start ./workflows/order.ts @order.json",
    },
  ],
  arguments: [
    ["<workflow>", "the workflow's name, or the path or URL of its module"],
    ["[input]", "JSON, @file, or - for standard input"],
  ],
  options: [
    { flags: "--id <id>", text: "the run's id; a new UUID if omitted" },
    {
      flags: "--if-exists <what>",
      text: "if the id is taken: error, use, useEnded, replaceEnded or terminate",
      read: oneOf(IF_EXISTS),
    },
    { flags: "--key <key>", text: "an idempotency key: the same key and input start one run" },
    { flags: "--delay <duration>", text: "start it later, such as 10m", read: duration },
    {
      flags: "--at <time>",
      text: "start it at this time, such as 2026-12-24T18:00:00Z",
      read: timeAt,
    },
    { flags: "--attr <name=value>", text: "a search attribute", repeat: true, read: pair },
    { flags: "--version <hash>", text: "pin it to this version; the current one if omitted" },
    {
      flags: "--trust <pattern>",
      text: "modules whose code may run here, to check the input by its schema",
      repeat: true,
    },
    { flags: "--wait", text: "wait until it ends; code 6 if it does not complete" },
  ],
  fields: ["id", "workflow", "version", "state", "started", "output", "error"],
  acts: { needsReason: false },
  async run(context) {
    const { args: [named, text], options, database, announce, out } = context;
    const { id, ifExists, key, delay, at, attr, wait, trust = [] } = options;
    const input = await valueOf(text, "the input", context.input);
    const here = isModule(named!) ? database(NO_MODULES) : undefined;
    const [module] = here === undefined ? [] : await findModules([named!]);
    announce([`start a run of ${module ?? named}`]);
    const registered = here === undefined || module === undefined
      ? { workflow: named!, version: options.version }
      : await registerModule(here, module, trust);
    const trusted = module === undefined ? trust : [module, ...trust];
    const run = await (await context.acts(trusted)).start({
      ...registered,
      input,
      id,
      ifExists,
      key,
      delay,
      at,
      attributes: attr && Object.fromEntries(attr),
    });
    const verb = run.started ? "started" : "found";
    const what = `${verb} ${run.id}: ${run.workflow} on version ${run.version.slice(0, 12)}`;
    if (wait === true) {
      out.note(what);
      return await awaitAndPrint(context as CommandContext, run.id, run);
    }
    out.document(run, () => {
      out.note(what);
      return [run.id];
    });
  },
});
