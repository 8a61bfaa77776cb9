export const tick = () => {};
