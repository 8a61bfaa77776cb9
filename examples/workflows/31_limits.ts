import { defineWorkflow } from "@continuum/continuum/workflow";

interface Report {
  readonly tenant: string;
  readonly urgent?: boolean;
}

// Two reports at once, one of each tenant; urgent ones first, and tenants take turns.
export default defineWorkflow({
  name: "report",
  limit: {
    atOnce: 2,
    key: (report: Report) => report.tenant,
    perKey: { atOnce: 1 },
    priority: (report: Report) => report.urgent ? 1 : 0,
  },
}, async (ctx, report: Report) => {
  await ctx.waitForSignal("done");
  return report.tenant;
});
