/** How many times more than usual tests with random inputs run: 1, unless `HONNIN_SOAK_FACTOR` says more (the lane of hours).
 *  @throws {RangeError} for what is no whole number from 1 */
export function soakFactor(): number {
  const factor = Number(process.env['HONNIN_SOAK_FACTOR'] ?? 1);
  if (!Number.isInteger(factor) || factor < 1) throw new RangeError('HONNIN_SOAK_FACTOR must be a whole number from 1');
  return factor;
}
