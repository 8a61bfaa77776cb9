const f = 1;
export { f as "a string" };
