import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { registrants } from '../../application/decisions/aggregates.js';
import { DecideAndAppend } from '../../application/decisions/decide-and-append.js';
import { CurrentPolicy } from '../../application/decisions/current-policy.js';
import { derivedId } from '../../application/decisions/ids.js';
import type { EventStore } from '../../application/ports/store/event-store.js';
import type { Clock } from '../../application/ports/store/clock.js';
import { RESTORE_ACTOR } from '../../domain/audit/replay/agreed-acts.js';
import { tombstoneOf } from '../../domain/registrant/registrant.js';
import type { RegistrantEvent } from '../../domain/registrant/registrant.events.js';
import type { Config } from '../settings/config.js';
import { EVENTS_FILE } from '../event-store/open-event-store.js';
import { SqliteEventStore } from '../event-store/sqlite/sqlite-event-store.js';
import { keyPaths } from '../installation/installation.js';
import { sealedFolderOf } from '../vault/encrypted-image-vault.js';
import { ErasedFile, hashOfOwner, readErasures, type NotedErasures } from '../vault/erased-file.js';
import { KeyRing } from '../vault/key-ring.js';
import { ownersOf } from './copy-sealed.js';

type Rule = Extract<RegistrantEvent, { type: 'RegistrantErased' }>['data']['rule'];
const RULES: readonly string[] = [
  'consent_withdrawn',
  'retention_limit',
  'request_of_the_person',
] satisfies readonly Rule[];
export { RESTORE_ACTOR };
/** Owners that a log knows; other keys of the ring are nobody's. */
const OWNERS = /^(?:registrant|case|evidence):/;

/** An event log that is older than what else is known: keys of people of whom it does not know, erasures that it has
 *  not seen. Before a server starts on it, both are put right. */
