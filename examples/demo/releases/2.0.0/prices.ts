export function instalment(items: number): number {
  return items * 4;
}
