/** Twelve digits on their own, plain or in groups of four: what a My Number looks like when somebody types or scans
 * one. */
const TWELVE_DIGITS = /(?<![0-9A-Za-z])\d{4}([ \-‐‑–—ー.]?)\d{4}\1\d{4}(?![0-9A-Za-z])/u;

/** True when the text holds something that could be a My Number. Asking for or keeping one is forbidden outside the
 * uses in the My Number Act, even with consent, so a look-alike is refused too: no field of ours needs twelve digits.
 * Full-width digits count.
 * @req R2 */
export function holdsMyNumber(text: string): boolean {
  return TWELVE_DIGITS.test(text.normalize('NFKC'));
}
