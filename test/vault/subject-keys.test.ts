import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from '@jest/globals';
import { KeyedSecrets } from '../../src/infrastructure/settings/keyed-secrets.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';
import { ThreadedKeyRing } from '../../src/infrastructure/vault/threaded-key-ring.js';
import { VaultSubjectKeys } from '../../src/infrastructure/vault/vault-subject-keys.js';
import { subjectKeysContract } from '../contract/subject-keys.contract.js';
import { KnownCards } from '../support/known-cards.js';
import { holder } from '../support/scripted-links.js';

const folder = mkdtempSync(path.join(tmpdir(), 'honnin-subject-keys-'));
const master = Buffer.alloc(32, 7);
const opened: ThreadedKeyRing[] = [];
let files = 0;

async function open(file = path.join(folder, `${(files += 1)}.db`)) {
  const ring = await ThreadedKeyRing.open(file, master);
  opened.push(ring);
  return { file, ring, keys: new VaultSubjectKeys(ring, new KeyedSecrets(Buffer.alloc(32, 1))) };
}

afterAll(async () => {
  for (const ring of opened) await ring.close();
  rmSync(folder, { recursive: true });
});

subjectKeysContract('the vault', async () => (await open()).keys);
subjectKeysContract('the stand-in', async () => new KnownCards());

describe('tombstones in the vault (@fault D2)', () => {
  const UNTIL = '2036-11-20T09:00:00.000Z';

  it('are known after a restart', async () => {
    const { file, ring, keys } = await open();
    await keys.retire(await keys.give(holder('01'), null), UNTIL);
    await ring.close();
    const again = await open(file);
    const key = await again.keys.give(holder('01'), null);
    expect(await again.keys.wereErasedBefore([key], '2026-11-23T09:00:00.000Z')).toBe(true);
  });

  it('hold a keyed hash and a day: no key of before, no serial number, no instant', async () => {
    const { file, ring, keys } = await open();
    const first = await keys.give(holder('5e0123'), null);
    await keys.retire(first, UNTIL);
    await ring.close();
    const db = new DatabaseSync(file);
    const rows = db.prepare('SELECT * FROM tombstone').all() as { mark: Uint8Array; until_day: string }[];
    expect(rows).toEqual([{ mark: expect.any(Uint8Array), until_day: '2036-11-21' }]);
    expect(db.prepare('SELECT count(*) AS n FROM card').get()).toEqual({ n: 0 });
    const everything = db.prepare('SELECT name FROM sqlite_schema WHERE type = ?').all('table') as { name: string }[];
    for (const { name } of everything) {
      const text = JSON.stringify(db.prepare(`SELECT * FROM ${name}`).all());
      expect(text).not.toContain(first);
      expect(text).not.toContain('5e0123');
    }
    db.close();
  });

  it('and the cards say whether the key under which they were marked is there', async () => {
    const { file, ring, keys } = await open();
    await keys.retire(await keys.give(holder('01'), null), UNTIL);
    await keys.give(holder('02'), null);
    await ring.close();
    expect(KeyRing.tombstonesOf(file, master)).toEqual({ marks: 2, key: 'there' });
    expect(KeyRing.tombstonesOf(file, null)).toEqual({ marks: 2, key: 'there' });
    const db = new DatabaseSync(file);
    db.exec("UPDATE data_key SET wrapped = zeroblob(60) WHERE owner = 'tombstones'");
    expect(KeyRing.tombstonesOf(file, master)).toEqual({ marks: 2, key: 'damaged' });
    db.exec("DELETE FROM data_key WHERE owner = 'tombstones'");
    db.close();
    expect(KeyRing.tombstonesOf(file, master)).toEqual({ marks: 2, key: 'missing' });
    expect(KeyRing.tombstonesOf(`${file}.none`, master)).toEqual({ marks: 0, key: 'missing' });
  });
});
