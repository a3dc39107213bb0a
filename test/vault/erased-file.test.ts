import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { LastingErasure } from '../../src/application/ports/registrant/image-vault.js';
import { EncryptedImageVault } from '../../src/infrastructure/vault/encrypted-image-vault.js';
import { ErasedFile, hashOfOwner } from '../../src/infrastructure/vault/erased-file.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';

let folder: string;
const file = () => join(folder, 'elsewhere', 'erased');
const erasure = (eventId: string): LastingErasure => ({
  eventId,
  rule: 'request_of_the_person',
  atUtc: '2026-11-30T00:00:00.000Z',
  cases: ['case:r1', 'case:r2'],
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'honnin-erased-'));
  mkdirSync(join(folder, 'elsewhere'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('notes whose erasure it is and which cases were of the person, without naming anybody', async () => {
  await new ErasedFile(file()).note('registrant:hanako', erasure('e1'));
  const { registrants, cases, unreadable } = ErasedFile.read(file());
  expect(registrants).toEqual([
    {
      ownerHash: hashOfOwner('registrant:hanako'),
      eventId: 'e1',
      rule: 'request_of_the_person',
      atUtc: '2026-11-30T00:00:00.000Z',
    },
  ]);
  expect(cases).toEqual(new Set([hashOfOwner('case:r1'), hashOfOwner('case:r2')]));
  expect([unreadable, statSync(file()).mode & 0o077]).toEqual([0, 0]);
  expect(readFileSync(file(), 'utf8')).not.toMatch(/hanako|r1/);
});

it('is not spoilt by what a crash left of a line', async () => {
  await new ErasedFile(file()).note('registrant:hanako', erasure('e1'));
  appendFileSync(file(), 'registrant 0123');
  await new ErasedFile(file()).note('registrant:taro', erasure('e2'));
  const { registrants, unreadable } = ErasedFile.read(file());
  expect(registrants.map(({ eventId }) => eventId)).toEqual(['e1', 'e2']);
  expect(unreadable).toBe(1);
});

it('tells of nothing where there is none', () => {
  expect(ErasedFile.read(file())).toEqual({ registrants: [], cases: new Set(), unreadable: 0, lines: [] });
});

it('comes before the deed: what cannot be noted is not destroyed', async () => {
  const ring = new KeyRing(join(folder, 'keys.db'), new Uint8Array(32).fill(7));
  // The disk of the file is not there.
  const away = new ErasedFile(join(folder, 'away', 'erased'));
  const vault = new EncryptedImageVault(join(folder, 'sealed'), ring, away);
  await vault.seal('registrant:hanako', 'image', new Uint8Array([1]));
  await expect(vault.destroyOwner('registrant:hanako', erasure('e1'))).rejects.toThrow(/ENOENT/);
  expect(ring.existingKey('registrant:hanako')).not.toBe(null);
  // The end of a case is nobody's erasure.
  await vault.destroyOwner('registrant:hanako');
  expect(ring.existingKey('registrant:hanako')).toBe(null);
  ring.close();
});
