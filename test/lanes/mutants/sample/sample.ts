/** What in-one-process.test.ts changes: a bound, a bound that nobody asks for, words, a loop, a table. */
export function isGrown(age: number): boolean {
  if (age > 900) throw new RangeError('nobody of that age has a card');
  return age >= 18;
}

export function sumTo(end: number): number {
  let sum = 0;
  for (let i = 1; i <= end; i += 1) sum += i;
  return sum;
}

const DOUBLED = [1, 2].map((value) => value * 2);

export function doubled(index: number): number | undefined {
  return DOUBLED[index];
}

export const isTab = (text: string): boolean => /^[\v\t]+$/u.test(text);
