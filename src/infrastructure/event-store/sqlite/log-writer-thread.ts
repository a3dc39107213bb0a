import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { EventStoreUnavailableError } from '../../../application/ports/store/event-store.js';
import { SqliteLogWriter, type CommitOutcome } from './sqlite-log-writer.js';
import type { FromWriter, PlainFailure, ToWriter, WriterThreadData } from './threaded-log-writer.js';

const { file, options, port, bell } = workerData as WriterThreadData;

/** The other end of `ThreadedLogWriter`: owns the writing connection and takes one group after the other until it is
 * closed. */
function run(): void {
  let writer: SqliteLogWriter;
  try {
    writer = new SqliteLogWriter(file, options);
  } catch (error) {
    return say({ is: 'not_open', failure: toPlain(error) });
  }
  say({ is: 'open' });
  for (const message of messages()) {
    if (message.do === 'commit') {
      say(answerOf(writer.commit(message.requests)));
      continue;
    }
    writer.close();
    return say({ is: 'closed' });
  }
}

/** The counter is read before the port is emptied: a message that comes in between makes the next wait end at once. */
function* messages(): Generator<ToWriter, never, void> {
  for (;;) {
    const rung = Atomics.load(bell, 0);
    for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port))
      yield received.message as ToWriter;
    Atomics.wait(bell, 0, rung);
  }
}

function answerOf(outcome: CommitOutcome): FromWriter {
  return outcome.outcome === 'committed'
    ? { is: 'committed', answers: outcome.answers }
    : { is: outcome.outcome, failure: toPlain(outcome.error) };
}

function toPlain(error: unknown): PlainFailure {
  return {
    reason: error instanceof EventStoreUnavailableError ? error.reason : null,
    message: error instanceof Error ? error.message : String(error),
  };
}

function say(message: FromWriter): void {
  port.postMessage(message);
}

run();
