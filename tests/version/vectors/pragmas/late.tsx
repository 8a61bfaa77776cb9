export {};
/* @jsxImportSource ./other */
export const a = <></>;
