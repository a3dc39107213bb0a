import { Injectable } from '@nestjs/common';
import { isUnused, tombstoneOf, type RegistrantState } from '../../domain/registrant/registrant.js';
import type { LinkRelation } from '../../domain/registrant/registrant.events.js';
import { registrants } from '../decisions/aggregates.js';
import { DecideAndAppend, type CommandContext } from '../decisions/decide-and-append.js';
import { CurrentPolicy } from '../decisions/current-policy.js';
import { derivedId } from '../decisions/ids.js';
import type { CertificateHolder } from '../ports/outside/certificate-verifier.js';
import { Clock } from '../ports/store/clock.js';
import { Secrets } from '../ports/registrant/secrets.js';
import { SubjectKeys } from '../ports/registrant/subject-keys.js';
import { SubjectLinker, type CardLinks } from '../ports/registrant/subject-linker.js';
import { RegistrantGroup } from './registrant-group.js';

/** More certificates than one person has before one of them is known here. */
const CERTIFICATES_MAX = 64;
/** Others may change the same registrants in between. */
const ATTEMPTS_MAX = 16;

/** One certificate of the person, as far as the authority's answers lead. */
interface Found {
  readonly key: string;
  readonly state: RegistrantState;
  /** The registrant that it stands for; null: nothing is known here of this certificate. */
  readonly registrant: string | null;
  /** 0 for the certificates on the card that was presented, 1 for those before, … */
  readonly generation: number;
}

/** Finds the pseudonymous registrant key of a certificate. All certificates of a person are one registrant: the two
 *  on a card, and those of renewed cards (decisions A14 and 0071).
 *  A key is made at random when a certificate is first seen, and only the vault knows which certificate it is of; the
 *  serial number is kept nowhere. An erasure forgets it, so that the same card gets another key (decision 0086).
 *  Keys of before are keyed hashes of issuer and serial number, and stay as long as their registrant. */
@Injectable()
export class SubjectResolver {
  constructor(
    private readonly secrets: Secrets,
    private readonly linker: SubjectLinker,
    private readonly aggregates: DecideAndAppend,
    private readonly group: RegistrantGroup,
    private readonly keys: SubjectKeys,
    private readonly policies: CurrentPolicy,
    private readonly clock: Clock,
  ) {}

  /** Whether a card of the person was the card of somebody who was erased: a tombstone is met. That is all that is
   *  answered. */
  async wasErasedBefore(subjectKey: string): Promise<boolean> {
    const members = await this.group.members(subjectKey);
    return this.keys.wereErasedBefore(
      members.map((member) => member.subjectKey),
      this.clock.nowUtc(),
    );
  }

