/**
 * `versions where-used`.
 *
 * @module
 */

import { defineCommand } from "../command.ts";
import { counted, facts } from "../output/words.ts";

/** Says which runs and schedules of the namespace need a version. */
export const command = defineCommand({
  examples: [{ text: "What needs a version", line: "versions where-used 88e01bd" }],
  arguments: [["<hash>", "the version's hash, or at least 4 digits of it"]],
  fields: ["hash", "workflow", "current", "live", "more", "oldest", "schedules"],
  async run({ args: [hash], read, out }) {
    const use = await read("versions.use", { hash: hash! });
    const { live, more, oldest, schedules, current } = use;
    const runs = `${live.toLocaleString("en")}${more ? "+" : ""} live`;
    const ids = oldest.map(({ id, createdAt }) => `${id} (${out.time(createdAt)})`).join(", ");
    out.document(use, () =>
      facts([
        ["version", `${use.hash} of ${use.workflow}`],
        ["current", current ? "yes: starts by name use it" : "no"],
        ["runs", live === 0 ? "none live" : `${runs}, the oldest: ${ids}`],
        ["schedules", schedules.length === 0 ? "none" : counted(schedules.length, "schedule")],
        ["", schedules.length === 0 ? null : schedules.join(", ")],
      ]));
  },
});
