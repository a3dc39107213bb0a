import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  BlobDiffersError,
  BlobGoneError,
  ImageVault,
  OwnerErasedError,
  type Expected,
  type LastingErasure,
  type VaultOwner,
} from '../../application/ports/registrant/image-vault.js';
import type { ErasedFile } from './erased-file.js';
import { KeyDiffersError, type Keys } from './key-ring.js';
import type { VaultHealth } from './vault-health.js';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAGIC = Buffer.from('HNV1');

/** AES-256-GCM files, named by a hash of owner and id, under one data key per owner that a master key wraps.
 *  File: magic, nonce, ciphertext, tag; owner and id are authenticated with it, so that files cannot be swapped. */
export class EncryptedImageVault extends ImageVault {
  /** @param folder where the files go; created when missing */
  constructor(
    private readonly folder: string,
    private readonly keys: Keys,
    /** Where erasures are noted that no copy may undo; absent in tools that erase nobody. */
    private readonly erased: ErasedFile | null = null,
    /** Looks before something is written whether the folder is still the one of the start; absent in tools. */
    private readonly health: Pick<VaultHealth, 'assertThere'> | null = null,
  ) {
    super();
  }

  async seal(owner: VaultOwner, blobId: string, bytes: Uint8Array): Promise<string> {
    const key = await this.keys.keyFor(owner);
    if (!key) throw new OwnerErasedError(owner);
    const commitment = commitmentOf(key, owner, blobId, bytes);
    const path = this.pathOf(owner, blobId);
    const there = await this.readIfThere(path);
    if (there) {
      if (!this.decrypted(key, owner, blobId, there).equals(bytes))
        throw new BlobDiffersError(owner, blobId, 'other_bytes');
      return commitment;
    }
    await this.health?.assertThere();
    await writeDurably(path, encrypt(key, aad(owner, blobId), bytes));
    await this.assertOwned(owner, key, path);
    return commitment;
  }

  async open(owner: VaultOwner, blobId: string, expected: Expected): Promise<Uint8Array> {
    const key = await this.keyOf(owner, blobId);
    if (!key) throw new BlobGoneError(owner, blobId);
    const sealed = await this.readIfThere(this.pathOf(owner, blobId));
    if (!sealed) return this.missing(owner, blobId);
    const bytes = this.decrypted(key, owner, blobId, sealed);
    if (!isExpected(bytes, commitmentOf(key, owner, blobId, bytes), expected))
      throw new BlobDiffersError(owner, blobId, 'other_bytes');
    return bytes;
  }

  async remove(owner: VaultOwner, blobId: string): Promise<void> {
    await rm(this.pathOf(owner, blobId), { force: true });
  }

  async destroyOwner(owner: VaultOwner, lasting?: LastingErasure): Promise<void> {
    // Noted before it is done: a copy that does not know of it must be told, whatever happens next.
    if (lasting) await this.erased?.note(owner, lasting);
    // The key first: from here on the files are noise, whatever happens to them.
    await this.keys.destroy(owner, { forever: !owner.startsWith('registrant:') });
    await rm(this.folderOf(owner), { recursive: true, force: true });
  }

  async caseOwners(after: VaultOwner | null, limit: number): Promise<readonly VaultOwner[]> {
    return (await this.keys.ownersAfter(after ?? '', limit)) as VaultOwner[];
  }

  /** An owner that is destroyed while something of it is being written must leave no file behind. Its key goes first
   * and its files after that: if the key is still there now, the file is there to be removed with the others. */
  private async assertOwned(owner: VaultOwner, key: Uint8Array, path: string): Promise<void> {
    const now = await this.keys.existingKey(owner);
    if (now && timingSafeEqual(now, key)) return;
    await rm(owner.startsWith('registrant:') ? path : this.folderOf(owner), { recursive: true, force: true });
    throw new OwnerErasedError(owner);
  }

  private async keyOf(owner: VaultOwner, blobId: string): Promise<Uint8Array | null> {
    try {
      return await this.keys.existingKey(owner);
    } catch (error) {
      throw error instanceof KeyDiffersError ? new BlobDiffersError(owner, blobId, 'key') : error;
    }
  }

  private decrypted(key: Uint8Array, owner: VaultOwner, blobId: string, sealed: Buffer): Buffer {
    const bytes = decrypt(key, aad(owner, blobId), sealed);
    if (bytes === null) throw new BlobDiffersError(owner, blobId, 'undecryptable');
    return bytes;
  }

  /** A vault in which nothing is left at all is a disk that is not there, and says nothing about one blob. */
  private async missing(owner: VaultOwner, blobId: string): Promise<never> {
    const [first] = await readdir(this.folder);
    if (first === undefined) throw new Error(`the vault's folder ${this.folder} is empty: is its disk there?`);
    throw new BlobGoneError(owner, blobId);
  }

  private folderOf(owner: VaultOwner): string {
    return join(this.folder, sealedFolderOf(owner));
  }

  private pathOf(owner: VaultOwner, blobId: string): string {
    return join(this.folderOf(owner), sealedFileOf(blobId));
  }

  private async readIfThere(path: string): Promise<Buffer | null> {
    try {
      return await readFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }
}

/** Where an owner's files are, below the folder of the sealed files. */
export function sealedFolderOf(owner: string): string {
  const name = createHash('sha256').update(owner).digest('hex');
  return join(name.slice(0, 2), name.slice(2, 42));
}

export function sealedFileOf(blobId: string): string {
  return `${createHash('sha256').update(blobId).digest('hex').slice(0, 40)}.sealed`;
}

function aad(owner: string, blobId: string): Buffer {
  return Buffer.from(`${owner}\n${blobId}`);
}

function encrypt(key: Uint8Array, context: Buffer, bytes: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context);
  return Buffer.concat([MAGIC, nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** @returns null when the file is not ours, was changed, or belongs to another owner, id or key. */
function decrypt(key: Uint8Array, context: Buffer, sealed: Buffer): Buffer | null {
  const start = MAGIC.length + NONCE_BYTES;
  if (sealed.length < start + TAG_BYTES || !timingSafeEqual(sealed.subarray(0, MAGIC.length), MAGIC)) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(MAGIC.length, start)).setAAD(context);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const bytes = decipher.update(sealed.subarray(start, sealed.length - TAG_BYTES));
  try {
    decipher.final();
    return bytes;
  } catch {
    // The one thing that it says in this way: the tag does not fit.
    return null;
  }
}

function isExpected(bytes: Uint8Array, commitment: string, expected: Expected): boolean {
  return 'commitment' in expected ? expected.commitment === commitment : expected.isNamedAfter(bytes);
}

/** The salt derives from the owner's key: repeating gives the same commitment, and destroying the key makes it
 * unlinkable for ever. */
function commitmentOf(key: Uint8Array, owner: string, blobId: string, bytes: Uint8Array): string {
  const salt = Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `honnin/commitment\n${owner}\n${blobId}`, 32));
  return createHmac('sha256', salt).update(bytes).digest('hex');
}

/** Written, synced, renamed, and the folder synced: there whole or not at all, also after a power cut. */
async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  for (const folder of [dirname(path), dirname(dirname(path))]) await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