export class OlderCopy {
  private readonly ringFile: string;
  private readonly sealed: string;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly log: OpenableLog,
  ) {
    this.ringFile = config.inData('vault', 'keys.db');
    this.sealed = config.inData('vault', 'sealed');
  }

  /** Keys are newer than the copy where a later backup has replaced them: of people and cases that it does not know.
   *  Their names stay free. */
  leaveOutUnknown(): number {
    const events = new DatabaseSync(this.log.file, { readOnly: true });
    const ring = new KeyRing(this.ringFile, this.masterKey());
    try {
      const find = events.prepare('SELECT 1 FROM streams WHERE name IN (?, ?)');
      // A person is known by a stream, or by the verdict on a certificate alone.
      const verdicts = events.prepare(
        "SELECT DISTINCT json_extract(data, '$.subjectKey') AS key FROM events WHERE type = 'CertificateVerified'",
      );
      const verified = new Set((verdicts.all() as { key: string }[]).map(({ key }) => key));
      const isKnown = (owner: string) => {
        const id = owner.slice(owner.indexOf(':') + 1);
        const names = owner.startsWith('registrant:')
          ? ([`registrant-${id}`, id] as const)
          : ([`registration-${id}`, `claim-${id}`] as const);
        return verified.has(id) || find.get(...names) !== undefined;
      };
      const unknown = [...ownersOf((after, limit) => ring.allOwnersAfter(after, limit))].filter(
        (owner) => OWNERS.test(owner) && !isKnown(owner),
      );
      ring.together(() => {
        for (const owner of unknown) {
          ring.destroy(owner, { forever: false });
          // A card leads to nobody then: its holder is new when the card comes again.
          if (owner.startsWith('registrant:')) ring.cards.retireSubject(owner.slice('registrant:'.length), null);
        }
      });
      for (const owner of unknown) rmSync(join(this.sealed, sealedFolderOf(owner)), { recursive: true, force: true });
      return unknown.length;
    } finally {
      events.close();
      ring.close();
    }
  }

  /** What was erased after the copy was made: the log is told, so that the erasure is in it as any other, and the files
   *  go now. The key of a person goes at the start, when the signed log holds the erasure under the token that the
   *  person has in it. */
  async eraseAgain(noted: NotedErasures): Promise<ErasedAgain> {
    const ring = new KeyRing(this.ringFile, this.masterKey());
    const store = await this.log.open();
    try {
      const byHash = new Map<string, string>();
      for (const owner of ownersOf((after, limit) => ring.allOwnersAfter(after, limit)))
        byHash.set(hashOfOwner(owner), owner);
      for (const name of this.registrantStreams()) byHash.set(hashOfOwner(`registrant:${name}`), `registrant:${name}`);
      let erasedAgain = 0;
      for (const { ownerHash, eventId, rule, atUtc } of noted.registrants) {
        const owner = byHash.get(ownerHash);
        if (owner === undefined || !RULES.includes(rule)) continue;
        if (await this.tellErasure(store, owner.slice('registrant:'.length), { eventId, rule: rule as Rule, atUtc }))
          erasedAgain += 1;
        else continue;
        rmSync(join(this.sealed, sealedFolderOf(owner)), { recursive: true, force: true });
      }
      const cases = [...noted.cases].flatMap((hash) => byHash.get(hash) ?? []);
      for (const owner of cases) {
        ring.destroy(owner, { forever: true });
        rmSync(join(this.sealed, sealedFolderOf(owner)), { recursive: true, force: true });
      }
      return { erasedAgain, cases: cases.length };
    } finally {
      await store.close();
      ring.close();
    }
  }

  /** @returns false where the log knows of it: what is left to do is done at the start */
  private async tellErasure(
    store: EventStore,
    key: string,
    { eventId, rule, atUtc }: { readonly eventId: string; readonly rule: Rule; readonly atUtc: string },
  ): Promise<boolean> {
    const known = await store.readStream(`registrant-${key}`, {});
    if (known.some(({ id }) => id === eventId)) return false;
    const commandId = derivedId('erase-again', eventId);
    const context = {
      commandId,
      actor: RESTORE_ACTOR,
      correlationId: commandId,
      causationId: eventId,
      policyVersion: null,
    };
    const aggregates = new DecideAndAppend(store, this.clock);
    // Its days began with the erasure. The card is forgotten at the start, with the key.
    const { values } = await new CurrentPolicy(aggregates).get();
    const tombstone = tombstoneOf(values.erasedBeforeDays, atUtc);
    const done = await aggregates.execute(
      registrants,
      key,
      { type: 'EraseRegistrant', rule, by: RESTORE_ACTOR, tombstone },
      context,
    );
    return done.outcome === 'decided' && done.events > 0 && !done.repeated;
  }

  private registrantStreams(): string[] {
    const events = new DatabaseSync(this.log.file, { readOnly: true });
    try {
      const rows = events.prepare("SELECT name FROM streams WHERE name LIKE 'registrant-%'").all() as {
        name: string;
      }[];
      return rows.map(({ name }) => name.slice('registrant-'.length));
    } finally {
      events.close();
    }
  }

  private masterKey(): Uint8Array {
    return new Uint8Array(readFileSync(keyPaths(this.config).masterKey.file));
  }
}

/** The log that an installation goes on with: its events in a file, and the store to write to. */
export interface OpenableLog {
  readonly file: string;
  readonly open: () => Promise<EventStore>;
}

/** The log in the data folder. */
export function embeddedLog(config: Config): OpenableLog {
  const file = config.inData(EVENTS_FILE);
  return { file, open: async () => SqliteEventStore.open({ file }) };
}

export interface ErasedAgain {
  /** People whose erasure the copy did not know of. */
  readonly erasedAgain: number;
  /** Cases of theirs whose material was taken. */
  readonly cases: number;
}

/** What these files tell of erasures, together. */
export function erasuresIn(files: readonly string[]): NotedErasures {
  return readErasures(files.flatMap((file) => ErasedFile.read(file).lines).join('\n'));
}
