export const jsx = 1;
