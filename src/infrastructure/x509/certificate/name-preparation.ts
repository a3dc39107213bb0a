/** Prepares text of names for comparison: mapping, normalisation, prohibition of RFC 4518 sections 2.2 to 2.4, then
 * full case folding and insignificant spaces. Two texts that differ only in what no reader can see, or in case, come
 * out the same. */

/** Mapped to nothing (RFC 4518 section 2.2). */
const NOTHING =
  /[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u06dd\u070f\u1806\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffc\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}\u{e0100}-\u{e01ef}]/gu;
/** Mapped to a space: controls that separate, and every separator of Unicode. */
const SPACE = /[\t\n\v\f\r\u0085\p{Z}]+/gu;
/** Prohibited (section 2.4): private use, non-characters, halves of pairs, the replacement character, unassigned code
 * points. */
const PROHIBITED = /[\p{Co}\p{Cs}\p{Cn}\ufffd]/u;

/** @returns the prepared text, or null for one that may not be compared: whether it is a given name cannot be said */
export function preparedText(text: string): string | null {
  const mapped = text.replace(NOTHING, '').replace(SPACE, ' ').normalize('NFKC');
  if (PROHIBITED.test(mapped)) return null;
  // Folding and normalising once more: a folded ligature may come apart.
  return foldCase(mapped).normalize('NFKC').replace(SPACE, ' ').trim();
}

/** Full case folding: ß and its capital are ss, and a final sigma is a sigma. Letter by letter, because lower case
 * looks at neighbours. */
export function foldCase(text: string): string {
  const lower = (letters: string): string => Array.from(letters, (letter) => letter.toLowerCase()).join('');
  return lower(lower(text).toUpperCase());
}
