import defer * as a from "./a.ts";
import { type B } from "./b.ts";
import type { C } from "./c.ts";
import d = require("./d.ts");
import /* a comment */ "./e.ts";
import { "a string" as f } from "./f.ts";
export * as "g" from "./g.ts";
export type * from "./c.ts";
export type { C } from "./c.ts";
type T = import("./c.ts").C;
declare module "./c.ts" {
  import "./c.ts";
}
export const x: unknown = [a, d, f];
