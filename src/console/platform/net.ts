/** Which version of an IP address a text is, as `isIP` of node:net says it: 4, 6, or 0 for none. */
export function isIP(text: string): 0 | 4 | 6 {
  if (isIPv4(text)) return 4;
  return isIPv6(text) ? 6 : 0;
}

function isIPv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIPv6(text: string): boolean {
  // A zone names an interface of the machine.
  const [, address = '', zone] = /^([^%]*)(%[0-9a-zA-Z-.:]+)?$/.exec(text) ?? [];
  if (address === '' || (text.includes('%') && zone === undefined)) return false;
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const tail = groups.at(-1) ?? '';
  const isMixed = tail.includes('.');
  if (isMixed && (!isIPv4(tail) || address.endsWith('::'))) return false;
  const count = groups.length + (isMixed ? 1 : 0);
  const isGood = groups.slice(0, isMixed ? -1 : undefined).every((group) => /^[0-9a-fA-F]{1,4}$/.test(group));
  return isGood && (halves.length === 2 ? count <= 7 : count === 8);
}
