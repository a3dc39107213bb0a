import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BlobGoneError, OwnerErasedError } from '../../src/application/ports/image-vault.js';
import { EncryptedImageVault } from '../../src/infrastructure/vault/encrypted-image-vault.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';

const MASTER = Buffer.alloc(32, 7);
const PICTURE = Buffer.from('a picture of somebody, long enough to be found again');

describe('encrypted image vault (@req R12)', () => {
  let folder: string;
  let keys: KeyRing;
  let vault: EncryptedImageVault;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'honnin-vault-'));
    keys = new KeyRing(join(folder, 'keys.db'), MASTER);
    vault = new EncryptedImageVault(join(folder, 'sealed'), keys);
  });
  afterEach(() => {
    keys.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const files = (): string[] => readdirSync(join(folder, 'sealed'), { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => join(f.parentPath, f.name));

  it('gives back what was sealed, with the same commitment', async () => {
    const commitment = await vault.seal('case:r1', 'photo', PICTURE);
    const opened = await vault.open('case:r1', 'photo');
    expect(Buffer.from(opened.bytes).equals(PICTURE)).toBe(true);
    expect(opened.commitment).toBe(commitment);
    expect(commitment).toMatch(/^[0-9a-f]{64}$/);
  });

  it('leaves no plaintext, no owner and no id on the disk, and no file for others to read', async () => {
    await vault.seal('registrant:somebody', 'image-1', PICTURE);
    const [file] = files();
    expect(files()).toHaveLength(1);
    const bytes = readFileSync(file as string);
    expect(bytes.includes(PICTURE.subarray(0, 16))).toBe(false);
    expect(file).not.toMatch(/somebody|image-1/);
    expect(statSync(file as string).mode & 0o077).toBe(0);
  });

  it('repeats without change and refuses other bytes under a used id', async () => {
    const first = await vault.seal('case:r1', 'photo', PICTURE);
    expect(await vault.seal('case:r1', 'photo', PICTURE)).toBe(first);
    await expect(vault.seal('case:r1', 'photo', Buffer.from('another'))).rejects.toThrow(/other bytes/);
  });

  it('salts the commitment: equal pictures of two owners, or under two ids, cannot be linked', async () => {
    const commitments = [await vault.seal('case:r1', 'photo', PICTURE), await vault.seal('case:r2', 'photo', PICTURE), await vault.seal('case:r1', 'other', PICTURE)];
    expect(new Set(commitments).size).toBe(3);
  });

  it('erases everything of an owner with the key, and nothing of anybody else', async () => {
    await vault.seal('case:r1', 'photo', PICTURE);
    await vault.seal('case:r2', 'photo', PICTURE);
    const saved = files().map((f) => [f, readFileSync(f)] as const);
    await vault.destroyOwner('case:r1');
    await expect(vault.open('case:r1', 'photo')).rejects.toThrow(BlobGoneError);
    expect(Buffer.from((await vault.open('case:r2', 'photo')).bytes).equals(PICTURE)).toBe(true);
    // Even with the file put back from a backup there is no key for it.
    for (const [file, bytes] of saved) {
      try {
        writeFileSync(file, bytes, { flag: 'wx' });
      } catch {
        // Its folder is gone, or it is the other owner's file that is still there.
      }
    }
    await expect(vault.open('case:r1', 'photo')).rejects.toThrow(BlobGoneError);
    await vault.destroyOwner('case:r1');
  });

  it('takes nothing more for a case or evidence that was destroyed, lets a discarded one and a registrant begin anew', async () => {
    for (const owner of ['case:r1', 'case:r2', 'evidence:r1', 'registrant:s1'] as const) await vault.seal(owner, 'photo', PICTURE);
    await vault.destroyOwner('case:r1');
    await vault.destroyOwner('evidence:r1');
    await vault.discardOwner('case:r2');
    await vault.destroyOwner('registrant:s1');
    for (const owner of ['case:r1', 'evidence:r1'] as const) await expect(vault.seal(owner, 'photo', PICTURE)).rejects.toThrow(OwnerErasedError);
    expect(await vault.seal('case:r2', 'photo', PICTURE)).toMatch(/^[0-9a-f]{64}$/);
    expect(await vault.seal('registrant:s1', 'photo', PICTURE)).toMatch(/^[0-9a-f]{64}$/);
    expect(readFileSync(join(folder, 'keys.db')).includes(Buffer.from('case:r1'))).toBe(false);
  });

  it('keeps no destroyed key in the key file', async () => {
    await vault.seal('case:r1', 'photo', PICTURE);
    const marker = Buffer.from('case:r1');
    expect(readFileSync(join(folder, 'keys.db')).includes(marker)).toBe(true);
    await vault.destroyOwner('case:r1');
    expect(readFileSync(join(folder, 'keys.db')).includes(marker)).toBe(false);
  });

  it('notices a changed, a swapped and a shortened file', async () => {
    await vault.seal('case:r1', 'photo', PICTURE);
    const [file] = files() as [string];
    const bytes = readFileSync(file);
    for (const broken of [Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) as number) ^ 1)]), bytes.subarray(0, 20), Buffer.alloc(0)]) {
      writeFileSync(file, broken);
      await expect(vault.open('case:r1', 'photo')).rejects.toThrow();
    }
    writeFileSync(file, bytes);
    await vault.seal('case:r1', 'other', Buffer.from('other'));
    const other = files().find((f) => f !== file) as string;
    writeFileSync(other, bytes);
    await expect(vault.open('case:r1', 'other')).rejects.toThrow();
  });

  it('says that the master key is another one, instead of giving out noise', async () => {
    await vault.seal('case:r1', 'photo', PICTURE);
    keys.close();
    keys = new KeyRing(join(folder, 'keys.db'), Buffer.alloc(32, 8));
    await expect(new EncryptedImageVault(join(folder, 'sealed'), keys).open('case:r1', 'photo')).rejects.toThrow(/master key is another one/);
  });
});
