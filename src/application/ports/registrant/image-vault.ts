/** Who a blob belongs to; each owner has a data key of its own, and destroying the key erases everything of the owner.
 *  `case:<requestId>` while a request is open (A16), `registrant:<subjectKey>` for registered images (A15),
 *  `evidence:<requestId>` for sealed certificate evidence of refused cards, until its retention is over. */
export type VaultOwner = `case:${string}` | `registrant:${string}` | `evidence:${string}`;

/** The blob is not there: erased with its owner, removed, or never stored. Readers show it as such, never as an empty
 * picture. */
export class BlobGoneError extends Error {
  constructor(
    readonly owner: VaultOwner,
    readonly blobId: string,
  ) {
    super(`${blobId} of ${owner} is not in the vault (erased, removed, or never stored)`);
  }
}

/** What is there is not what was committed to. Nothing of it may be used: not judged, not shown, not kept, not sent. */
export class BlobDiffersError extends Error {
  constructor(
    readonly owner: VaultOwner,
    readonly blobId: string,
    readonly difference: BlobDifference,
  ) {
    super(`${blobId} of ${owner} is not what was committed to (${difference})`);
  }
}

/** `other_bytes`: it opens and is something else. `undecryptable`: it was changed, damaged, or belongs elsewhere.
 * `key`: its owner's key was exchanged. */
export type BlobDifference = 'other_bytes' | 'undecryptable' | 'key';

/** What the caller knows of the bytes before it gets them: the commitment that an event holds, or, where a name was
 * made of the bytes, the question whether it was made of these. */
export type Expected = { readonly commitment: string } | { readonly isNamedAfter: (bytes: Uint8Array) => boolean };

/** The case or its evidence was erased: nothing of it can be sealed any more, however late a duplicate comes. */
export class OwnerErasedError extends Error {
  constructor(readonly owner: VaultOwner) {
    super(`${owner} was erased and takes nothing any more`);
  }
}

/** An erasure that no copy of the vault may undo. */
export interface LastingErasure {
  /** Of the event that says so. */
  readonly eventId: string;
  readonly rule: string;
  readonly atUtc: string;
  /** The person's cases: a copy may hold one of them as open, with its material. */
  readonly cases: readonly VaultOwner[];
}

/** Encrypted storage of everything that shows or names a person (image storage means 54). Events hold ids and salted
 * commitments only. */
export abstract class ImageVault {
  /** Stores bytes durably under owner and id. Repeating it with the same bytes changes nothing.
   * @returns the salted commitment, hex; the salt derives from the owner's key and is gone with it.
   * @throws {OwnerErasedError} for a case or evidence that was destroyed, also when that happens meanwhile: then
   *   nothing of it stays; {BlobDiffersError} when the id is taken by other bytes. */
  abstract seal(owner: VaultOwner, blobId: string, bytes: Uint8Array): Promise<string>;
  /** The only way to bytes: compared with what the history says of them before they are given out.
   * @throws {BlobGoneError} when it is not there; {BlobDiffersError} when it is something else; other errors while the
   *   vault or its keys cannot be read at all, which says nothing about the blob. */
  abstract open(owner: VaultOwner, blobId: string, expected: Expected): Promise<Uint8Array>;
  abstract remove(owner: VaultOwner, blobId: string): Promise<void>;
  /** Destroys the owner's key and blobs. Idempotent. A case and its evidence stay destroyed for ever; a registrant may
   *  come back and gets a new key.
   *  @param lasting is noted first, where restored copies of the vault are told of it */
  abstract destroyOwner(owner: VaultOwner, lasting?: LastingErasure): Promise<void>;
  /** Owners of cases and evidence that have a key, in the order of their names: what was sealed and not yet destroyed.
   * In pages, because there may be many. @param after the last owner of the page before, or null */
  abstract caseOwners(after: VaultOwner | null, limit: number): Promise<readonly VaultOwner[]>;
}
