import { existsSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { TimestampAuthority } from '../../../application/ports/audit/timestamp-authority.js';
import { TimestampRefusedError } from '../../../application/ports/audit/timestamp-authority.js';
import { utf8 } from '../../../domain/audit/log/bytes.js';
import type { KafkaCheckpointTopic } from '../../kafka/kafka-checkpoint-topic.js';
import { stampedNoteFile } from '../fsck/check-timestamps.js';
import { syncFolder, writeWhole } from '../durable-file.js';
import { fetchProblem } from './fetch-problem.js';
import type { Outlet } from './checkpoint-outlet.js';
import type { TileLog } from '../log/tile-log.js';

const ANSWER_MS_MAX = 10_000;

/** Has the checkpoint's note stamped, byte by byte as it was published; the answer is `timestamps/<size>.tsr`, the note
 *  `timestamps/<size>.checkpoint`. */
export function timestampOutlet(authority: TimestampAuthority, log: TileLog, everyMs: number): Outlet {
  return {
    name: 'timestamp',
    everyMs,
    // Tokens may cost money; the next start goes on where this one ended.
    alsoAtStop: false,
    deliver: async ({ size, note }) => {
      // The earlier of two tokens over the same bytes proves more: it is never replaced.
      if (log.timestamp(size) !== null && log.checkpointOf(size)?.note === note) return;
      const { response, crls } = await authority.stamp(utf8(note)).catch((error: unknown) => {
        throw error instanceof TimestampRefusedError
          ? new Error(`the answer of the timestamp authority does not count (${error.reason}): ${error.message}`, {
              cause: error,
            })
          : error;
      });
      // Beside its token the note is a plain file, for tools that nobody here wrote. The token last: it is what counts
      // as done.
      await writeWhole(stampedNoteFile(log, size), note);
      for (const [n, crl] of crls.entries())
        await writeWhole(join(log.folder, 'timestamps', `${size}.${n + 1}.crl`), crl);
      await writeWhole(join(log.folder, 'timestamps', `${size}.tsr`), response);
      await syncFolder(join(log.folder, 'timestamps'));
    },
  };
}

/** Write-once storage: each checkpoint is a file named by its size, and none is ever written twice. */
export function folderOutlet(folder: string, everyMs: number): Outlet {
  return {
    name: 'folder',
    everyMs,
    alsoAtStop: true,
    deliver: async ({ size, note }) => {
      const path = join(folder, `checkpoint-${size}`);
      const isOther = existsSync(path) && readFileSync(path, 'utf8') !== note;
      // Two checkpoints of one size are the proof of a fork: both stay.
      if (isOther) await writeWhole(`${path}-${createHash('sha256').update(note).digest('hex').slice(0, 16)}`, note);
      else if (!existsSync(path)) await writeWhole(path, note);
      await syncFolder(folder);
      // A log that goes on under another name after a declared loss begins with a size that the older name had too.
      if (isOther && nameIn(path) === note.split('\n')[0])
        throw new Error(
          `${path} holds another checkpoint of ${size} entries than the log: the log was rewritten; run './honnin audit compare --copies ${folder}'`,
        );
    },
  };
}

function nameIn(path: string): string | undefined {
  return readFileSync(path, 'utf8').split('\n')[0];
}

/** Gets each checkpoint by POST. */
export function urlOutlet(url: string, everyMs: number): Outlet {
  return {
    name: 'url',
    everyMs,
    alsoAtStop: true,
    deliver: async ({ note }) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: note,
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      }).catch((error: unknown) => {
        throw new Error(`${url} does not answer: ${fetchProblem(error)}`, { cause: error });
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    },
  };
}

/** A topic that somebody else administers. */
export function kafkaOutlet(topic: KafkaCheckpointTopic, everyMs: number): Outlet {
  return {
    name: 'kafka',
    everyMs,
    alsoAtStop: true,
    deliver: ({ origin, note }) => topic.send(origin, note),
    close: () => topic.close(),
  };
}
