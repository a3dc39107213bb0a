import { Injectable } from '@nestjs/common';
import type { OpinionNote } from '../../domain/hold-review/hold-review.events.js';
import { registrations } from '../decisions/aggregates.js';
import { DecideAndAppend } from '../decisions/decide-and-append.js';
import { derivedId } from '../decisions/ids.js';
import { BlobGoneError, ImageVault, type VaultOwner } from '../ports/registrant/image-vault.js';
import { caseOwner, registrantOwner } from './case-material.js';

/** Notes that officers write with opinions. They may name the person, so that they lie in the vault under the key of
 * the registrant: the log has a commitment, and an erasure of the person takes the words with it. */
@Injectable()
export class OpinionNotes {
  constructor(
    private readonly aggregates: DecideAndAppend,
    private readonly vault: ImageVault,
  ) {}

  /** Seals before the event that names it. The same command seals the same. */
  async seal(requestId: string, commandId: string, text: string): Promise<OpinionNote> {
    const noteId = `note-${derivedId(commandId, 'opinion-note')}`;
    const commitment = await this.vault.seal(await this.ownerOf(requestId), noteId, Buffer.from(text, 'utf8'));
    return { noteId, commitment };
  }

  /** @returns the words; null: they were erased with the person */
  async read(requestId: string, { noteId, commitment }: OpinionNote): Promise<string | null> {
    try {
      return Buffer.from(await this.vault.open(await this.ownerOf(requestId), noteId, { commitment })).toString('utf8');
    } catch (error) {
      if (error instanceof BlobGoneError) return null;
      throw error;
    }
  }

  /** Of an opinion that was not taken, or was taken back. */
  async remove(requestId: string, { noteId }: OpinionNote): Promise<void> {
    await this.vault.remove(await this.ownerOf(requestId), noteId);
  }

  private async ownerOf(requestId: string): Promise<VaultOwner> {
    const { state } = await this.aggregates.load(registrations, requestId);
    const subjectKey = 'subjectKey' in state ? state.subjectKey : null;
    // A case is held after its certificate was verified; one without a registrant goes with itself.
    return subjectKey === null ? caseOwner(requestId) : registrantOwner(subjectKey);
  }
}
