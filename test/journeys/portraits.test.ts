import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALTERATIONS } from '../../bench/portrait/alterations.js';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { emptyFolder, projectRoot, sharedPictures, testModels } from '../face/support.js';
import { elsewhere } from '../support/peers.js';
import { RealServer } from '../support/real-server.js';
import { itUnless } from '../support/unless.js';

const { captured, card: onCard } = DEMO_STORIES.samePerson;
const absence = elsewhere(existsSync(sharedPictures) ? null : `${sharedPictures} is absent`);

/** Photographs of other hands, and what each is refused for: the reason, and the measure that the policy asks for. */
const NO_PORTRAITS: Readonly<Record<string, readonly [string, string | null]>> = {
  lfw10_039_sunglasses: ['eyes_covered', null],
  lfw10_037_mask: ['mouth_covered', null],
  lfw10_037_halfout: ['poor_quality', 'LeftwardCropOfTheFaceImage'],
  lfw10_039_under: ['poor_quality', 'UnderExposurePrevention'],
  rot90: ['not_upright', null],
  rot180: ['not_upright', null],
  rot270: ['not_upright', null],
  turn45: ['not_upright', null],
};

interface Verdict {
  readonly type: string;
  readonly reason?: string;
  readonly measure?: string | null;
}

/** Over the built server beside the sandbox: a booth's question before the card is touched, and the request itself.
 *  @req R7 R21 R30 */
describe('a photograph that is no portrait', () => {
  let server: RealServer;
  let booth: BoothClient;
  let counter = 0;
  const drawings = emptyFolder();

  beforeAll(async () => {
    const draw = [path.join(projectRoot, 'bench/portrait/draw.ts'), drawings, testModels, captured, '1'];
    execFileSync(process.execPath, draw, { stdio: ['ignore', 'ignore', 'inherit'] });
    server = await RealServer.beside('portraits', ['auditor', 'administrator']);
    await server.start();
    const key = generateBoothKey();
    const boothId = 'booth-portraits';
    await server.enrol(boothId, key.publicKeySpki);
    booth = new BoothClient({
      baseUrl: server.url,
      boothId,
      key,
      counter: { next: () => (counter += 1) },
      preparePhoto: async (bytes) => ({ bytes, done: [] }),
    });
  }, 300_000);
  afterAll(() => server.close(), 60_000);

  /** The case of a photograph that is sent with a good card, once its history has an event. */
  async function sent(photo: Uint8Array, type: string): Promise<string> {
    const card = await server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto(onCard) });
    const { authenticationPin: pin, accessNumber } = card.secrets;
    const consent = { textVersion: '2026-11', keepReferenceImage: true };
    const { receipt } = await booth.register({ card: card.connect(), pin, accessNumber, photo, consent });
    return server.caseWith(receipt, type);
  }

  async function verdictIn(requestId: string, type: string): Promise<Verdict | undefined> {
    const answer = await server.call('auditor', 'GET', `/v1/cases/${requestId}/history`);
    const { events } = (await answer.json()) as { events: { type: string; data: Omit<Verdict, 'type'> }[] };
    const found = events.find((event) => event.type === type);
    return found && { type, ...found.data };
  }

  async function explained(requestId: string, language: 'ja' | 'en'): Promise<string> {
    const url = `/v1/audit/cases/${requestId}/explanation?lang=${language}`;
    return (await server.call('auditor', 'GET', url)).text();
  }

  /** Photographs that were counted with a verdict, a reason and a measure. */
  async function counted(metric: string, verdict: string, reason: string, measure: string): Promise<number> {
    const lines = (await (await server.asOperator('/metrics')).text()).split('\n');
    const labels = [`verdict="${verdict}"`, `reason="${reason}"`, `measure="${measure}"`];
    const line = lines.find((one) => one.startsWith(`${metric}{`) && labels.every((label) => one.includes(label)));
    return Number(line?.split(' ').at(-1) ?? 0);
  }

  itUnless(
    absence,
    'is refused with the true reason, in both languages, and counted by it',
    async () => {
      const before = server.sandbox.government.submissions.length;
      const expected: Record<string, number> = {};
      let requestId = '';
      for (const [name, [reason, measure]] of Object.entries(NO_PORTRAITS)) {
        const photo = readFileSync(path.join(sharedPictures, `${name}.jpg`));
        const { usable, reasons, guidance } = await booth.checkPhoto(photo);
        const hint = { ja: expect.stringMatching(/[ぁ-ん]/), en: expect.stringMatching(/^[A-Z]/) };
        expect({ name, usable, told: reasons[0] }).toEqual({ name, usable: false, told: { reason, hint } });
        if (measure) expect(guidance).toContainEqual({ measure, value: expect.any(Number), hint });
        requestId = await sent(photo, 'FaceNotComparable');
        const found = await verdictIn(requestId, 'FaceNotComparable');
        expect({ name, ...found }).toMatchObject({ name, image: 'captured', reason, measure });
        expect(await explained(requestId, 'en')).toContain(`could not be compared (${reason}`);
        expect(await explained(requestId, 'ja')).toContain('画像は比較に使えなかった');
        const counter = `${reason} ${measure ?? 'none'}`;
        expected[counter] = (expected[counter] ?? 0) + 1;
      }
      for (const [counter, times] of Object.entries(expected)) {
        const [reason = '', measure = ''] = counter.split(' ');
        const rate = (metric: string): Promise<number> => counted(metric, 'refused', reason, measure);
        const rates = [await rate('honnin_photographs_total'), await rate('honnin_photo_checks_total')];
        expect([counter, ...rates]).toEqual([counter, times, times]);
      }
      expect(server.sandbox.government.submissions).toHaveLength(before);
    },
    300_000,
  );

  it('waits for two officers where nobody can tell, and is counted as referred', async () => {
    const before = server.sandbox.government.submissions.length;
    const kind = Object.keys(ALTERATIONS).indexOf('hat to the brows');
    const photo = readFileSync(path.join(drawings, `${captured}_${kind}_1.jpg`));
    expect(await booth.checkPhoto(photo)).toMatchObject({ usable: true, review: true, reasons: [] });
    const requestId = await sent(photo, 'Held');
    expect(await verdictIn(requestId, 'Held')).toMatchObject({ reason: 'portrait_doubtful' });
    expect(await verdictIn(requestId, 'SubmissionAttempted')).toBeUndefined();
    const measure = 'FaceOcclusionPrevention';
    expect(await counted('honnin_photographs_total', 'referred', 'portrait_doubtful', measure)).toBe(1);
    expect(server.sandbox.government.submissions).toHaveLength(before);
  }, 180_000);

  it('goes to the government as it is, without what covered it', async () => {
    const before = server.sandbox.government.submissions.length;
    await sent(await loadDemoFace(captured), 'GovernmentAccepted');
    expect(await counted('honnin_photographs_total', 'accepted', 'none', 'none')).toBe(1);
    expect(server.sandbox.government.submissions).toHaveLength(before + 1);
  }, 180_000);
});
