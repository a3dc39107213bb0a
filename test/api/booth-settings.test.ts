import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import type { LightMyRequestResponse } from 'fastify';
import { EnrolBooth, SuspendBooth } from '../../src/application/commands/manage-booth.js';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey, signAsBooth, type BoothKey } from '../../src/booth/booth-key.js';
import { challengeRequestText } from '../../src/domain/booth/challenge-request.js';
import { CONSENT_TEXTS } from '../../src/domain/booth/consent-texts.js';
import { photoCheckText } from '../../src/domain/booth/photo-check.js';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { AnswerSchemas } from './support/answer-schemas.js';
import { ApiServer, NOW } from './support/api-server.js';

const URL = '/v1/booth-settings';
const key = generateBoothKey();
const stranger = generateBoothKey();
let api: ApiServer;
let schemas: AnswerSchemas;

beforeAll(async () => {
  const policy = { ...DEFAULT_POLICY, consentTextVersions: ['2020-01', '2026-11'] };
  api = await ApiServer.start({ limits: { photoBytesMax: 200_000 } }, { policy });
  const commands = api.app.get(CommandBus, { strict: false });
  for (const boothId of ['booth-0001', 'booth-0002'])
    await commands.execute(new EnrolBooth(`enrol-${boothId}`, boothId, key.publicKeySpki, 'admin'));
  await commands.execute(new SuspendBooth('suspend-1', 'booth-0002', 'maintenance', 'admin'));
  schemas = new AnswerSchemas((await api.inject({ method: 'GET', url: '/openapi.json' })).json());
});
afterAll(() => api.close());
beforeEach(() => {
  api.clock.now = NOW;
});

async function ask(headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
  const answer = await api.inject({ method: 'GET', url: URL, headers });
  expect(schemas.mistakes('GET', URL, answer)).toEqual([]);
  expect(answer.statusCode).toBe(200);
  return answer;
}

function signed(boothId: string, { by = key, at = NOW }: { by?: BoothKey; at?: string } = {}): Record<string, string> {
  const signature = signAsBooth(by, Buffer.from(challengeRequestText({ boothId, requestedAtUtc: at })));
  const base64 = Buffer.from(signature).toString('base64');
  return { 'honnin-booth-id': boothId, 'honnin-requested-at': at, 'honnin-booth-signature': base64 };
}

/** @fault B4 */
describe('what a server tells a booth', () => {
  it('are the texts to agree to, the limits and the time', async () => {
    const answer = (await ask()).json<Record<string, unknown>>();
    expect(answer).toMatchObject({ serverTimeUtc: NOW, policyVersion: 1, booth: null });
    expect(answer['consentTexts']).toEqual([
      { version: '2020-01', text: null, keepReferenceImage: null },
      { version: '2026-11', ...CONSENT_TEXTS['2026-11'] },
    ]);
    expect(answer['limits']).toEqual({
      photoBytesMax: 200_000,
      frameBytesMax: 1024 * 1024,
      framesMax: 4,
      certificateBytesMax: 8 * 1024,
      cardRecordBytesMax: 32 * 1024,
      cardIssuerCertificateBytesMax: 4 * 1024,
      clockSkewSecondsMax: 120,
      captureAgeMinutesMax: 1440,
      challengeLifetimeSeconds: 600,
      questionClockSkewSecondsMax: 600,
    });
  });

  it('is a text in two languages for every version of the shipped policy', () => {
    for (const version of DEFAULT_POLICY.consentTextVersions) {
      const { text, keepReferenceImage } = CONSENT_TEXTS[version] as (typeof CONSENT_TEXTS)[string];
      for (const { ja, en } of [text, keepReferenceImage]) {
        expect(ja).toMatch(/^[^A-Za-z]+$/);
        expect(en).toMatch(/^[ -~]+$/);
      }
    }
  });

  it.each([
    ['booth-0001', 'enrolled'],
    ['booth-0002', 'suspended'],
  ])('is how it stands, where it signed the question: %s', async (boothId, standing) => {
    expect((await ask(signed(boothId))).json()).toMatchObject({ booth: { boothId, standing, keyVersion: 1 } });
  });

  const [atMost, beyond] = ['2026-11-23T07:55:00.000Z', '2026-11-23T07:54:59.999Z'];
  it('is how it stands up to ten minutes from the time of the question', async () => {
    const answer = await ask(signed('booth-0001', { at: atMost }));
    expect(answer.json()).toMatchObject({ booth: { standing: 'enrolled' } });
  });

  const check = photoCheckText({ boothId: 'booth-0001', nonce: 'n', photoSha256: 'p' });
  it.each<[string, Record<string, string>]>([
    ['nothing shown', {}],
    ['the id alone', { 'honnin-booth-id': 'booth-0001' }],
    ['the key of somebody else', signed('booth-0001', { by: stranger })],
    ['a booth that there is not', signed('booth-0099', { by: stranger })],
    ['a question that is too old', signed('booth-0001', { at: beyond })],
    ['an instant in another form', signed('booth-0001', { at: '2026-11-23T17:05:00+09:00' })],
    [
      'the signature of another text',
      {
        ...signed('booth-0001'),
        'honnin-booth-signature': Buffer.from(signAsBooth(key, Buffer.from(check))).toString('base64'),
      },
    ],
    ['the question of another booth', { ...signed('booth-0001'), 'honnin-booth-id': 'booth-0002' }],
  ])('tells strangers nothing of booths: %s', async (_what, headers) => {
    expect((await ask(headers)).body).toBe((await ask()).body);
  });
});

/** @fault B4 */
describe('the booth program', () => {
  it.each([
    ['right', 0],
    ['a day behind', -86_400_000],
    ['an hour ahead', 3_600_000],
  ])('learns texts, standing and time with a clock that is %s', async (_how, offset) => {
    const url = await listening();
    const asked = { baseUrl: url, boothId: 'booth-0001', key, counter: { next: () => 1 } };
    const booth = new BoothClient({ ...asked, now: () => new Date(Date.parse(NOW) + offset) });
    const { booth: standing, consentTexts, limits } = await booth.settings();
    expect(standing).toEqual({ boothId: 'booth-0001', standing: 'enrolled', keyVersion: 1 });
    expect(consentTexts.at(-1)).toEqual({ version: '2026-11', ...CONSENT_TEXTS['2026-11'] });
    expect(limits).toMatchObject({ photoBytesMax: 200_000 });
  });

  it('is told that its key is not known', async () => {
    const asked = { baseUrl: await listening(), boothId: 'booth-0001', key: stranger, counter: { next: () => 1 } };
    expect((await new BoothClient(asked).settings()).booth).toBeNull();
  });
});

let address: Promise<string> | null = null;
const listening = (): Promise<string> => (address ??= api.listen());
