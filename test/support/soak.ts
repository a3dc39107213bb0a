/** How many times more a suite shall do than in CI: 1, or what `./honnin soak` asks for (HONNIN_SOAK_FACTOR).
 *  Multiply both with it: what is counted (cases, kills, stories) and the limit of time of the test, which is an own
 *  argument of `it` and of hooks. A suite that reads it is run by `./honnin soak` without being named anywhere.
 *  @throws {RangeError} for what is no whole number from 1 on */
export function soakFactor(): number {
  return positiveInteger('HONNIN_SOAK_FACTOR') ?? 1;
}

/** A number of rounds that CI asks less of than a soak does for each unit of its factor: what is shown in kind by few
 *  rounds is shown in number by the soak alone. */
export function soakCount({ ci, soak }: { readonly ci: number; readonly soak: number }): number {
  const factor = soakFactor();
  return factor === 1 ? ci : soak * factor;
}

/** The seed of a suite: always the same in CI; another one in every soak, which prints it (HONNIN_SOAK_SEED). */
export function soakSeed(usual: number): number {
  return positiveInteger('HONNIN_SOAK_SEED') ?? usual;
}

function positiveInteger(name: string): number | null {
  const text = process.env[name];
  if (text === undefined) return null;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`${name} must be a whole number from 1 on, not '${text}'`);
}
