import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  BlobDiffersError,
  BlobGoneError,
  OwnerErasedError,
} from '../../src/application/ports/registrant/image-vault.js';
import { EncryptedImageVault } from '../../src/infrastructure/vault/encrypted-image-vault.js';
import { KeyRing } from '../../src/infrastructure/vault/key-ring.js';

const MASTER = Buffer.alloc(32, 7);
/** For readers who know nothing of the bytes beforehand. */
const ANY = { isNamedAfter: () => true };
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

  const files = (): string[] =>
    readdirSync(join(folder, 'sealed'), { recursive: true, withFileTypes: true })
      .filter((f) => f.isFile())
      .map((f) => join(f.parentPath, f.name));

  it('gives back what was sealed, with the same commitment', async () => {
    const commitment = await vault.seal('case:r1', 'photo', PICTURE);
    expect(Buffer.from(await vault.open('case:r1', 'photo', { commitment })).equals(PICTURE)).toBe(true);
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
    await expect(vault.seal('case:r1', 'photo', Buffer.from('another'))).rejects.toMatchObject({
      difference: 'other_bytes',
    });
  });

  it('salts the commitment: equal pictures of two owners, or under two ids, cannot be linked', async () => {
    const commitments = [
      await vault.seal('case:r1', 'photo', PICTURE),
      await vault.seal('case:r2', 'photo', PICTURE),
      await vault.seal('case:r1', 'other', PICTURE),
    ];
    expect(new Set(commitments).size).toBe(3);
  });

  it('erases everything of an owner with the key, and nothing of anybody else (@req A16)', async () => {
    await vault.seal('case:r1', 'photo', PICTURE);
    await vault.seal('case:r2', 'photo', PICTURE);
    const saved = files().map((f) => [f, readFileSync(f)] as const);
    await vault.destroyOwner('case:r1');
    await expect(vault.open('case:r1', 'photo', ANY)).rejects.toThrow(BlobGoneError);
    expect(Buffer.from(await vault.open('case:r2', 'photo', ANY)).equals(PICTURE)).toBe(true);
    // Even with the file put back from a backup there is no key for it.
    for (const [file, bytes] of saved) {
      try {
        writeFileSync(file, bytes, { flag: 'wx' });
      } catch {
        // Its folder is gone, or it is the other owner's file that is still there.
      }
    }
    await expect(vault.open('case:r1', 'photo', ANY)).rejects.toThrow(BlobGoneError);
    await vault.destroyOwner('case:r1');
  });

  it('takes nothing more for a case or evidence that was destroyed, lets a registrant begin anew', async () => {
    for (const owner of ['case:r1', 'evidence:r1', 'registrant:s1'] as const) await vault.seal(owner, 'photo', PICTURE);
    await vault.destroyOwner('case:r1');
    await vault.destroyOwner('evidence:r1');
    await vault.destroyOwner('registrant:s1');
    for (const owner of ['case:r1', 'evidence:r1'] as const)
      await expect(vault.seal(owner, 'photo', PICTURE)).rejects.toThrow(OwnerErasedError);
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

  it.each(['changed', 'shortened', 'emptied', 'of another blob', 'of another owner'])(
    'gives out nothing of a file that is %s',
    async (how) => {
      const commitment = await vault.seal('case:r1', 'photo', PICTURE);
      const [file] = files() as [string];
      const bytes = readFileSync(file);
      const other = await vault
        .seal(
          how === 'of another owner' ? 'case:r2' : 'case:r1',
          how === 'of another owner' ? 'photo' : 'other',
          PICTURE,
        )
        .then(() => readFileSync(files().find((f) => f !== file) as string));
      const instead: Record<string, Buffer> = {
        changed: Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) as number) ^ 1)]),
        shortened: bytes.subarray(0, 20),
        emptied: Buffer.alloc(0),
      };
      writeFileSync(file, instead[how] ?? other);
      await expect(vault.open('case:r1', 'photo', { commitment })).rejects.toMatchObject({
        constructor: BlobDiffersError,
        difference: 'undecryptable',
        owner: 'case:r1',
        blobId: 'photo',
      });
      await expect(vault.seal('case:r1', 'photo', PICTURE)).rejects.toThrow(BlobDiffersError);
    },
  );

  it('gives out nothing that is sealed well and is not what was committed to, or not what its name was made of', async () => {
    const commitment = await vault.seal('case:r1', 'photo', PICTURE);
    await vault.remove('case:r1', 'photo');
    await vault.seal('case:r1', 'photo', Buffer.from('somebody else'));
    await expect(vault.open('case:r1', 'photo', { commitment })).rejects.toMatchObject({
      constructor: BlobDiffersError,
      difference: 'other_bytes',
    });
    await expect(vault.open('case:r1', 'photo', { isNamedAfter: () => false })).rejects.toMatchObject({
      constructor: BlobDiffersError,
      difference: 'other_bytes',
    });
  });

  it('tells an exchanged key from a destroyed one, for this owner alone', async () => {
    const commitment = await vault.seal('case:r1', 'photo', PICTURE);
    const others = await vault.seal('case:r2', 'photo', PICTURE);
    const database = new DatabaseSync(join(folder, 'keys.db'));
    database.exec(
      "UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key WHERE owner = 'case:r2') WHERE owner = 'case:r1'",
    );
    database.close();
    await expect(vault.open('case:r1', 'photo', { commitment })).rejects.toMatchObject({
      constructor: BlobDiffersError,
      difference: 'key',
    });
    expect(await vault.open('case:r2', 'photo', { commitment: others })).toHaveLength(PICTURE.length);
  });

  it('says of one blob that it is gone, and of an empty folder that its disk is', async () => {
    const commitment = await vault.seal('case:r1', 'photo', PICTURE);
    await vault.seal('case:r2', 'photo', PICTURE);
    await vault.remove('case:r1', 'photo');
    await expect(vault.open('case:r1', 'photo', { commitment })).rejects.toThrow(BlobGoneError);
    for (const name of readdirSync(join(folder, 'sealed'))) rmSync(join(folder, 'sealed', name), { recursive: true });
    await expect(vault.open('case:r1', 'photo', { commitment })).rejects.toThrow(/is its disk there/);
  });

  it('says that the master key is another one, instead of giving out noise', async () => {
    await vault.seal('case:r1', 'photo', PICTURE);
    keys.close();
    keys = new KeyRing(join(folder, 'keys.db'), Buffer.alloc(32, 8));
    await expect(new EncryptedImageVault(join(folder, 'sealed'), keys).open('case:r1', 'photo', ANY)).rejects.toThrow(
      /master key is another one/,
    );
  });
});
