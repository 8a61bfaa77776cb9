import { defineWorkflow } from "@continuum/continuum/workflow";
import "../lib/a";
import "https://user:secret@cdn.example/x";
import "/lib/a";
import "data:text/javascript,export%20default%201";

export default defineWorkflow({ name: "order" }, async (ctx, order) => {
  return 1;
});
