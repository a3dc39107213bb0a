import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { BoothClient, type Capture } from '../../src/booth/booth-client.js';
import { ServerRefusedError } from '../../src/booth/booth-errors.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import type { CardSession } from '../../src/booth/card-session.js';
import { preparedPhoto } from '../../src/booth/prepared-photo.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { RealServer, until } from '../support/real-server.js';
import { SECOND_READINGS } from '../support/second-readings.js';
import { elsewhere } from '../support/peers.js';
import { itUnless } from '../support/unless.js';

const { captured, card: onCard } = DEMO_STORIES.samePerson;
const shared =
  process.env['HONNIN_SHARED'] ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../shared');
const pictures = path.join(shared, 'cases', 'pictures');
const absence = elsewhere(existsSync(pictures) ? null : `${pictures} is absent`);

/** Over the built server beside the sandbox: a booth that sends what it is given, and our own booth, which prepares
 *  it first. @req R3 R21 R34 */
describe('one file, one picture', () => {
  let server: RealServer;
  let counter = 0;
  const key = generateBoothKey();

  beforeAll(async () => {
    server = await RealServer.beside('reading', ['auditor', 'administrator']);
    await server.start();
    const body = { boothId: 'booth-reading-01', publicKey: key.publicKeySpki };
    await server.enrol(body.boothId, body.publicKey);
  }, 180_000);
  afterAll(() => server.close(), 180_000);

  const boothOf = (
    preparePhoto?: (picture: Uint8Array) => Promise<{ bytes: Uint8Array; done: readonly string[] }>,
  ): BoothClient =>
    new BoothClient({
      baseUrl: server.url,
      boothId: 'booth-reading-01',
      key,
      counter: { next: () => (counter += 1) },
      ...(preparePhoto && { preparePhoto }),
    });
  /** A booth that signs and sends whatever its camera gives. */
  const trusting = (): BoothClient => boothOf(async (bytes) => ({ bytes, done: [] }));
  const capture = async (photo: Uint8Array, faceImage?: Uint8Array): Promise<Capture> => {
    const card = await server.sandbox.jpki.issueCard({ faceImage: faceImage ?? (await loadCardPhoto(onCard)) });
    const { authenticationPin: pin, accessNumber } = card.secrets;
    return {
      card: card.connect(),
      pin,
      accessNumber,
      photo,
      consent: { textVersion: '2026-11', keepReferenceImage: true },
    };
  };
  const refusalOf = async (work: Promise<unknown>): Promise<{ code: string; data: unknown }> => {
    const error = await work.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof ServerRefusedError)) throw new Error(`not refused: ${String(error)}`);
    return { code: error.code, data: (error.problem as { data?: unknown }).data };
  };
  const submissions = (): number => server.sandbox.government.submissions.length;
  const place = {
    part: 'photo',
    segment: expect.any(String),
    byte: expect.any(Number),
    reason: expect.any(String),
    remedy: expect.any(Object),
  };

  it('is refused where it is two, with the place and the remedy, and nothing of it goes on', async () => {
    const [photo, stranger] = [await loadDemoFace(captured), await loadDemoFace('sample6-first')];
    const before = submissions();
    for (const { name, code, make } of SECOND_READINGS.filter(({ code }) => code === 'photo_unsupported')) {
      const refused = await refusalOf(trusting().register(await capture(await make(photo, stranger))));
      expect({ name, ...refused }).toEqual({ name, code, data: place });
    }
    const checked = await refusalOf(trusting().checkPhoto(Buffer.concat([photo, stranger])));
    expect(checked).toEqual({
      code: 'photo_unsupported',
      data: { ...place, segment: 'after EOI', reason: 'bytes_after_end' },
    });
    expect(submissions()).toBe(before);
  }, 180_000);

  it('is refused where something of it is missing, and a frame is read as the photograph is', async () => {
    const [photo, stranger] = [await loadDemoFace(captured), await loadDemoFace('sample6-first')];
    const before = submissions();
    const damaged = SECOND_READINGS.filter(({ code }) => code === 'photo_damaged');
    for (const { name, code, make } of damaged) {
      const bytes = await make(photo, stranger);
      expect({ name, ...(await refusalOf(trusting().register(await capture(bytes)))) }).toEqual({
        name,
        code,
        data: place,
      });
      const framed = { ...(await capture(photo)), frames: () => [photo, bytes] };
      expect({ name, ...(await refusalOf(trusting().register(framed))) }).toEqual({
        name,
        code,
        data: { ...place, part: 'frame1' },
      });
    }
    expect(submissions()).toBe(before);
  }, 180_000);

  it('is never compared where the picture of a card is not surely understood', async () => {
    const photo = await loadDemoFace(captured);
    const before = submissions();
    const card = Buffer.from(await loadCardPhoto(onCard));
    const signed = Buffer.from(card);
    signed[card.indexOf(Buffer.from('ff4fff51', 'hex')) + 42] = 0x87;
    const lab = Buffer.from(card);
    lab[card.indexOf('colr') + 10] = 14;
    const cut = Buffer.concat([card.subarray(0, Math.floor(card.length * 0.7)), Buffer.from([0xff, 0xd9])]);
    for (const faceImage of [signed, lab, cut]) {
      const { receipt } = await trusting().register(await capture(photo, faceImage));
      const history = await (
        await server.call('auditor', 'GET', `/v1/cases/${await server.caseWith(receipt, 'FaceNotComparable')}/history`)
      ).text();
      expect(history).toMatch(/"image":"card",[^}]*"reason":"unreadable_image"/);
    }
    expect(submissions()).toBe(before);
  }, 180_000);

  it("is made of a camera's file by our booth before it is signed, and goes to the government unchanged", async () => {
    const camera = await sharp(await loadDemoFace(captured))
      .rotate(90)
      .withMetadata({ orientation: 8 })
      .jpeg({ quality: 95 })
      .toBuffer();
    const booth = boothOf();
    expect((await booth.checkPhoto(camera)).usable).toBe(true);
    const request = await booth.prepare(await capture(camera));
    const { receipt } = await booth.send(request);
    await server.caseWith(receipt, 'GovernmentAccepted');
    const { bytes } = await preparedPhoto(camera);
    expect(Buffer.from(request.body).includes(Buffer.from(bytes))).toBe(true);
    expect(server.sandbox.government.submissions.at(-1)!.photoSha256).toBe(
      createHash('sha256').update(bytes).digest('hex'),
    );
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 720, height: 960, format: 'jpeg' });
  }, 180_000);

  itUnless(
    absence,
    'files of public reports get their verdict, each of them, read in place',
    async () => {
      const before = submissions();
      const told: Record<string, string> = {};
      for (const file of readdirSync(pictures))
        told[file] = await verdictOf(file, readFileSync(path.join(pictures, file)));
      expect(told).toEqual(VERDICTS);
      expect(submissions()).toBe(before);
    },
    400_000,
  );

  /** What becomes of a file that somebody sends: the code of its refusal with segment and reason, or how its case
   *  stands when nothing goes on without a person. */
  const verdictOf = async (file: string, bytes: Buffer): Promise<string> => {
    const isCard = file.endsWith('.jp2');
    const faceImage = isCard ? bytes : readFileSync(path.join(shared, 'faces', 'cards', 'lfw10_034_colour.jp2'));
    if (isCard && file in REFUSED) {
      const asked = await capture(await loadDemoFace(captured));
      return (await refusalOf(trusting().register({ ...asked, card: withRecord(asked.card, bytes) }))).code;
    }
    const asked = await capture(isCard ? await loadDemoFace(captured) : bytes, faceImage);
    if (file in REFUSED) {
      const [checked, refused] = [
        await refusalOf(trusting().checkPhoto(bytes)),
        await refusalOf(trusting().register(asked)),
      ];
      expect([file, checked]).toEqual([file, refused]);
      const { segment, reason } = refused.data as { segment: string; reason: string };
      return `${refused.code}: ${segment}, ${reason}`;
    }
    const requestId = await server.caseWith((await trusting().register(asked)).receipt, 'CertificateVerified');
    return until(`the verdict of ${file}`, async () => {
      const history = await (await server.call('auditor', 'GET', `/v1/cases/${requestId}/history`)).json();
      const { events } = history as { events: { type: string; data: Record<string, string> }[] };
      const last = events.find(({ type }) =>
        ['FaceNotComparable', 'FaceMismatched', 'Held', 'SubmissionAttempted'].includes(type),
      );
      return last ? `${last.type}: ${last.data['image'] ?? ''} ${last.data['reason']}` : null;
    });
  };
});

