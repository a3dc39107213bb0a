import { existsSync } from 'node:fs';
import type { EventStore } from '../../../application/ports/store/event-store.js';
import type { Config } from '../../settings/config.js';
import { LogHead, stateIn } from '../log/log-head.js';

/** In a data folder into which an older copy was restored than what was signed; gone when the loss is accepted. */
export const LOSS_MARK = 'loss.not-accepted';

/** What to do where events are gone. */
export const ACCEPT_LOSS = "or, where no copy has them, let two administrators accept the loss ('./honnin recover')";

/** Where more was signed than the embedded store has events, its positions being their number. Of other stores nobody
 *  can tell.
 *  @returns words for an operator, or null */
export async function lostEvents(config: Config, store: EventStore): Promise<string | null> {
  const note = LogHead.beside(config.inData('audit')).note();
  const signed = (note === null ? null : stateIn(note)?.size) ?? 0;
  const events = config.values.eventStore === 'sqlite' ? Number((await store.head()) ?? 0n) : signed;
  if (events >= signed && !existsSync(config.inData(LOSS_MARK))) return null;
  const what = `the event log has ${events} events, and ${signed} were signed: events were lost`;
  return `${what}; restore the newest copy of it, ${ACCEPT_LOSS}`;
}
