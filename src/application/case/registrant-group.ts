import { Injectable } from '@nestjs/common';
import { referenceImage, type RegisteredImage, type RegistrantState } from '../../domain/registrant/registrant.js';
import { registrants } from '../decisions/aggregates.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';

/** One key of a registrant. */
export interface GroupMember {
  readonly subjectKey: string;
  readonly state: RegistrantState;
}

/** A reference image and the key under which it lies. */
export type Reference = GroupMember & { readonly image: RegisteredImage };

/** More keys than any life has certificates. Beyond it something is wrong that a person must look at. */
const MEMBERS_MAX = 256;

/** A person has as many keys as certificates; one of them is the registrant, the others are linked to it (decision
 *  0071). */
@Injectable()
export class RegistrantGroup {
  constructor(private readonly aggregates: DecideAndAppend) {}

  /** The key that stands for the person now. */
  async registrantOf(subjectKey: string): Promise<string> {
    const seen = new Set<string>();
    for (let key = subjectKey; ;) {
      if (seen.has(key) || seen.size > MEMBERS_MAX)
        throw new Error(`the links of registrant ${subjectKey} go in a circle`);
      seen.add(key);
      const { linkedTo } = (await this.aggregates.load(registrants, key)).state;
      if (linkedTo === null) return key;
      key = linkedTo;
    }
  }

  /** Every key of the person that the registrant knows of, the registrant's own first. */
  async members(subjectKey: string): Promise<readonly GroupMember[]> {
    const members: GroupMember[] = [];
    const waiting = [await this.registrantOf(subjectKey), subjectKey];
    for (const key of waiting) {
      if (members.some((member) => member.subjectKey === key)) continue;
      if (members.length >= MEMBERS_MAX) throw new Error(`registrant ${subjectKey} has more than ${MEMBERS_MAX} keys`);
      const { state } = await this.aggregates.load(registrants, key);
      members.push({ subjectKey: key, state });
      waiting.push(...state.certificates);
    }
    return members;
  }

  /** The reference image of each key that has one, the oldest capture first: one, where nothing was joined late.
   *  @req R13 */
  async references(subjectKey: string): Promise<readonly Reference[]> {
    return referencesIn(await this.members(subjectKey));
  }

  /** The key under which an image lies; the registrant's where there is no such image. */
  async homeOf(subjectKey: string, imageId: string): Promise<string> {
    const members = await this.members(subjectKey);
    return (
      members.find(({ state }) => state.images.some((image) => image.imageId === imageId)) ??
      (members[0] as GroupMember)
    ).subjectKey;
  }
}

/** The reference image of each key that has one, the oldest capture first. */
export function referencesIn(members: readonly GroupMember[]): readonly Reference[] {
  const found = members.flatMap((member) => {
    const image = referenceImage(member.state);
    return image ? [{ ...member, image }] : [];
  });
  return found.toSorted((a, b) => Date.parse(a.image.capturedAtUtc) - Date.parse(b.image.capturedAtUtc));
}
