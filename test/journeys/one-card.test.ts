import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import type { CardSession } from '../../src/booth/card-session.js';
import type { CertificateType } from '../../src/domain/values/certificate-status.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace, type DemoFaceName } from '../../src/sandbox/card/demo-faces.js';
import { MixedCards } from '../../src/sandbox/card/mixed-cards.js';
import { sandboxSettings } from '../../src/sandbox/sandbox.js';
import { SyntheticCard } from '../../src/sandbox/card/synthetic-card.js';
import { RealServer, until } from '../support/real-server.js';

const BOTH = ['user_authentication', 'digital_signature'] as const;
const AUTHENTICATION = 'user_authentication';
const SIGNING = 'digital_signature';

interface Told {
  readonly type: string;
  readonly data: Record<string, never> & { readonly [name: string]: unknown };
}

/** Two cards in one request, two certificates of one card, renewals, an authority that is away or says no, and the
 *  end of it all: over the real server, its stand-ins and the command line. @req R5 R13 R15 R19 R26 R32 A14 */
describe('one card, one person', () => {
  let server: RealServer;
  let booth: BoothClient;
  const face = { captured: DEMO_STORIES.samePerson.captured, card: DEMO_STORIES.samePerson.card };
  const stranger = { captured: DEMO_STORIES.cardOfAnother.captured, card: DEMO_STORIES.cardOfAnother.card };
  const at = (name: string) => server.at(name);

  beforeAll(async () => {
    server = await RealServer.beside('one-card', [
      'auditor',
      'administrator',
      'administrator-b',
      'officer-a',
      'officer-b',
    ]);
    await server.start();
    const key = generateBoothKey();
    await server.enrol('booth-one-card', key.publicKeySpki);
    booth = new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-one-card',
      key,
      counter: new DurableCaptureCounter(at('booth')),
    });
  }, 180_000);
  afterAll(() => server.close(), 180_000);

  const issue = async (name: DemoFaceName, holder: { birthDate?: string; sex?: '1' | '2' | '3' } = {}) =>
    server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto(name), certificateTypes: BOTH, holder });
  async function send(
    session: CardSession,
    secretsOf: { pin: SyntheticCard; face: SyntheticCard },
    certificateType: CertificateType,
    captured: DemoFaceName,
  ): Promise<string> {
    const { authenticationPin, signingPassword } = secretsOf.pin.secrets;
    const capture = {
      card: session,
      certificateType,
      pin: certificateType === AUTHENTICATION ? authenticationPin : signingPassword,
      accessNumber: secretsOf.face.secrets.accessNumber,
      photo: await loadDemoFace(captured),
      consent: { textVersion: '2026-11', keepReferenceImage: true },
    };
    const { receipt } = await booth.register(capture);
    const { requestId } = await until('the case', async () =>
      ((r) => (r.ok ? (r.json() as Promise<{ requestId: string }>) : null))(
        await server.call('auditor', 'GET', `/v1/cases?receipt=${receipt}`),
      ),
    );
    return requestId;
  }
  const register = (card: SyntheticCard, type: CertificateType, captured: DemoFaceName) =>
    send(card.connect(), { pin: card, face: card }, type, captured);
  const mixed = (
    certificateOf: SyntheticCard,
    faceRecordOf: SyntheticCard,
    type: CertificateType,
    captured: DemoFaceName,
  ) =>
    send(new MixedCards({ certificateOf, faceRecordOf }), { pin: certificateOf, face: faceRecordOf }, type, captured);
  const history = async (requestId: string): Promise<Told[]> =>
    ((await (await server.call('auditor', 'GET', `/v1/cases/${requestId}/history`)).json()) as { events: Told[] })
      .events;
  const ended = async (requestId: string, ...types: string[]): Promise<Told[]> =>
    until(types.join(' or '), async () =>
      ((events) => (events.some(({ type }) => types.includes(type)) ? events : null))(await history(requestId)),
    );
  const of = (events: readonly Told[], type: string) => events.find((event) => event.type === type)?.data;
  const kept = (requestId: string) => ended(requestId, 'FaceImageConfirmed');

  it.each([AUTHENTICATION, SIGNING] as const)(
    "refuses another person's face record beside a %s certificate where the authority knows better",
    async (type) => {
      const [victim, attacker] = [await issue(face.card), await issue(stranger.card)];
      const events = await ended(
        await mixed(victim, attacker, type, stranger.captured),
        'CertificateRejected',
        'GovernmentAccepted',
        'Held',
      );
      expect(of(events, 'CertificateRejected')).toMatchObject({
        reason: 'card_record',
        cardRecordReason: 'other_card',
        verifier: { id: 'authority-same-card' },
      });
      expect(events.some((event) => event.type.startsWith('Face'))).toBe(false);
    },
    60_000,
  );

  it.each([AUTHENTICATION, SIGNING] as const)(
    'holds it where only the comparison can tell, and tells officers what differs: %s',
    async (type) => {
      server.sandbox.jpki.linkFaults.always('withoutCard');
      const [victim, attacker] = [
        await issue(face.card),
        await issue(stranger.card, { birthDate: '1991-07-08', sex: '1' }),
      ];
      const requestId = await mixed(victim, attacker, type, stranger.captured);
      const events = await ended(requestId, 'HoldOpened', 'GovernmentAccepted');
      server.sandbox.jpki.linkFaults.clear();
      const differs = { outcome: 'differs' };
      expect(of(events, 'CertificateVerified')?.['agreement']).toMatchObject(
        type === SIGNING
          ? { birthDate: differs, sex: differs, birthday: differs, sameCard: { because: 'not_told' } }
          : {
              birthDate: { because: 'not_named' },
              sex: { because: 'not_named' },
              birthday: differs,
              sameCard: { because: 'not_told' },
            },
      );
      expect(of(events, 'Held')).toMatchObject({ reason: 'card_differs', boundPoints: null });
      expect(JSON.stringify(events)).not.toMatch(/19910708|1991-07-08|19800217/);
      const hold = (await (await server.call('officer-a', 'GET', `/v1/holds/${requestId}`)).json()) as {
        hold: { reason: string };
        explanation: { ja: string; en: string }[];
      };
      expect(hold.hold.reason).toBe('card_differs');
      expect(hold.explanation.at(-1)).toMatchObject({
        en: expect.stringMatching(/^Caution: certificate and face record contradict each other/),
        ja: expect.stringMatching(/^注意: 電子証明書と券面情報が食い違っています/),
      });
      for (const officer of ['officer-a', 'officer-b'])
        expect(
          (
            await server.call(officer, 'POST', `/v1/holds/${requestId}/opinions`, {
              opinion: 'reject',
              reason: 'card_photograph_doubtful',
            })
          ).status,
        ).toBe(200);
      expect(
        (
          await server.call('officer-a', 'POST', `/v1/holds/${requestId}/resolution`, {
            outcome: 'rejected',
            reason: 'card_photograph_doubtful',
          })
        ).status,
      ).toBe(200);
      expect(of(await ended(requestId, 'HoldRejected'), 'SubmissionAttempted')).toBeUndefined();
    },
    60_000,
  );

  it('records what nobody can tell, and lets it pass by default', async () => {
    server.sandbox.jpki.linkFaults.always('withoutCard');
    const card = await issue('sample4-second-mirrored', { birthDate: '1996-02-29' });
    const events = await kept(await register(card, AUTHENTICATION, 'sample4-second'));
    server.sandbox.jpki.linkFaults.clear();
    expect(of(events, 'CertificateVerified')).toMatchObject({
      agreement: {
        birthDate: { outcome: 'cannot_tell', because: 'not_named' },
        birthday: { outcome: 'equal' },
        sameCard: { outcome: 'cannot_tell', because: 'not_told' },
      },
      otherCertificate: 'told',
    });
  }, 180_000);

  it('waits for an authority that is away, and guesses nothing', async () => {
    server.sandbox.jpki.linkFaults.always('drop');
    const card = await issue('sample5-fourth-mirrored');
    const requestId = await register(card, SIGNING, 'sample5-fourth');
    const events = await ended(requestId, 'CertificateCheckDeferred', 'CertificateVerified');
    server.sandbox.jpki.linkFaults.clear();
    expect(of(events, 'CertificateCheckDeferred')).toMatchObject({ cause: 'link_unknown' });
    expect(of(events, 'CertificateVerified')).toBeUndefined();
    expect(of(await kept(requestId), 'CertificateVerified')).toMatchObject({
      agreement: { birthDate: { outcome: 'equal' }, sameCard: { outcome: 'equal' } },
    });
  }, 180_000);

  it('is one registrant for both certificates, at the same moment too, and over a renewal: the other certificate cannot avoid the hold of claim 4, and an erasure takes everything', async () => {
    const card = await issue(face.card);
    const before = new Set(server.keysOf('registrant').keys());
    // Two requests of one card that arrive together, as two booths would send them.
    const again = new SyntheticCard(card.toJson());
    const [first, second] = await Promise.all([
      register(card, AUTHENTICATION, face.captured),
      register(again, SIGNING, face.captured),
    ]);
    const both = [await kept(first), await kept(second)];
    const keys = both.map((events) => of(events, 'CertificateVerified')?.['subjectKey']);
    expect(new Set(keys).size).toBe(1);

    // Another person's face on a renewed card, sent with the certificate that did not bring the first registration.
    const renewed = await server.sandbox.jpki.renew(card, await loadCardPhoto(stranger.card));
    const attack = await register(renewed, SIGNING, stranger.captured);
    const held = await ended(attack, 'HoldOpened', 'GovernmentAccepted');
    expect(of(held, 'CertificateVerified')).toMatchObject({
      subjectKey: keys[0],
      agreement: { birthDate: { outcome: 'equal' }, sameCard: { outcome: 'equal' } },
    });
    expect(of(held, 'Held')).toMatchObject({ reason: 'registered_gap' });
    for (const officer of ['officer-a', 'officer-b'])
      await server.call(officer, 'POST', `/v1/holds/${attack}/opinions`, {
        opinion: 'reject',
        reason: 'different_person',
      });
    expect(
      (
        await server.call('officer-b', 'POST', `/v1/holds/${attack}/resolution`, {
          outcome: 'rejected',
          reason: 'different_person',
        })
      ).status,
    ).toBe(200);
    await ended(attack, 'HoldRejected');

    // Everything up to here follows from what came before it, and every certificate verdict with its comparisons can
    // be made again.
    await server.signedLog();
    expect(server.honnin('audit', 'key', '--data', server.data, '--out', at('log.vkey')).status).toBe(0);
    const { HONNIN_JPKI_AUTH_ANCHORS: auth, HONNIN_JPKI_SIGN_ANCHORS: sign } = sandboxSettings(
      server.sandbox,
    ) as Record<string, string>;
    const verified = (name: string) => {
      expect(
        server.asAuditor(
          'audit',
          'export',
          '--from',
          '0',
          '--list',
          'requests',
          '--with-names',
          '--with-evidence',
          '--out',
          at(name),
        ).stdout,
      ).toMatch(/bytes/);
      const { status, stdout } = server.honnin(
        'audit',
        'verify',
        at(name),
        '--key',
        at('log.vkey'),
        '--auth-anchors',
        auth as string,
        '--sign-anchors',
        sign as string,
      );
      const [, reproduced, decisions] = /decisions {2}([\d,]+) of ([\d,]+) decisions reproduced/.exec(
        stdout,
      ) as unknown as [string, string, string];
      return { status, all: reproduced === decisions, stdout };
    };
    expect(verified('before.honnin')).toMatchObject({
      status: 0,
      all: true,
      stdout: expect.stringMatching(/certificate verdicts reproduced\n/),
    });

    // One erasure, by the case of one certificate, reaches every key of the person.
    const ofPerson = [...server.keysOf('registrant').keys()].filter((key) => !before.has(key));
    expect(ofPerson.length).toBeGreaterThan(1);
    const slip = await server.twoPeople('/v1/audit/erasures', { requestId: second, rule: 'request_of_the_person' });
    expect(slip).toMatchObject({
      stage: 'carried_out',
      tombstone: { days: 3_650, untilUtc: expect.stringMatching(/Z$/) },
    });
    await until('the end of every key', () =>
      ofPerson.some((key) => server.keysOf('registrant').has(key)) ? null : true,
    );
    for (const requestId of [first, second, attack]) {
      expect(
        (await server.call('auditor', 'GET', `/v1/cases/${requestId}/images/registered_face?purpose=audit`)).status,
      ).toBe(410);
      expect(server.asAuditor('audit', 'why', '--registration', requestId, '--lang', 'en').stdout).toMatch(
        /images and key were erased on .* by rule request_of_the_person\. Until .* erased before, and nothing else/,
      );
    }
    const onceMore = { requestId: second, rule: 'request_of_the_person', reference: 'TEST-2' };
    expect((await server.call('administrator', 'POST', '/v1/audit/erasures', onceMore)).status).toBe(410);
    await server.signedLog();
    expect(verified('after.honnin')).toMatchObject({ status: 0, all: true });
    expect(server.honnin('audit', 'fsck', '--data', server.data)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('all is right'),
    });

    // Who comes back, with the same card or a renewed one, has another key, and is held: claim 4 cannot be avoided by
    // an erasure. Nothing that is stored from here on names a key of before. @fault D2
    const newest = server.storedTexts();
    const sameCard = await register(renewed, AUTHENTICATION, stranger.captured);
    const sameCardHeld = await ended(sameCard, 'HoldOpened', 'GovernmentAccepted');
    expect(of(sameCardHeld, 'CertificateVerified')).toMatchObject({ erasedBefore: true });
    expect(of(sameCardHeld, 'FaceMatched')).toMatchObject({ registered: { reason: 'first_registration' } });
    expect(of(sameCardHeld, 'Held')).toMatchObject({ reason: 'erased_before', boundPoints: null });
    const page = (await (await server.call('officer-a', 'GET', `/v1/holds/${sameCard}`)).json()) as {
      explanation: { ja: string; en: string }[];
    };
    expect(page.explanation.map(({ en }) => en).join()).toMatch(/was erased before\. Whose cases those were/);
    expect(page.explanation.map(({ ja }) => ja).join()).toMatch(/以前に消去されています/);
    const twice = await server.sandbox.jpki.renew(renewed, await loadCardPhoto(face.card));
    const renewedCard = await register(twice, SIGNING, face.captured);
    const renewedHeld = await ended(renewedCard, 'HoldOpened', 'GovernmentAccepted');
    expect(of(renewedHeld, 'Held')).toMatchObject({ reason: 'erased_before' });
    const keyNow = String(of(renewedHeld, 'CertificateVerified')?.['subjectKey']);
    expect(of(sameCardHeld, 'CertificateVerified')?.['subjectKey']).toBe(keyNow);
    const later = server.storedTexts().slice(newest.length);
    expect(later.some((text) => text.includes(keyNow))).toBe(true);
    const keysBefore = ofPerson.map((owner) => owner.slice('registrant:'.length));
    for (const key of keysBefore) expect(later.filter((text) => text.includes(key))).toEqual([]);
    const vault = server.cardsAndTombstones();
    for (const key of keysBefore) expect(vault).not.toContain(key);

    // Two officers let the holder in; from then on there is an image to compare with, and nothing is held.
    for (const officer of ['officer-a', 'officer-b']) {
      const opinion = { opinion: 'release', reason: 'checked_in_person' };
      expect((await server.call(officer, 'POST', `/v1/holds/${renewedCard}/opinions`, opinion)).status).toBe(200);
    }
    const resolution = { outcome: 'released', reason: 'checked_in_person' };
    expect((await server.call('officer-a', 'POST', `/v1/holds/${renewedCard}/resolution`, resolution)).status).toBe(
      200,
    );
    await kept(renewedCard);
    const next = await kept(await register(twice, AUTHENTICATION, face.captured));
    expect(of(next, 'CertificateVerified')).toMatchObject({ erasedBefore: false, subjectKey: keyNow });
    expect(of(next, 'FaceMatched')).toMatchObject({
      registered: { comparison: 'compared' },
      confirmation: 'confirmed',
    });
    await server.signedLog();
    expect(verified('back.honnin')).toMatchObject({ status: 0, all: true });
    expect(server.honnin('audit', 'fsck', '--data', server.data)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('all is right'),
    });
  }, 180_000);

  it('looks at both images of two registrants that turn out to be one person', async () => {
    const another = { captured: 'sample4-second', card: 'sample4-second-mirrored' } as const;
    const { versions } = (await (await server.call('administrator', 'GET', '/v1/policies')).json()) as {
      versions: { values: object }[];
    };
    const values = { ...versions[0]?.values, certificateTypesWithoutSameCard: BOTH };
    expect((await server.call('administrator', 'POST', '/v1/policies', values)).status).toBe(201);
    expect((await server.call('administrator-b', 'POST', '/v1/policies/2/approval')).status).toBe(200);
    expect((await server.call('administrator-b', 'POST', '/v1/policies/2/activation')).status).toBe(200);

    // As long as nobody told which certificates belong together, another face came in with the other certificate.
    server.sandbox.jpki.linkFaults.always('withoutSameCard');
    const card = await issue(face.card);
    const first = of(await kept(await register(card, AUTHENTICATION, face.captured)), 'CertificateVerified');
    const renewed = await server.sandbox.jpki.renew(card, await loadCardPhoto(another.card));
    const second = of(await kept(await register(renewed, SIGNING, another.captured)), 'CertificateVerified');
    server.sandbox.jpki.linkFaults.clear();
    expect(second?.['subjectKey']).not.toBe(first?.['subjectKey']);

    // Now it is told: the older image is looked at too, and it is that one which does not fit.
    const requestId = await register(renewed, AUTHENTICATION, another.captured);
    const events = await ended(requestId, 'HoldOpened', 'GovernmentAccepted');
    expect(of(events, 'Held')).toMatchObject({ reason: 'registered_gap' });
    expect([first?.['subjectKey'], second?.['subjectKey']]).toContain(
      of(events, 'CertificateVerified')?.['subjectKey'],
    );
    const seen = await server.call(
      'officer-a',
      'GET',
      `/v1/cases/${requestId}/images/registered_face?purpose=hold_review`,
    );
    expect(seen.status).toBe(200);
    const sizes = [face.captured, another.captured].map(async (name) => (await loadDemoFace(name)).length);
    expect((await seen.arrayBuffer()).byteLength).toBe(await sizes[0]);

    // Both keys go with one erasure.
    for (const officer of ['officer-a', 'officer-b']) {
      await server.call(officer, 'POST', `/v1/holds/${requestId}/opinions`, {
        opinion: 'reject',
        reason: 'different_person',
      });
    }
    await server.call('officer-a', 'POST', `/v1/holds/${requestId}/resolution`, {
      outcome: 'rejected',
      reason: 'different_person',
    });
    await ended(requestId, 'HoldRejected');
    const erasure = { requestId, rule: 'request_of_the_person' };
    await server.twoPeople('/v1/audit/erasures', erasure);
    const owners = [first, second].map((told) => `registrant:${String(told?.['subjectKey'])}`);
    await until('the end of both keys', () =>
      owners.some((owner) => server.keysOf('registrant').has(owner)) ? null : true,
    );
  }, 120_000);

  it('asks for the signing certificate at a first registration where the policy says so, and at no later one', async () => {
    const { versions } = (await (await server.call('administrator', 'GET', '/v1/policies')).json()) as {
      versions: { version: number; values: object }[];
    };
    const newest = versions.reduce((one, other) => (one.version > other.version ? one : other));
    const values = { ...newest.values, signingCertificateAtFirstRegistration: true };
    expect((await server.call('administrator', 'POST', '/v1/policies', values)).status).toBe(201);
    const next = `/v1/policies/${newest.version + 1}`;
    expect((await server.call('administrator-b', 'POST', `${next}/approval`)).status).toBe(200);
    expect((await server.call('administrator-b', 'POST', `${next}/activation`)).status).toBe(200);

    const card = await issue(face.card);
    const sent = server.sandbox.government.submissions.length;
    const refused = await register(card, AUTHENTICATION, face.captured);
    expect(of(await ended(refused, 'CertificateRejected', 'FaceMatched'), 'CertificateRejected')).toMatchObject({
      reason: 'signing_certificate_needed',
      cardRecordReason: null,
    });
    expect(server.asAuditor('audit', 'why', '--registration', refused, '--lang', 'en').stdout).toContain(
      'a first registration needs the signing certificate',
    );
    expect(server.sandbox.government.submissions).toHaveLength(sent);

    await kept(await register(card, SIGNING, face.captured));
    expect(of(await kept(await register(card, AUTHENTICATION, face.captured)), 'FaceMatched')).toMatchObject({
      registered: { points: expect.any(Number) },
    });
    expect(server.sandbox.government.submissions).toHaveLength(sent + 2);
  }, 120_000);
});
