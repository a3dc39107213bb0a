import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EventStore } from '../../../application/ports/store/event-store.js';
import type { Position } from '../../../domain/event-envelope.js';
import type { Config } from '../../settings/config.js';
import { EVENTS_FILE, openEventStore } from '../open-event-store.js';
import { LogFileWriter, type FilePositions } from './log-file-writer.js';

const PAGE = 2000;
/** Folders of copies, by the process that made them. */
const COPIES = /^log-copy-(\d+)$/;

/** Copies a log that is elsewhere into a file in the form of the embedded log: ids, order, revisions and texts are
 *  those of the events.
 *  @param through the newest event that is copied
 *  @returns how many events
 *  @throws {EventStoreUnavailableError} where the store does not answer, or has lost a part of a stream */
export async function copyLog(
  store: EventStore,
  file: string,
  { through, positions }: { readonly through: Position | null; readonly positions: FilePositions },
): Promise<number> {
  const writer = new LogFileWriter(file, positions);
  try {
    for (let after: Position | null = null; through !== null;) {
      const page = await store.readAll(after, { limit: PAGE });
      writer.write(page.events.filter(({ position }) => position <= through));
      after = page.position;
      if (page.caughtUp || (after !== null && after >= through)) break;
    }
  } finally {
    writer.close();
  }
  return writer.events;
}

export function isElsewhere({ values }: Config): boolean {
  return values.eventStore !== 'sqlite';
}

/** For who asks the events in the language of the embedded log: its file, or a copy of a log elsewhere, of this moment
 *  and with the positions that the events have there, which is removed afterwards. Changes nothing in the log. */
export async function withLogFile<T>(config: Config, work: (file: string) => T | Promise<T>): Promise<T> {
  if (!isElsewhere(config)) return work(config.inData(EVENTS_FILE));
  removeOldCopies(config.inData());
  const folder = config.inData(`log-copy-${process.pid}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    const file = join(folder, EVENTS_FILE);
    const store = await openEventStore(config.values.eventStore, config.inData(), { mode: 'read' });
    try {
      await copyLog(store, file, { through: await store.head(), positions: 'kept' });
    } finally {
      await store.close();
    }
    return await work(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What killed processes left. */
function removeOldCopies(data: string): void {
  for (const name of readdirSync(data)) {
    const pid = COPIES.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(data, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
