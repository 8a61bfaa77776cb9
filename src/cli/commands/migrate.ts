/**
 * `migrate`: the only command that changes a schema.
 *
 * @module
 */

import { migrateSchema, schemaState } from "../../operate/migrate.ts";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit_codes.ts";

/** Brings the schema to this release's version. */
export const command = defineCommand<{ readonly check?: boolean }>({
  examples: [
    {
      text: "Compare the schema with this release; code 3 if it is older",
      line: "migrate --check",
    },
    { text: "Apply the missing migrations", line: "migrate" },
  ],
  options: [{
    flags: "--check",
    text: "change nothing; exit with code 3 if migrations are missing",
  }],
  fields: ["schema", "found", "wanted", "pending"],
  acts: { needsReason: false },
  async run({ database, options, out, announce }) {
    const state = await schemaState(database());
    const { schema, found, wanted, pending } = state;
    const steps = found === wanted
      ? `schema ${schema}: ${wanted}, up to date`
      : `schema ${schema}: ${found} → ${wanted} (${pending.join(", ")})`;
    if (options.check === true || found === wanted) {
      out.document(state, () => [steps]);
      return found === wanted ? EXIT.done : EXIT.found;
    }
    announce([steps, "nodes of older releases can't open after this"]);
    await migrateSchema(database());
    out.document(state, () => [steps]);
  },
});
