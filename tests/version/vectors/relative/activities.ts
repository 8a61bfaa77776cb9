import { add } from "./workflows/lib/math.ts";
export const charge = (n: number): number => add(n, 1);
