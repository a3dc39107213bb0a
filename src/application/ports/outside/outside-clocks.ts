/** What other machines say what time it is. None of them is believed alone, and none sets anything here: where most of
 *  several say otherwise than our clock, a person has to look. */
export abstract class OutsideClocks {
  /** How far our clock is from what most of them say, in words for an operator; null while it agrees with them, or
   *  while fewer than two say otherwise. */
  abstract difference(): string | null;
  /** Our clock has jumped: they are asked now and not at their time. */
  abstract askNow(): void;
}
