import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { built } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const inherited = Object.entries(process.env).filter(([name]) => !/^(HONNIN_|NODE_OPTIONS)/.test(name));
const ENDS_WITHIN_MS = 120_000;

// @fault O1
describeUnless(built('cli/main.js'), 'a command that fails', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-failures-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (args: readonly string[], env: Record<string, string>) =>
    spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', cli, ...args], {
      env: { ...Object.fromEntries(inherited), HONNIN_DATA: path.join(folder, 'data'), ...env },
      encoding: 'utf8',
      timeout: ENDS_WITHIN_MS,
    });
  /** Ended by itself, with words instead of a stack. */
  const expectWords = (
    { status, signal, stdout, stderr }: ReturnType<typeof run>,
    code: number,
    words: RegExp,
  ): void => {
    expect({ status, signal, said: `${stdout}${stderr}` }).toEqual({
      status: code,
      signal: null,
      said: expect.stringMatching(words),
    });
    expect(stderr).not.toMatch(/internal error|\n\s+at .*\.js:\d+/);
  };

  it.each([
    'start',
    'audit fsck',
    'audit show --registration 0f8e2a1c-1234-4567-8901-123456789012',
    'events check',
    'events print',
    'projections status',
    'kafka lag',
    'schemas check',
    'backup FOLDER/b --keys FOLDER/k',
    'restore FOLDER/b --keys FOLDER/k --check',
  ])('because two settings are wrong names both, and where they are right says how: %s', (line) => {
    const wrong = { HONNIN_PORT: 'abc', HONNIN_LOG_LEVEL: 'loud' };
    const args = line.replaceAll('FOLDER', folder).split(' ');
    expectWords(
      run(args, wrong),
      64,
      /HONNIN_PORT=abc: must be a whole number[\s\S]*HONNIN_LOG_LEVEL=loud: must be one of/,
    );
    expect(existsSync(path.join(folder, 'data'))).toBe(false);
  });

  it.each([
    'audit export --from 0 --out FOLDER/o',
    'events check',
    'events backup FOLDER/copy.db',
    'events print',
    'projections status',
    'kafka lag',
    'schemas check',
  ])('because the event log is none says which file: %s', (line) => {
    const data = path.join(folder, 'garbage');
    mkdirSync(path.join(data, 'audit'), { recursive: true });
    for (const name of ['events.db', 'readmodel.db']) writeFileSync(path.join(data, name), 'hello');
    mkdirSync(path.join(data, 'vault', 'sealed'), { recursive: true });
    expectWords(run(line.replaceAll('FOLDER', folder).split(' '), { HONNIN_DATA: data }), 1, /garbage\/events\.db/);
  });

  it('that is the server alone says so in one line', () => {
    const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
    const env = {
      ...Object.fromEntries(inherited),
      HONNIN_DATA: path.join(folder, 'data'),
      HONNIN_PORT: 'abc',
      HONNIN_PROT: '1',
    };
    const ended = spawnSync(process.execPath, [main], { env, encoding: 'utf8', timeout: ENDS_WITHIN_MS });
    expect({ status: ended.status, stderr: ended.stderr.replace(/\(.*ExperimentalWarning[\s\S]*/, '') }).toEqual({
      status: 1,
      stderr: '',
    });
    expect(JSON.parse(ended.stdout)).toEqual({
      msg: 'not started',
      reason: expect.stringMatching(/HONNIN_PORT=abc[\s\S]*HONNIN_PROT/),
    });
  });

  it.each([
    ['events backup nowhere/at/all.db', /events\.db|nowhere/],
    ['audit fsck', /there is no event log/],
    ['projections check', /there is no event log/],
  ])('because nothing is there says so, and makes nothing: %s', (line, words) => {
    const ended = run(line.split(' '), { HONNIN_DATA: path.join(folder, 'empty') });
    expect({ failed: ended.status === 1 || ended.status === 64, said: ended.stderr }).toEqual({
      failed: true,
      said: expect.stringMatching(words),
    });
    expect(existsSync(path.join(folder, 'empty'))).toBe(false);
  });
});
