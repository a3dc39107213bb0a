import { describe, expect, it } from '@jest/globals';
import { registrants } from '../../src/application/decisions/aggregates.js';
import { derivedId } from '../../src/application/decisions/ids.js';
import type { Secrets } from '../../src/application/ports/registrant/secrets.js';
import type { CardLinks } from '../../src/application/ports/registrant/subject-linker.js';
import { RegistrantGroup } from '../../src/application/case/registrant-group.js';
import { SubjectResolver } from '../../src/application/case/subject-resolver.js';
import type { RegistrantCommand } from '../../src/domain/registrant/registrant.js';
import { KnownCards } from '../support/known-cards.js';
import { holder, ISSUER, known, ScriptedLinks } from '../support/scripted-links.js';
import { application } from './fixture.js';

async function resolverWith(answers: Record<string, CardLinks>) {
  const app = await application();
  const links = new ScriptedLinks(answers);
  const group = new RegistrantGroup(app.aggregates);
  const cards = new KnownCards();
  const resolver = new SubjectResolver(app.secrets, links, app.aggregates, group, cards, app.policies, app.clock);
  const resolve = async (serial: string, requestId = `r-${serial}`) => {
    const answer = await links.linksOf({ holder: holder(serial), cardKeySha256: null });
    return answer.answer === 'unknown' ? null : resolver.resolve(holder(serial), answer, requestId);
  };
  const run = (key: string, command: RegistrantCommand) =>
    app.aggregates.execute(registrants, key, command, {
      commandId: derivedId(key, JSON.stringify(command)),
      actor: 'test',
      correlationId: 'c',
      causationId: 'c',
      policyVersion: null,
    });
  /** As a version of before would have made one: a registrant of this certificate alone. */
  const registered = async (serial: string, capturedAtUtc: string) => {
    const saved = links.answers[serial];
    links.answers[serial] = { answer: 'no_service' };
    const key = (await resolve(serial)) as string;
    if (saved) links.answers[serial] = saved;
    else delete links.answers[serial];
    await run(key, { type: 'GiveConsent', textVersion: 'v', requestId: serial });
    await run(key, {
      type: 'RegisterImage',
      imageId: `image-${serial}`,
      requestId: serial,
      capturedAtUtc,
      image: 'aa',
    });
    await run(key, { type: 'ConfirmImage', imageId: `image-${serial}` });
    return key;
  };
  const linkEvents = async () =>
    (await app.store.readAll(null, { limit: 1000, filter: { types: ['CertificateLinked', 'CertificateAdded'] } }))
      .events;
  return { ...app, links, cards, group, resolver, resolve, run, registered, linkEvents };
}

/** The two certificates of one card. */
const ONE_CARD = { '0a': known({ other: '0b' }), '0b': known({ other: '0a' }) };

