import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { RendererBusyError } from '../../src/application/ports/registrant/image-renderer.js';
import { OnnxFaceComparer } from '../../src/infrastructure/face/onnx-face-comparer.js';
import { loadCardPhoto } from '../../src/sandbox/card/demo-faces.js';
import { testModels } from './support.js';

const comparer = new OnnxFaceComparer({ cacheDir: testModels, workers: 1, queueLimit: 1 });
beforeAll(() => comparer.start(), 120_000);
afterAll(() => comparer.close());

describe('pictures that a browser shows', () => {
  it('are made of the JPEG 2000 of a card, with the same pixels', async () => {
    const card = await loadCardPhoto('sample1-right');
    expect(Buffer.from(card.subarray(4, 8)).toString('latin1')).toBe('jP  ');
    const { format, width, height } = await sharp((await comparer.renderPng(card))!).metadata();
    expect(format).toBe('png');
    const analysed = await comparer.analyse(card, { quality: false });
    expect(analysed).toMatchObject({ outcome: 'done', result: { kind: 'analysed', width, height } });
  });

  it('are not made of bytes that are no picture', async () => {
    expect(await comparer.renderPng(Buffer.from('no picture at all'))).toBeNull();
  });

  it('are promised for later while the queue is full', async () => {
    const card = await loadCardPhoto('sample1-right');
    const asked = await Promise.allSettled(Array.from({ length: 4 }, () => comparer.renderPng(card)));
    const refused = asked.filter((answer) => answer.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) expect(reason).toBeInstanceOf(RendererBusyError);
  });
});
