import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { progressLine } from '../../src/cli/progress-bar.js';
import { DEFAULT_POLICY } from '../../src/domain/policy/policy.js';
import { ensureModels } from '../../src/infrastructure/face/build-models/build-models.js';
import { DEFAULT_MODEL_SET, modelFiles } from '../../src/infrastructure/face/model-set/model-set.js';
import { parseModelSet } from '../../src/infrastructure/face/model-set/model-set-file.js';
import { DEMO_FACE_NAMES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { emptyFolder, projectRoot, testModels } from './support.js';

let folder: string;

function honnin(...args: string[]): { code: number | null; out: string; err: string } {
  const ended = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', path.join(projectRoot, 'dist/cli/main.js'), ...args],
    { encoding: 'utf8', timeout: 60_000, env: { ...process.env, HONNIN_MODEL_CACHE: testModels } },
  );
  return { code: ended.status, out: ended.stdout, err: ended.stderr };
}

/** A labelled list of faces of the sample photographs: each against its own card picture, and against others. */
beforeAll(async () => {
  await ensureModels(testModels, modelFiles(DEFAULT_MODEL_SET));
  folder = emptyFolder();
  await mkdir(path.join(folder, 'pictures'));
  const names = DEMO_FACE_NAMES.filter((_, i) => i % 3 === 0);
  for (const name of names) {
    await writeFile(path.join(folder, 'pictures', `${name}.jpg`), await loadDemoFace(name));
    await writeFile(path.join(folder, 'pictures', `${name}.jp2`), await loadCardPhoto(name));
  }
  await writeFile(path.join(folder, 'pictures', 'broken.jpg'), 'no picture');
  const rows = names.flatMap((a) => names.map((b) => [a === b ? 1 : 0, `${b}.jp2`, 'card', `${a}.jpg`]));
  rows.push([1, 'broken.jpg', 'card', `${names[0]}.jpg`]);
  await writeFile(
    path.join(folder, 'pairs.csv'),
    `same,b,condition,a\r\n${rows.map((row) => row.join(',')).join('\r\n')}\r\n`,
  );
}, 180_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const picture = (name: string): string => path.join(folder, 'pictures', name);

describe('honnin face compare', () => {
  it('says match, no match or cannot tell in words and by its exit code', () => {
    const same = honnin('face', 'compare', picture('sample1-left.jpg'), picture('sample1-left.jp2'));
    expect(same).toMatchObject({ code: 0 });
    expect(same.out).toMatch(/points .*: match\n/);
    expect(same.out).toContain('同一人物とみなす基準');
    expect(same.out).toContain('copies of one photograph');
    const other = honnin('face', 'compare', picture('sample1-left.jpg'), picture('sample6-third.jp2'), '--json');
    expect(JSON.parse(other.out)).toMatchObject({
      outcome: 'compared',
      band: expect.stringMatching(/refer|no_match/),
      algorithm: { id: DEFAULT_MODEL_SET.id },
    });
    const broken = honnin('face', 'compare', picture('broken.jpg'), picture('sample1-left.jp2'), '--json');
    expect(broken.code).toBe(2);
    expect(JSON.parse(broken.out)).toMatchObject({
      outcome: 'not_comparable',
      image: picture('broken.jpg'),
      reason: 'unreadable_image',
    });
    expect(honnin('face', 'compare', picture('sample1-left.jpg'))).toMatchObject({ code: 64 });
    expect(honnin('face', 'compare', '/nowhere.jpg', picture('sample1-left.jp2'))).toMatchObject({
      code: 64,
      err: expect.stringContaining('cannot be read'),
    });
  }, 180_000);
});

describe('honnin face evaluate', () => {
  it('writes rates, ranges, times and plots, and counts a picture that was not enrolled as a non-match', () => {
    const ended = honnin(
      'face',
      'evaluate',
      '--pairs',
      path.join(folder, 'pairs.csv'),
      '--root',
      path.join(folder, 'pictures'),
      '--json',
      path.join(folder, 'out/report.json'),
      '--scores',
      path.join(folder, 'out/scores.csv'),
    );
    expect(ended.code).toBe(0);
    expect(ended.err).toMatch(/images \[#+\] 15\/15 {2}\d+\.\d images\/s {2}took/);
    const report = JSON.parse(readFileSync(path.join(folder, 'out/report.json'), 'utf8'));
    expect(report).toMatchObject({
      format: 'honnin-face-evaluation/1',
      images: { total: 15, enrolled: 14, failed: [{ image: 'broken.jpg', reason: 'unreadable_image' }] },
    });
    const { card } = report.conditions;
    expect(card).toMatchObject({ pairs: { same: 8, different: 42 }, pairsWithFailure: { same: 1, different: 0 } });
    // Seven pictures match themselves; the eighth was not enrolled.
    expect(card.rates.at.map((point: { fnmr: number }) => point.fnmr)).toEqual([1 / 8, 1 / 8, 1 / 8]);
    expect(card.rates.at.map((point: { resolved: boolean }) => point.resolved)).toEqual([false, false, false]);
    expect(card.ranges95).toMatchObject({ over: 'subjects' });
    expect(report.timing.msPerImage.p50).toBeGreaterThan(1);
    for (const plot of ['det', 'histograms'])
      expect(readFileSync(path.join(folder, `out/report-${plot}.svg`), 'utf8')).toContain('</svg>');
    const scores = readFileSync(path.join(folder, 'out/scores.csv'), 'utf8').trim().split('\n');
    expect(scores).toHaveLength(1 + 50);
    expect(scores.at(-1)).toMatch(/,broken\.jpg,1,card,$/);
  }, 180_000);

  it('says what is wrong with a list', () => {
    expect(honnin('face', 'evaluate')).toMatchObject({
      code: 64,
      err: expect.stringContaining('--pairs FILE is missing'),
    });
    expect(honnin('face', 'evaluate', '--pairs', path.join(folder, 'pairs.csv'))).toMatchObject({
      code: 64,
      err: expect.stringContaining('not on the disk'),
    });
  }, 180_000);
});

describe('honnin face calibrate', () => {
  it('refuses a list that cannot carry a curve instead of inventing one', async () => {
    const ended = honnin(
      'face',
      'calibrate',
      '--pairs',
      path.join(folder, 'pairs.csv'),
      '--root',
      path.join(folder, 'pictures'),
      '--out',
      path.join(folder, 'calibrated'),
    );
    expect(ended.code).toBe(1);
    expect(ended.err).toContain('do not overlap');
    expect(existsSync(path.join(folder, 'calibrated'))).toBe(false);
  }, 180_000);

  it('writes a model set and a policy proposal, and says how little they rest on', async () => {
    // Wrong labels make the kinds overlap, as a hard list does.
    const text = readFileSync(path.join(folder, 'pairs.csv'), 'utf8').replace(
      '0,sample2-right.jp2,card,sample1-left.jpg',
      '1,sample2-right.jp2,card,sample1-left.jpg',
    );
    await writeFile(path.join(folder, 'hard.csv'), text);
    const ended = honnin(
      'face',
      'calibrate',
      '--pairs',
      path.join(folder, 'hard.csv'),
      '--root',
      path.join(folder, 'pictures'),
      '--out',
      path.join(folder, 'calibrated'),
      '--id',
      'ours',
      '--fmr',
      '0.05',
    );
    expect(ended).toMatchObject({ code: 0, out: expect.stringMatching(/warning: .*people/) });
    const set = parseModelSet(readFileSync(path.join(folder, 'calibrated/ours.json'), 'utf8'), 'test');
    expect(set.embedder).toEqual(DEFAULT_MODEL_SET.embedder);
    expect(set.calibration.source).toContain('different-person pairs (card)');
    const policy = JSON.parse(
      readFileSync(path.join(folder, 'calibrated/policy-proposal.json'), 'utf8'),
    ) as typeof DEFAULT_POLICY;
    expect(Object.keys(policy).sort()).toEqual(Object.keys(DEFAULT_POLICY).sort());
    expect(policy.referralPointsMin).toBeLessThanOrEqual(policy.cardMatchPointsMin);
  }, 180_000);
});

describe('honnin models', () => {
  it('builds, lists, and refuses what it was not asked for', async () => {
    expect(honnin('models', 'build')).toMatchObject({ code: 0, out: expect.stringContaining('is ready in') });
    const listed = JSON.parse(honnin('models', 'list', '--json').out) as {
      sets: { id: string; files: { state: string }[] }[];
    };
    expect(listed.sets[0]).toMatchObject({
      id: DEFAULT_MODEL_SET.id,
      files: Array.from({ length: 5 }, () => ({ state: 'ready' })),
    });
    await writeFile(path.join(folder, 'net.onnx'), 'x');
    expect(
      honnin(
        'models',
        'install',
        path.join(folder, 'net.onnx'),
        '--sha256',
        '0'.repeat(64),
        '--cache',
        path.join(folder, 'cache'),
      ),
    ).toMatchObject({ code: 1, err: expect.stringContaining('Nothing was installed') });
    expect(honnin('models', 'install', path.join(folder, 'net.onnx'))).toMatchObject({
      code: 64,
      err: expect.stringContaining('--sha256 HEX is missing'),
    });
    expect(honnin('models', 'remove')).toMatchObject({ code: 64 });
  }, 180_000);
});

describe('progress', () => {
  it('shows rate and time left', () => {
    expect(progressLine({ what: 'images', unit: 'images', done: 60, total: 100, elapsedMs: 2_000 })).toBe(
      'images [##############----------] 60/100  30.0 images/s  2 s left',
    );
    expect(progressLine({ what: 'images', unit: 'images', done: 0, total: 100, elapsedMs: 0 })).toContain(
      'time left unknown',
    );
    expect(progressLine({ what: 'images', unit: 'images', done: 10, total: 10_000, elapsedMs: 1_000 })).toContain(
      '16 min 39 s left',
    );
  });
});
