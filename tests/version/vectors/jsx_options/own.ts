export const jsx = 2;
