import { afterEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makePrivate } from '../../src/infrastructure/data-folder/private-folder.js';

const umask = process.umask();
const folder = mkdtempSync(path.join(tmpdir(), 'honnin-private-'));
afterEach(() => {
  process.umask(umask);
  for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { recursive: true });
});

const modeOf = (file: string): number => statSync(file).mode & 0o777;

// @fault O7
describe('the folder of an installation', () => {
  const data = path.join(folder, 'data');
  const made = (name: string, mode: number): string => {
    const file = path.join(data, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, 'x');
    chmodSync(file, mode);
    return file;
  };

  it('is private whoever made it, with all that lies in it', () => {
    process.umask(0);
    mkdirSync(data, { mode: 0o777 });
    const [log, key, ring] = [made('events.db', 0o644), made('keys/master.key', 0o666), made('vault/keys.db', 0o640)];
    expect(makePrivate(data).sort()).toEqual([data, log, path.dirname(key), key, path.dirname(ring), ring].sort());
    expect([data, path.dirname(key)].map(modeOf)).toEqual([0o700, 0o700]);
    expect([log, key, ring].map(modeOf)).toEqual([0o600, 0o600, 0o600]);
    expect(makePrivate(data)).toEqual([]);
  });

  it('is made private, and so is what is made in it later', () => {
    process.umask(0o022);
    expect(makePrivate(data)).toEqual([]);
    writeFileSync(path.join(data, 'later'), 'x');
    mkdirSync(path.join(data, 'also-later'));
    expect([data, path.join(data, 'later'), path.join(data, 'also-later')].map(modeOf)).toEqual([0o700, 0o600, 0o700]);
  });

  it('leaves what a link leads to as it is', () => {
    mkdirSync(data);
    const elsewhere = path.join(folder, 'elsewhere');
    writeFileSync(elsewhere, 'x');
    chmodSync(elsewhere, 0o644);
    symlinkSync(elsewhere, path.join(data, 'link'));
    makePrivate(data);
    expect(modeOf(elsewhere)).toBe(0o644);
  });
});