describe('registrant key of a card (@req A14, decision 0071)', () => {
  it('is stable, different for each card, and without the serial number in it', async () => {
    const { resolve, store } = await resolverWith({});
    const before = await store.head();
    const key = await resolve('0a1b2c');
    expect(await resolve('0a1b2c', 'r2')).toBe(key);
    expect(await resolve('0a1b2d')).not.toBe(key);
    expect(key).toMatch(/^[0-9a-f]{40}$/);
    expect(key).not.toContain('0a1b2c');
    expect(await store.head()).toBe(before);
  });

  it('joins a renewed card to the earlier registrant, over several renewals, as one CertificateLinked each', async () => {
    const { resolve, linkEvents } = await resolverWith({
      '03': known({ previous: '02' }),
      '02': known({ previous: '01' }),
    });
    const first = await resolve('01');
    expect(await resolve('03')).toBe(first);
    const linked = (await linkEvents()).filter((e) => e.type === 'CertificateLinked');
    expect(linked.map((e) => e.data)).toEqual([
      { registrantKey: first, relation: 'renewal', source: 'links' },
      { registrantKey: first, relation: 'renewal', source: 'links' },
    ]);
    expect(new Set(linked.map((e) => e.stream)).size).toBe(2);
  });

  it('knows nothing while the link service cannot answer about an earlier card, and stores nothing', async () => {
    const { resolve, store } = await resolverWith({
      '02': known({ previous: '01' }),
      '01': { answer: 'unknown', cause: 'unreachable' },
    });
    const before = await store.head();
    expect(await resolve('02')).toBeNull();
    expect(await store.head()).toBe(before);
  });

  it.each([[['0a', '0b']], [['0b', '0a']]])(
    'is one for both certificates of a card, whichever comes first: %j',
    async (order) => {
      const { resolve, group } = await resolverWith(ONE_CARD);
      const keys: (string | null)[] = [];
      for (const serial of order) keys.push(await resolve(serial));
      expect(new Set(keys).size).toBe(1);
      expect(await group.members(keys[0] as string)).toHaveLength(2);
    },
  );

  it('is one for both certificates of a card that come at the same moment, wherever the two resolutions stand', async () => {
    for (let round = 0; round < 50; round += 1) {
      const { resolve, links, linkEvents } = await resolverWith(ONE_CARD);
      const real = links.linksOf.bind(links);
      // Answers come late and in changing order, so that the steps of both interleave differently in each round.
      let n = 0;
      links.linksOf = async (question) => {
        const answer = await real(question);
        for (let i = (round * 7 + n++ * 3) % 5; i > 0; i -= 1) await Promise.resolve();
        return answer;
      };
      const keys = await Promise.all(['0a', '0b', '0a', '0b'].map((serial, i) => resolve(serial, `r${i}`)));
      expect(new Set(keys).size).toBe(1);
      expect((await linkEvents()).map(({ type }) => type)).toEqual(['CertificateAdded', 'CertificateLinked']);
    }
  });

  it('is the earlier one for the other certificate of a renewed card', async () => {
    const { resolve, registered } = await resolverWith({
      a1: known({ other: 'b1' }),
      b1: known({ other: 'a1' }),
      a2: known({ other: 'b2', previous: 'a1' }),
      b2: known({ other: 'a2', previous: 'b1' }),
    });
    const first = await registered('a1', '2026-01-01T00:00:00.000Z');
    expect(await resolve('b2')).toBe(first);
    expect(await resolve('a2')).toBe(first);
    expect(await resolve('b1')).toBe(first);
  });

  it('is the earlier one where only the renewed card has a signing certificate', async () => {
    const { resolve, registered } = await resolverWith({
      b2: known({ other: 'a2' }),
      a2: known({ other: 'b2', previous: 'a1' }),
    });
    expect(await resolve('b2')).toBe(await registered('a1', '2026-01-01T00:00:00.000Z'));
  });

  it('joins two registrants of one person that an earlier version made, by events, and both images count', async () => {
    const { resolve, registered, links, group, linkEvents } = await resolverWith({});
    const [a, b] = [
      await registered('0a', '2026-02-01T00:00:00.000Z'),
      await registered('0b', '2026-01-01T00:00:00.000Z'),
    ];
    expect(a).not.toBe(b);
    Object.assign(links.answers, ONE_CARD);
    const key = await resolve('0a', 'r9');
    expect(key).toBe(a < b ? a : b);
    expect(await resolve('0b', 'r10')).toBe(key);
    expect((await linkEvents()).map(({ type, data }) => [type, data['relation']])).toEqual([
      ['CertificateAdded', 'joined'],
      ['CertificateLinked', 'joined'],
    ]);
    expect((await group.references(a)).map(({ image }) => image.imageId)).toEqual(['image-0b', 'image-0a']);
    expect((await group.references(b)).map(({ image }) => image.imageId)).toEqual(['image-0b', 'image-0a']);
  });

  it('never links a key that became a registrant in between, and looks again', async () => {
    const { resolver, links, registered, resolve, group } = await resolverWith(ONE_CARD);
    const real = links.linksOf.bind(links);
    let made: string | null = null;
    links.linksOf = async (question) => {
      // While the other certificate is asked about, somebody else registers it alone.
      const answer = await real(question);
      links.linksOf = real;
      made = await registered('0b', '2026-01-01T00:00:00.000Z');
      return answer;
    };
    const key = await resolver.resolve(holder('0a'), ONE_CARD['0a'], 'r1');
    expect(key).toBe(made);
    expect(await resolve('0b')).toBe(key);
    expect((await group.references(key as string)).map(({ image }) => image.imageId)).toEqual(['image-0b']);
  });

  it('takes no consent and no image under a key that stands for another registrant', async () => {
    const { resolve, run, group } = await resolverWith(ONE_CARD);
    const key = (await resolve('0a')) as string;
    const linked = (await group.members(key))[1]!.subjectKey;
    for (const command of [
      { type: 'GiveConsent', textVersion: 'v', requestId: 'r' },
      { type: 'RegisterImage', imageId: 'i', requestId: 'r', capturedAtUtc: '2026-01-01T00:00:00.000Z', image: 'aa' },
    ] as const) {
      expect(await run(linked, command)).toMatchObject({ outcome: 'refused', refusal: { code: 'registrant_linked' } });
    }
  });

  it('ends with a person who looks when an authority connects certificates without end', async () => {
    const { resolver, links } = await resolverWith({});
    links.linksOf = async ({ holder: { serialNumber } }) =>
      known({ previous: (BigInt(`0x${serialNumber}`) + 1n).toString(16) });
    await expect(resolver.resolve(holder('01'), known({ previous: '02' }), 'r1')).rejects.toThrow(
      'more than 64 certificates',
    );
  });

  it('goes in no circle where the authority does', async () => {
    const { resolve } = await resolverWith({
      '01': known({ previous: '02', other: '03' }),
      '02': known({ previous: '01' }),
      '03': known({ previous: '02', other: '01' }),
    });
    expect(new Set([await resolve('01'), await resolve('02'), await resolve('03')]).size).toBe(1);
  });

  it('stands for itself where nobody can be asked', async () => {
    const { resolve, store } = await resolverWith({ '0a': { answer: 'no_service' }, '0b': { answer: 'no_service' } });
    const before = await store.head();
    expect(await resolve('0a')).not.toBe(await resolve('0b'));
    expect(await store.head()).toBe(before);
  });
});

