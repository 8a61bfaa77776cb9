export type B = 1;
