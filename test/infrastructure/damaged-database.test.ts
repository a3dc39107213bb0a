import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DamagedFileError } from '../../src/infrastructure/data-folder/open-database.js';
import { ReadModelDatabase } from '../../src/infrastructure/read-model/read-model-database.js';
import { SqliteSessionStore } from '../../src/infrastructure/session/sqlite-session-store.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';

const MASTER_KEY = new Uint8Array(32).fill(7);
const SESSION = { id: 'a', subject: 's', providerSession: null, endsAtUtc: '2026-12-01T00:00:00.000Z' };

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'honnin-damaged-'));
  file = path.join(folder, 'some.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const OPENED: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['the ring of keys', () => new KeyRing(file, MASTER_KEY).close(), /restore the whole installation/],
  ['what a ring says of itself', () => KeyRing.stateOf(file), /restore the whole installation/],
  ['what a ring says of tombstones', () => KeyRing.tombstonesOf(file, null), /restore the whole installation/],
  ['read models', () => ReadModelDatabase.open(file).close(), /drawn anew from the event log/],
  ['what read models say of themselves', () => ReadModelDatabase.stateOf(file), /drawn anew from the event log/],
];

describe('a database that is damaged', () => {
  describe.each(OPENED)('is named with what to do: %s', (_, open, advice) => {
    const refusal = (): unknown => {
      try {
        open();
        return null;
      } catch (error) {
        return error;
      }
    };

    it('other bytes', () => {
      writeFileSync(file, Buffer.alloc(8192, 'no database '));
      const error = refusal();
      expect(error).toBeInstanceOf(DamagedFileError);
      expect((error as Error).message).toMatch(advice);
      expect((error as Error).message).toContain(file);
    });

    it('cut off inside', () => {
      new KeyRing(file, MASTER_KEY).close();
      truncateSync(file, 5000);
      expect(refusal()).toBeInstanceOf(DamagedFileError);
    });
  });

  it('is begun anew where it holds nothing but who is signed in', () => {
    writeFileSync(file, Buffer.alloc(8192, 'no database '));
    const store = SqliteSessionStore.open(file);
    store.put({ ...SESSION, sealed: Uint8Array.of(1) });
    store.close();
    const again = SqliteSessionStore.open(file);
    expect(again.get('a', '2026-11-30T00:00:00.000Z')).toMatchObject({ subject: 's' });
    again.close();
  });

  it('is another kind of trouble where it cannot be opened at all', () => {
    expect(() => new KeyRing(path.join(folder, 'no', 'such.db'), MASTER_KEY)).toThrow(/unable to open/);
  });
});
