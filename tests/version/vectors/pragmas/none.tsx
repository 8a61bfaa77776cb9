/* @jsxImportSource ./other */
export const a = 1;