/** @fault D2 */
describe('registrant key after an erasure (decision 0086)', () => {
  const UNTIL = '2036-01-01T00:00:00.000Z';
  const erase = { type: 'EraseRegistrant', rule: 'request_of_the_person', by: 'x' } as const;
  const tombstone = { days: 3_650, untilUtc: UNTIL };

  it('is another one for the same card, at the very moment of the erasure and long after it', async () => {
    const { resolve, run, resolver } = await resolverWith({});
    const first = (await resolve('01')) as string;
    expect(await resolver.wasErasedBefore(first)).toBe(false);
    // The event is stored; whoever carries it out has not run yet.
    await run(first, { ...erase, tombstone });
    const second = (await resolve('01', 'r2')) as string;
    expect(second).not.toBe(first);
    expect(await resolver.wasErasedBefore(second)).toBe(true);
    expect(await resolve('01', 'r3')).toBe(second);
  });

  it('is another one for renewed cards, over several renewals, and their tombstones are met', async () => {
    const answers: Record<string, CardLinks> = { '02': known({ previous: '01' }), '03': known({ previous: '02' }) };
    const { resolve, run, resolver, group, linkEvents } = await resolverWith(answers);
    const first = (await resolve('02')) as string;
    const before = (await group.members(first)).map(({ subjectKey }) => subjectKey);
    expect(before).toHaveLength(2);
    for (const key of before) await run(key, { ...erase, tombstone });
    const links = (await linkEvents()).length;
    const second = (await resolve('03', 'r2')) as string;
    expect(before).not.toContain(second);
    expect(await resolver.wasErasedBefore(second)).toBe(true);
    const later = (await linkEvents()).slice(links);
    expect(later.length).toBeGreaterThan(0);
    for (const key of before)
      expect(JSON.stringify(later, (_, value) => (typeof value === 'bigint' ? 0 : value))).not.toContain(key);
  });

  it('meets nothing where the policy wanted no tombstone, and the key is another one all the same', async () => {
    const { resolve, run, resolver } = await resolverWith({});
    const first = (await resolve('01')) as string;
    await run(first, { ...erase, tombstone: { days: 0, untilUtc: null } });
    const second = (await resolve('01', 'r2')) as string;
    expect(second).not.toBe(first);
    expect(await resolver.wasErasedBefore(second)).toBe(false);
  });

  describe('where a version of before had made the key', () => {
    /** As it derived keys: from the certificate alone. */
    const keyOfBefore = (secrets: Secrets, serial: string) =>
      Buffer.from(secrets.keyedHash('subject-key', Buffer.concat([ISSUER, Buffer.from(`\n${serial}`)])))
        .toString('hex')
        .slice(0, 40);

    it('stays while its registrant is there', async () => {
      const { resolve, run, secrets, resolver } = await resolverWith({});
      const key = keyOfBefore(secrets, '01');
      await run(key, { type: 'GiveConsent', textVersion: 'v', requestId: 'r' });
      expect(await resolve('01')).toBe(key);
      expect(await resolver.wasErasedBefore(key)).toBe(false);
      await run(key, { ...erase, tombstone });
      const next = (await resolve('01', 'r2')) as string;
      expect(next).not.toBe(key);
      expect(await resolver.wasErasedBefore(next)).toBe(true);
    });

    it.each([
      [0, true],
      [3_649, true],
      [3_652, false],
    ])(
      'is left after an erasure of that time, which is remembered for the days of the policy: %d days later %s',
      async (days, isMet) => {
        const { resolve, run, secrets, resolver, clock } = await resolverWith({});
        const key = keyOfBefore(secrets, '01');
        await run(key, { type: 'GiveConsent', textVersion: 'v', requestId: 'r' });
        await run(key, { ...erase, tombstone: null });
        clock.advance(days * 86_400_000);
        const next = (await resolve('01')) as string;
        expect(next).not.toBe(key);
        expect(await resolver.wasErasedBefore(next)).toBe(isMet);
        expect(await resolve('01', 'r2')).toBe(next);
      },
    );
  });
});
