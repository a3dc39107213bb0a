import { Injectable } from '@nestjs/common';
import type { ViewedImage } from '../../domain/access/access.events.js';
import { isSamePerson } from '../../domain/values/staff-name.js';
import { EventStore } from '../ports/store/event-store.js';
import { ReadModels } from '../ports/store/read-models.js';
import { caughtUp, ReadSideBehindError } from '../queries/questions.js';

/** What an officer has opened of a case: every look was put on record before the picture was shown. */
@Injectable()
export class OfficerLooks {
  constructor(
    private readonly rows: ReadModels,
    private readonly store: EventStore,
  ) {}

  /** @returns the pictures, each once, in the order of their names; empty: none
   *  @throws {ReadSideBehindError} when the newest look may be missing */
  async seenBy(requestId: string, officer: string): Promise<readonly ViewedImage[]> {
    if (!(await caughtUp(this.rows, await this.store.head()))) throw new ReadSideBehindError();
    const looks = this.rows
      .timeline(requestId, { atUtc: null })
      .filter(({ type }) => type === 'BiometricViewed')
      .map(({ data }) => data as { readonly officer: string; readonly image: ViewedImage })
      .filter((look) => isSamePerson(look.officer, officer));
    return [...new Set(looks.map(({ image }) => image))].sort();
  }
}
