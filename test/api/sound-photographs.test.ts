import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import sharp, { type JpegOptions } from 'sharp';
import { caseOwner, CASE_BLOBS } from '../../src/application/case/case-material.js';
import { EnrolBooth } from '../../src/application/commands/manage-booth.js';
import { readPhoto } from '../../src/domain/photo/photo-reader.js';
import { peer, peerProgram } from '../support/peers.js';
import { itUnless } from '../support/unless.js';
import { ApiServer } from './support/api-server.js';
import { envelopeOf, newBooth, partsOf, requestJson } from './support/booth.js';
import { BOUNDARY, multipartBody } from './support/multipart.js';

const booth = newBooth('booth-0001');
let api: ApiServer;
let counter = 0;

beforeAll(async () => {
  api = await ApiServer.start();
  const bus = api.app.get(CommandBus, { strict: false });
  await bus.execute(new EnrolBooth('enrol-1', booth.boothId, booth.publicKey, 'admin'));
});
afterAll(() => api.close());

/** Hands a photograph in and reads it back out of the vault. @returns what the vault holds, or the refusal */
async function registered(photo: Uint8Array): Promise<Uint8Array | object> {
  const challenge = await api.inject({
    method: 'POST',
    url: '/v1/challenges',
    headers: { 'content-type': 'application/json' },
    payload: { boothId: booth.boothId },
  });
  const { nonce } = challenge.json<{ nonce: string }>();
  const body = multipartBody(partsOf(requestJson(booth, envelopeOf(booth, nonce, {}, photo)), photo));
  const headers = {
    'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    'idempotency-key': `sound-${(counter += 1)}`,
  };
  const answer = await api.inject({ method: 'POST', url: '/v1/registrations', headers, payload: body });
  if (answer.statusCode !== 202) return answer.json<object>();
  const received = (await api.events()).findLast(({ type }) => type === 'RequestReceived')!;
  const { requestId, material } = received.data as { requestId: string; material: { photo: string } };
  return api.vault.open(caseOwner(requestId), CASE_BLOBS.photo, { commitment: material.photo });
}

const SIZES = [
  [1, 1],
  [17, 9],
  [61, 43],
] as const;
const WRITERS: readonly (readonly [string, JpegOptions])[] = [
  ['sequential 4:2:0', { chromaSubsampling: '4:2:0' }],
  ['sequential 4:4:4', { chromaSubsampling: '4:4:4' }],
  ['optimised tables', { optimiseCoding: true }],
  ['standard tables', { optimiseCoding: false }],
  ['progressive 4:2:0', { progressive: true, chromaSubsampling: '4:2:0' }],
  ['progressive 4:4:4', { progressive: true, chromaSubsampling: '4:4:4' }],
  ['mozjpeg', { mozjpeg: true }],
  ['trellis and deringing', { trellisQuantisation: true, overshootDeringing: true, optimiseScans: true }],
];
const noise = ([width, height]: readonly [number, number], grey: boolean) => {
  const picture = sharp({
    create: { width, height, channels: 3, background: '#a87', noise: { type: 'gaussian', mean: 120, sigma: 50 } },
  });
  return grey ? picture.greyscale().toColourspace('b-w') : picture;
};

describe('sound photographs', () => {
  it('of 48 kinds are taken, and kept byte for byte', async () => {
    const kinds = WRITERS.flatMap(([writer, options]) =>
      SIZES.flatMap((size) => [false, true].map((grey) => ({ writer, options, size, grey }))),
    );
    for (const [i, { writer, options, size, grey }] of kinds.entries()) {
      const quality = [1, 35, 60, 80, 92, 100][i % 6]!;
      const photo = await noise(size, grey)
        .jpeg({ ...options, quality })
        .toBuffer();
      const kept = await registered(photo);
      expect({
        writer,
        size,
        grey,
        quality,
        kept: kept instanceof Uint8Array ? Buffer.compare(kept, photo) : kept,
      }).toEqual({ writer, size, grey, quality, kept: 0 });
    }
    expect(kinds).toHaveLength(48);
  }, 120_000);

  it('of every quality are read', async () => {
    for (let quality = 1; quality <= 100; quality += 1) {
      const photo = await noise([40, 33], false)
        .jpeg({ quality, progressive: quality % 2 === 0 })
        .toBuffer();
      expect({ quality, ...readPhoto(photo) }).toMatchObject({ quality, outcome: 'plain' });
    }
  });

  itUnless(
    peer('cjpeg'),
    'of libjpeg-turbo itself are taken: samplings, restart markers, one scan for each component',
    async () => {
      const raw = await noise([61, 43], false).raw().toBuffer();
      const ppm = Buffer.concat([Buffer.from('P6\n61 43\n255\n'), raw]);
      const commands = ['1x1', '2x1', '1x2', '2x2', '4x1'].flatMap((sample) => [
        ['-sample', sample],
        ['-sample', sample, '-progressive'],
        ['-sample', sample, '-restart', '3B'],
        ['-sample', sample, '-restart', '1', '-progressive'],
      ]);
      for (const args of [...commands, ['-grayscale'], ['-optimize'], ['-dct', 'float'], ['-quality', '100']]) {
        const { stdout, status } = spawnSync(peerProgram('cjpeg') as string, args, { input: ppm, maxBuffer: 1 << 24 });
        expect({ args, status }).toEqual({ args, status: 0 });
        const kept = await registered(stdout);
        expect({ args, kept: kept instanceof Uint8Array ? Buffer.compare(kept, stdout) : kept }).toEqual({
          args,
          kept: 0,
        });
      }
    },
    120_000,
  );
});
