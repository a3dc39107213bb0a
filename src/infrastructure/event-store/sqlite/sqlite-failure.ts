import { EventStoreUnavailableError, type EventStoreFailure } from '../../../application/ports/store/event-store.js';
import { sqliteCode } from '../../data-folder/open-database.js';

/** Primary result codes of SQLite (the low byte of an extended code), https://www.sqlite.org/rescode.html. */
const REASONS: Readonly<Record<number, EventStoreFailure>> = {
  5: 'busy',
  6: 'busy',
  8: 'read_only',
  10: 'io',
  11: 'corrupt',
  13: 'disk_full',
  14: 'read_only',
  26: 'not_an_event_log',
};

const ADVICE: Readonly<Record<EventStoreFailure, string>> = {
  closed: 'the event store is closed',
  busy: 'another program holds the event log; stop programs that write to it, such as a database shell',
  disk_full: 'no space left for events; free space on the disk or raise the limit on the size of the event log',
  read_only: 'the event log cannot be written or opened; check that the data folder exists and belongs to this user',
  io: 'the disk reports an error; check the system log before anything is written again',
  corrupt: "the event log is damaged; './honnin events check' names what is wrong",
  locked: 'another process is writing to this event log',
  not_an_event_log: 'the file is not an event log of this program',
  unreachable: 'the event store does not answer',
  refused: 'the event store does not let us in',
  not_accepting: 'nothing is accepted now',
};

/** Turns an error of SQLite into the reason that the port knows; anything else is a bug and passes unchanged. */
export function storeFailure(error: unknown, file: string): Error {
  const code = sqliteCode(error);
  if (code === undefined) return error as Error;
  const reason = REASONS[code] ?? 'io';
  return new EventStoreUnavailableError(reason, `${file}: ${ADVICE[reason]} (${(error as Error).message})`, {
    cause: error,
  });
}

/** The failure of a store with its advice, where no SQLite error stands behind it. */
export function unavailable(reason: EventStoreFailure, file: string, detail?: string): EventStoreUnavailableError {
  return new EventStoreUnavailableError(reason, `${file}: ${detail ?? ADVICE[reason]}`);
}
