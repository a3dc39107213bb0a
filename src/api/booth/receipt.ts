/** Four groups of Crockford's base 32, which has no I, L, O and U. */
export const RECEIPT = /^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}$/;

/** A receipt as it was printed, from what somebody typed off the paper: small letters count, and look-alikes are read as the digits
 *  that they must be. @returns null for anything that cannot be one */
export function writtenReceipt(typed: unknown): string | null {
  if (typeof typed !== 'string' || typed.length > 64) return null;
  const written = typed.trim().toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return RECEIPT.test(written) ? written : null;
}
