/** Who a blob belongs to; each owner has a data key of its own, and destroying the key erases everything of the owner.
 *  `case:<requestId>` while a request is open (A16), `registrant:<subjectKey>` for registered images (A15),
 *  `evidence:<requestId>` for sealed certificate evidence of refused cards, until its retention is over. */
export type VaultOwner = `case:${string}` | `registrant:${string}` | `evidence:${string}`;

/** The blob is not there: erased with its owner, removed, or never stored. Readers show it as such, never as an empty picture. */
export class BlobGoneError extends Error {
  constructor(
    readonly owner: VaultOwner,
    readonly blobId: string,
  ) {
    super(`${blobId} of ${owner} is not in the vault (erased, removed, or never stored)`);
  }
}

/** The case or its evidence was erased: nothing of it can be sealed any more, however late a duplicate comes. */
export class OwnerErasedError extends Error {
  constructor(readonly owner: VaultOwner) {
    super(`${owner} was erased and takes nothing any more`);
  }
}

/** Encrypted storage of everything that shows or names a person (image storage means 54). Events hold ids and salted commitments only. */
export abstract class ImageVault {
  /** Stores bytes durably under owner and id. Repeating it with the same bytes changes nothing.
   *  @returns the salted commitment, hex; the salt derives from the owner's key and is gone with it.
   *  @throws {OwnerErasedError} for a case or evidence that was destroyed; an error when the id is taken by other bytes. */
  abstract seal(owner: VaultOwner, blobId: string, bytes: Uint8Array): Promise<string>;
  /** @throws {BlobGoneError} when it is not there; an error when it was tampered with. */
  abstract open(owner: VaultOwner, blobId: string): Promise<{ readonly bytes: Uint8Array; readonly commitment: string }>;
  abstract remove(owner: VaultOwner, blobId: string): Promise<void>;
  /** Destroys the owner's key and blobs. Idempotent. A case and its evidence stay destroyed for ever; a registrant may come back and gets a new key. */
  abstract destroyOwner(owner: VaultOwner): Promise<void>;
  /** Forgets what was sealed for a request that was never received. The owner may begin anew. */
  abstract discardOwner(owner: VaultOwner): Promise<void>;
}