/** A card whose face record is something else. */
function withRecord(card: CardSession, record: Uint8Array): CardSession {
  return {
    triesLeft: (secret) => card.triesLeft(secret),
    verifyPin: (type, pin) => card.verifyPin(type, pin),
    verifyAccessNumber: (number) => card.verifyAccessNumber(number),
    readCertificate: (type) => card.readCertificate(type),
    readCardRecord: async () => record,
    readCardIssuerCertificate: () => card.readCardIssuerCertificate(),
    sign: (type, text) => card.sign(type, text),
    signChallenge: (text) => card.signChallenge(text),
  };
}

/** Refused at the door. No file of a card holds more than 32 kB, so the larger pictures come as a record of their own
 *  size; what their samples are is judged where such pictures are decoded (`test/face/card-pictures.test.ts`). */
const REFUSED: Readonly<Record<string, string>> = {
  'height_doubled.jpg': 'photo_damaged: scan 1, rows_missing',
  'icc_two_faces_grey.jpg': 'photo_unsupported: APP2 (ICC profile), metadata',
  'mpo.jpg': 'photo_unsupported: APP2 (several pictures), metadata',
  'prog_scans1.jpg': 'photo_damaged: EOI, scans_missing',
  'thumb.jpg': 'photo_unsupported: APP1 (Exif), metadata',
  'trail_jpeg_otherperson.jpg': 'photo_unsupported: after EOI, bytes_after_end',
  'trunc70_eoi.jpg': 'photo_damaged: scan 1, rows_missing',
  'comp1_12bit.jp2': 'request_too_large',
  'lab.jp2': 'request_too_large',
};
/** One picture for every reader; what it shows keeps it from being submitted. */
const VERDICTS: Readonly<Record<string, string>> = {
  ...REFUSED,
  'signed8.jp2': 'FaceNotComparable: card unreadable_image',
  ...Object.fromEntries(
    ['rot90', 'rot180', 'rot270', 'turn45'].map((name) => [`${name}.jpg`, 'FaceNotComparable: captured not_upright']),
  ),
  'lfw10_037_mask.jpg': 'FaceNotComparable: captured mouth_covered',
  'lfw10_039_sunglasses.jpg': 'FaceNotComparable: captured eyes_covered',
  'lfw10_037_halfout.jpg': 'FaceNotComparable: captured poor_quality',
  'lfw10_039_under.jpg': 'FaceNotComparable: captured poor_quality',
};
