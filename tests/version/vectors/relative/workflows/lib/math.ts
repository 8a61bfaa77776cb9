import { charge } from "../../activities.ts";
export const add = (a: number, b: number): number => a + b;
export const again = (): typeof charge => charge;
