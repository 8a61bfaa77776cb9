import { defineWorkflow } from "@continuum/continuum/workflow";
import a from "./a.js";
import b from "./b.jsx";
import c from "./c.tsx";
import d from "./d.mts";
import e from "./e.mjs";
import f from "./f.json" with { type: "json" };
import g from "./f.json" with { type: "text" };
import h from "./h.txt" with { type: "text" };
import i from "./i.bin" with { type: "bytes" };
import { tick } from "./j.wasm";
import k from "./crlf.ts";
import l from "./bom.ts";

export default defineWorkflow({ name: "order" }, async (ctx, order) => {
  return 1;
});
