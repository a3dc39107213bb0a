/** Whether two names of staff are one person's. Sign-in services write the same person in more than one way: names that
 *  differ in case or width alone are one, where two people are needed. (In the signed log names are tokens, which are
 *  compared as they stand.) */
export function isSamePerson(one: string, other: string): boolean {
  return personKey(one) === personKey(other);
}

/** The same text for every way to write one person's name. */
export function personKey(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}
