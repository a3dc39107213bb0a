/** Four groups of Crockford's base 32, which has no I, L, O and U. */
export const RECEIPT = /^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}$/;

/** What a person may type for one: any dashes, spaces and dots, none of them, full-width characters. */
export const TYPED_RECEIPT_MAX = 64;
/** Dashes of every kind, among them the sign for a long vowel that a Japanese keyboard writes, and what stands
 * between. */
const BETWEEN = /[\s\p{Dash}\u30fc\uff70._/]/gu;
const SIGNS = 16;

/** A receipt as it was printed, from what somebody typed off the paper: what stands between the signs does not count,
 * small and full-width letters do, and look-alikes are read as the digits that they must be.
 * @returns null for anything that cannot be one */
export function writtenReceipt(typed: unknown): string | null {
  if (typeof typed !== 'string' || typed.length > TYPED_RECEIPT_MAX) return null;
  const signs = typed.replaceAll(BETWEEN, '').normalize('NFKC').replaceAll(BETWEEN, '').toUpperCase();
  if (signs.length !== SIGNS) return null;
  const written = (signs.replaceAll('O', '0').replaceAll(/[IL]/g, '1').match(/.{4}/g) ?? []).join('-');
  return RECEIPT.test(written) ? written : null;
}
