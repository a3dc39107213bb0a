import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoothClient, placeHeaders, type Challenge, type SignedRequest } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import type { SyntheticCard } from '../../src/sandbox/card/synthetic-card.js';
import { CLOCK_AHEAD, filesUnder, RealServer, until } from '../support/real-server.js';
import { soakCount } from '../support/soak.js';

/** Of each kind; 1,000 where there is time. */
const ROUNDS = Math.min(1_000, soakCount({ ci: 4, soak: 12 }));
/** Comparing faces takes most of the time: in one round of so many the card is good and the photograph goes to the
 * government. In the others the certificate is revoked, which is told by the same material. */
const WITH_FACES_EVERY = 15;

/** Kills the process when the fifth blob of a request has been renamed into the vault: everything is sealed and nothing
 * received. */
const DIES_SEALED = `
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
const { rename } = fs;
let sealed = 0;
fs.rename = async (from, to) => {
  await rename(from, to);
  if (String(to).endsWith('.sealed') && (sealed += 1) === 5) process.kill(process.pid, 'SIGKILL');
};
syncBuiltinESMExports();
`;

/** A booth that can be made to use a nonce again, as a broken or a hostile one would. */
class StubbornBooth extends BoothClient {
  nonce: Challenge | null = null;

  override async challenge(): Promise<Challenge> {
    return this.nonce ?? super.challenge();
  }
}

type Answer = { readonly status: number; readonly body: string };

