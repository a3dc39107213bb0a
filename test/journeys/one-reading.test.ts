import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { BoothClient, type Capture } from '../../src/booth/booth-client.js';
import { ServerRefusedError } from '../../src/booth/booth-errors.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { preparedPhoto } from '../../src/booth/prepared-photo.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/demo-faces.js';
import { RealServer } from '../support/real-server.js';
import { SECOND_READINGS } from '../support/second-readings.js';
import { elsewhere } from '../support/peers.js';
import { itUnless } from '../support/unless.js';

const { captured, card: onCard } = DEMO_STORIES.samePerson;
const shared =
  process.env['HONNIN_SHARED'] ?? path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../shared');
const pictures = path.join(shared, 'cases', 'pictures');
const absence = elsewhere(existsSync(pictures) ? null : `${pictures} is absent`);

/** Over the built server beside the sandbox: a booth that sends what it is given, and our own booth, which prepares
 *  it first. @req R3 R21 */
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
        await server.call(
          'auditor',
          'GET',
          `/v1/cases/${await server.caseWith(receipt, 'FaceNotComparable')}/history`,
        )
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
    'files of public reports get their verdict, read in place',
    async () => {
      const before = submissions();
      const faceImage = readFileSync(path.join(shared, 'faces', 'cards', 'lfw10_034_colour.jp2'));
      const refused = new Set([
        'height_doubled',
        'icc_two_faces_grey',
        'mpo',
        'prog_scans1',
        'thumb',
        'trail_jpeg_otherperson',
        'trunc70_eoi',
      ]);
      for (const file of readdirSync(pictures)) {
        const [name = '', kind] = file.split('.');
        const bytes = readFileSync(path.join(pictures, file));
        if (kind === 'jp2') {
          // A record holds 32 kB; the larger ones are read where the decoder is tested.
          if (bytes.length > 30_000) continue;
          const { receipt } = await trusting().register(await capture(await loadDemoFace(captured), bytes));
          await server.caseWith(receipt, 'FaceNotComparable');
        } else if (refused.has(name)) {
          expect((await refusalOf(trusting().register(await capture(bytes, faceImage)))).code).toMatch(
            /^photo_(unsupported|damaged)$/,
          );
          expect((await refusalOf(trusting().checkPhoto(bytes))).code).toMatch(/^photo_(unsupported|damaged)$/);
        }
      }
      expect(submissions()).toBe(before);
    },
    240_000,
  );
});