  /** @param links what the authority says about this certificate
   *  @returns the key, or null when the authentication server cannot say now which other certificates there are. */
  async resolve(
    holder: CertificateHolder,
    links: Exclude<CardLinks, { answer: 'unknown' }>,
    requestId: string,
  ): Promise<string | null> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const found = await this.certificatesOf(holder, links);
      if (found === null) return null;
      const registrant = chosen(found);
      if (await this.joined(found, registrant, requestId, links.answer === 'known' ? links.source : null))
        return registrant;
      // Somebody else resolved another certificate of this person at the same moment: what they stored counts.
    }
    throw new Error(`the registrants of request ${requestId} were changed by others ${ATTEMPTS_MAX} times in a row`);
  }

  /** The certificate that was presented, and all that the authority connects it with until one is known here. */
  private async certificatesOf(
    holder: CertificateHolder,
    links: Exclude<CardLinks, { answer: 'unknown' }>,
  ): Promise<readonly Found[] | null> {
    const found: Found[] = [];
    const waiting: { holder: CertificateHolder; links: CardLinks | null; generation: number }[] = [
      { holder, links, generation: 0 },
    ];
    for (const next of waiting) {
      const { key, state } = await this.keyOf(next.holder);
      if (found.some((each) => each.key === key)) continue;
      if (found.length >= CERTIFICATES_MAX)
        throw new Error(`the authority connects more than ${CERTIFICATES_MAX} certificates`);
      const registrant = isUnused(state) ? null : await this.group.registrantOf(key);
      found.push({ key, state, registrant, generation: next.generation });
      if (registrant !== null && next.links === null) continue;
      const answer = next.links ?? (await this.linker.linksOf({ holder: next.holder, cardKeySha256: null }));
      if (answer.answer === 'unknown') return null;
      if (answer.answer === 'no_service') continue;
      const { previous, otherCertificate } = answer;
      if (otherCertificate !== null && otherCertificate !== 'not_told')
        waiting.push({ holder: otherCertificate, links: null, generation: next.generation });
      if (previous !== null) waiting.push({ holder: previous, links: null, generation: next.generation + 1 });
    }
    return found;
  }

  /** Stores that all of them are one registrant. The registrant says it first: who is erased takes along every key
   *  that was ever named.
   *  @returns false when a registrant changed meanwhile */
  private async joined(
    found: readonly Found[],
    registrant: string,
    requestId: string,
    source: string | null,
  ): Promise<boolean> {
    const generation = Math.max(
      ...found.filter((each) => (each.registrant ?? each.key) === registrant).map((each) => each.generation),
    );
    const links = new Map<string, LinkRelation>();
    for (const each of found) {
      if (each.registrant === null && each.key !== registrant)
        links.set(each.key, each.generation === generation ? 'same_card' : 'renewal');
      if (each.registrant !== null && each.registrant !== registrant) links.set(each.registrant, 'joined');
    }
    for (const [key, relation] of links) {
      const context = (step: string): CommandContext => ({
        commandId: derivedId(step, key, registrant, requestId),
        actor: 'system:subject-resolver',
        correlationId: requestId,
        causationId: requestId,
        policyVersion: null,
      });
      const added = await this.aggregates.execute(
        registrants,
        registrant,
        { type: 'AddCertificate', subjectKey: key, relation },
        context('add-certificate'),
      );
      if (added.outcome === 'refused') return false;
      const linked = await this.aggregates.execute(
        registrants,
        key,
        { type: 'LinkCertificate', registrantKey: registrant, relation, source: source ?? '' },
        context('link'),
      );
      if (linked.outcome === 'refused') return false;
    }
    return true;
  }

  /** The key of a certificate, which is never one of an erasure: that one is forgotten here, where the erasure is
   * stored and not carried out yet. */
  private async keyOf(holder: CertificateHolder): Promise<{ readonly key: string; readonly state: RegistrantState }> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const key = (await this.keys.find(holder)) ?? (await this.keys.give(holder, await this.keyOfBefore(holder)));
      const { state } = await this.aggregates.load(registrants, key);
      if (state.tombstone === null) return { key, state };
      await this.keys.retire(key, state.tombstone.untilUtc);
    }
    throw new Error(`a certificate was erased ${ATTEMPTS_MAX} times while it was looked at`);
  }

  /** The key that versions before this one made of the certificate, if it stands for a registrant.
   *  @returns null where it does not; who was erased under it is remembered first, as an erasure does now */
  private async keyOfBefore(holder: CertificateHolder): Promise<string | null> {
    const key = this.hashOf(holder);
    const { state, stored } = await this.aggregates.load(registrants, key);
    if (isUnused(state) || state.tombstone !== null) return null;
    if (!state.erased) return key;
    const erasure = stored.findLast(({ type }) => type === 'RegistrantErased');
    const { values } = await this.policies.get();
    const until = erasure && tombstoneOf(values.erasedBeforeDays, erasure.metadata.recordedAtUtc).untilUtc;
    if (until && until > this.clock.nowUtc()) await this.keys.remember(holder, until);
    return null;
  }

  private hashOf({ issuerName, serialNumber }: CertificateHolder): string {
    return Buffer.from(
      this.secrets.keyedHash('subject-key', Buffer.concat([issuerName, Buffer.from(`\n${serialNumber}`)])),
    )
      .toString('hex')
      .slice(0, 40);
  }
}

/** Which key stands for the person. Whoever asks, about whichever certificate and at whatever moment, gets the same
 *  answer: of registrants
 *  that are known the one with the smallest key, so that links between them never go in a circle; of none, the
 * oldest certificate. */
function chosen(found: readonly Found[]): string {
  const known = found.flatMap(({ registrant }) => registrant ?? []);
  const oldest = Math.max(...found.map(({ generation }) => generation));
  const candidates =
    known.length > 0 ? known : found.filter(({ generation }) => generation === oldest).map(({ key }) => key);
  return candidates.reduce((a, b) => (b < a ? b : a));
}