/** Over HTTP, with envelopes that our booth program signed. @req R4 R31 A18 */
describe('requests that come at once to a real server', () => {
  let server: RealServer;
  let booth: StubbornBooth;
  /** A restarted server has another address. */
  let atNewAddress: () => StubbornBooth;
  let good: SyntheticCard;
  let revoked: SyntheticCard;
  let photos: readonly Buffer[];
  const accepted: { readonly receipt: string; readonly request: SignedRequest; readonly isGood: boolean }[] = [];

  beforeAll(async () => {
    server = await RealServer.beside('races', ['auditor', 'administrator']);
    writeFileSync(server.at('clock-ahead.mjs'), CLOCK_AHEAD);
    writeFileSync(server.at('dies-sealed.mjs'), DIES_SEALED);
    writeFileSync(server.at('ahead'), '0');
    await start();
    const key = generateBoothKey();
    await server.enrol('booth-races-01', key.publicKeySpki);
    const counter = new DurableCaptureCounter(server.at('booth'));
    atNewAddress = () => new StubbornBooth({ baseUrl: server.url, boothId: 'booth-races-01', key, counter });
    booth = atNewAddress();
    const face = await loadDemoFace(DEMO_STORIES.samePerson.captured);
    photos = await Promise.all([95, 90].map((quality) => sharp(face).jpeg({ quality }).toBuffer()));
    const faceImage = await loadCardPhoto(DEMO_STORIES.samePerson.card);
    [good, revoked] = [
      await server.sandbox.jpki.issueCard({ faceImage }),
      await server.sandbox.jpki.issueCard({ faceImage }),
    ];
    server.sandbox.jpki.revoke(revoked, 'key_compromise');
  }, 120_000);
  afterAll(() => server.close(), 30_000);

  const start = (preload = 'clock-ahead.mjs') =>
    server.start({
      preload: server.at(preload),
      env: { TEST_CLOCK_AHEAD: server.at('ahead'), HONNIN_REGISTRATIONS_PER_MINUTE: '0' },
    });

  async function prepare(
    card: SyntheticCard,
    photo: number,
    { key, nonce = null }: { key: string; nonce?: Challenge | null },
  ): Promise<SignedRequest> {
    const { authenticationPin: pin, accessNumber } = card.secrets;
    booth.nonce = nonce;
    const consent = { textVersion: '2026-11', keepReferenceImage: false };
    return booth.prepare({
      card: card.connect(),
      pin,
      accessNumber,
      photo: photos[photo] as Buffer,
      consent,
      idempotencyKey: key,
    });
  }

  /** What the server says to this very request, sent again only where there was no place for it: a challenge has
   * one. */
  async function post({ contentType, idempotencyKey, body, place }: SignedRequest): Promise<Answer> {
    const headers = { 'content-type': contentType, 'idempotency-key': idempotencyKey, ...placeHeaders(place) };
    for (;;) {
      const answer = await fetch(`${server.url}/v1/registrations`, {
        method: 'POST',
        headers,
        body: Uint8Array.from(body),
      });
      const told = { status: answer.status, body: await answer.text() };
      if (told.status !== 429) return told;
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    }
  }

  function note(requests: readonly SignedRequest[], answers: readonly Answer[], isGood: boolean): number {
    const mine = requests.flatMap((request, i) =>
      answers[i]?.status === 202
        ? [{ receipt: (JSON.parse(answers[i].body) as { receipt: string }).receipt, request, isGood }]
        : [],
    );
    for (const one of mine) if (!accepted.some(({ receipt }) => receipt === one.receipt)) accepted.push(one);
    return mine.length;
  }

  const KINDS: readonly (readonly [
    string,
    readonly number[],
    (card: SyntheticCard, round: string) => Promise<readonly SignedRequest[]>,
  ])[] = [
    [
      'two bodies under one key',
      [202, 409],
      async (card, round) => [await prepare(card, 0, { key: round }), await prepare(card, 1, { key: round })],
    ],
    [
      'one key, and a nonce that was used before',
      [202, 409],
      async (card, round) => {
        const used = await booth.challenge();
        const before = await prepare(card, 0, { key: `${round}-before`, nonce: used });
        note([before], [await post(before)], card === good);
        return [await prepare(card, 0, { key: round }), await prepare(card, 1, { key: round, nonce: used })];
      },
    ],
    [
      'one nonce under two keys',
      [202, 409],
      async (card, round) => {
        booth.nonce = null;
        const nonce = await booth.challenge();
        return [
          await prepare(card, 0, { key: `${round}-a`, nonce }),
          await prepare(card, 1, { key: `${round}-b`, nonce }),
        ];
      },
    ],
    [
      'the very same request three times',
      [202, 202, 202],
      async (card, round) => {
        const request = await prepare(card, 0, { key: round });
        return [request, request, request];
      },
    ],
  ];

  it.each(KINDS)(
    `${ROUNDS} rounds: %s`,
    async (name, wanted, make) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const isGood = round % WITH_FACES_EVERY === 0;
        booth.nonce = null;
        const requests = await make(isGood ? good : revoked, `${KINDS.findIndex(([kind]) => kind === name)}-${round}`);
        const answers = await Promise.all(requests.map((request) => post(request)));
        expect(answers.map(({ status }) => status).sort()).toEqual(wanted);
        if (wanted.every((status) => status === 202)) expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
        note(requests, answers, isGood);
      }
    },
    60_000 + ROUNDS * 2_000,
  );

  it('are processed as what was accepted: the government has those photographs and no other, and nothing is left over', async () => {
    for (const { receipt, isGood } of accepted) {
      const end = await until('the end of a case', async () =>
        ((s) => (['registered', 'not_registered', 'visit_again'].includes(s.status) ? s.status : null))(
          (await (await fetch(`${server.url}/v1/registrations/${receipt}`)).json()) as { status: string },
        ),
      );
      expect([receipt, end]).toEqual([receipt, isGood ? 'registered' : 'not_registered']);
    }
    const sent = accepted
      .filter(({ isGood }) => isGood)
      .map(({ request }) => photoOf(request))
      .sort();
    expect(server.sandbox.government.submissions.map(({ photoSha256 }) => photoSha256).sort()).toEqual(sent);
    await until('the end of all material', () => (server.keysOf('case').size === 0 ? true : null));
    await server.signedLog();
    expect(server.honnin('audit', 'fsck', '--data', server.data)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('all is right'),
    });
    expect(accepted.length).toBeGreaterThanOrEqual(ROUNDS * 5);
  }, 300_000);

  it('go on after a death between seal and event, and lapse with all that was sealed where nobody comes back', async () => {
    await server.end();
    const sealed = () => filesUnder(join(server.data, 'vault', 'sealed')).length;
    const before = sealed();
    for (const key of ['comes-back', 'is-lost']) {
      await start('dies-sealed.mjs');
      booth = atNewAddress();
      const request = await prepare(revoked, 0, { key });
      await expect(post(request)).rejects.toThrow();
      await server.end();
      expect(server.keysOf('case').size).toBe(1);
      if (key === 'is-lost') writeFileSync(server.at('ahead'), String(2 * 3_600_000));
      await start();
      booth = atNewAddress();
      if (key === 'comes-back') expect((await post(request)).status).toBe(202);
      await until('the end of what was sealed', () => (server.keysOf('case').size === 0 ? true : null));
      if (key === 'is-lost')
        expect(await post(request)).toMatchObject({ status: 422, body: expect.stringContaining('nonce_expired') });
      await server.end();
    }
    // The evidence of the one that came back; of the other, nothing.
    expect(sealed()).toBe(before + 1);
    writeFileSync(server.at('ahead'), '0');
    await start();
    await server.signedLog();
    expect(server.honnin('audit', 'fsck', '--data', server.data)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('all is right'),
    });
  }, 300_000);
});

/** Digest of the photograph as the signed envelope in the body states it. */
function photoOf({ body }: SignedRequest): string {
  return /"photoSha256":"([0-9a-f]{64})"/.exec(Buffer.from(body).toString('latin1'))?.[1] ?? 'no envelope';
}
