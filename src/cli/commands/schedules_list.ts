/**
 * `schedules list`.
 *
 * @module
 */

import {
  SCHEDULE_STATES,
  type ScheduleLine,
  schedulesEverywhere,
} from "../../operate/schedules.ts";
import { defineCommand } from "../command.ts";
import { counted, NAMESPACE } from "../output/words.ts";
import { ALL_NAMESPACES } from "./run_filter.ts";
import { SCHEDULE_FIELDS, timingText } from "./schedule_lines.ts";
import { oneOf } from "../readers.ts";

type State = (typeof SCHEDULE_STATES)[number];

interface Options {
  readonly workflow?: string;
  readonly state?: readonly (readonly State[])[];
  readonly allNamespaces?: true;
}

/** Lists schedules by id. */
export const command = defineCommand<Options>({
  examples: [
    { text: "All schedules", line: "schedules list" },
    { text: "Those that are stuck", line: "schedules list --state stuck" },
  ],
  options: [
    { flags: "--workflow <name>", text: "schedules of this workflow" },
    {
      flags: "--state <states>",
      text: `${SCHEDULE_STATES.join(", ")}, separated by commas`,
      repeat: true,
      read: (text, flag) =>
        text.split(",").map((word) => oneOf(SCHEDULE_STATES)(word.trim(), flag)),
    },
    ALL_NAMESPACES,
  ],
  fields: SCHEDULE_FIELDS,
  async run({ options: { workflow, state, allNamespaces }, client, read, out }) {
    async function* items(): AsyncGenerator<ScheduleLine> {
      if (allNamespaces === true) {
        return yield* schedulesEverywhere(await client(), { workflow, states: state?.flat() });
      }
      let after: string | undefined;
      do {
        const page = await read("schedules.list", { workflow, states: state?.flat(), after });
        yield* page.schedules;
        after = page.after ?? undefined;
      } while (after !== undefined);
    }
    await out.list({
      name: "schedules",
      items: items(),
      columns: [
        ...(allNamespaces === true ? [NAMESPACE] : []),
        { title: "ID", id: true, cell: ({ id }) => id },
        { title: "WORKFLOW", cell: ({ workflow }) => workflow },
        { title: "STATE", cell: ({ state }) => state },
        { title: "WHEN", cell: ({ timing }) => timingText(timing) },
        { title: "NEXT", cell: ({ next }) => out.time(next?.fire ?? null) },
        {
          title: "LAST RUN",
          cell: ({ last }) =>
            last === null ? "-" : `${out.time(last.fired)} ${last.state ?? "removed"}`,
        },
        { title: "REASON", cell: ({ reason }) => reason?.message ?? "-" },
      ],
      footer: (count) => [counted(count, "schedule")],
    });
  },
});
