import { useState } from 'preact/hooks';
import { explain } from '../../../domain/audit/story/explain.js';
import { japanTime, language, utcTime, words } from '../language/language.js';
import { toLeaf, type Row } from './case-moments.js';

/** What happened, in plain words, with the record behind each line. */
export function Timeline({
  events,
  show,
}: {
  readonly events: readonly Row[];
  readonly show: (index: number) => void;
}) {
  const t = words.value.case;
  const [sought, setSought] = useState('');
  const lines = events.map((event, index) => ({ event, index, text: textOf(event) }));
  const fitting = lines.filter(({ event, text }) =>
    `${event.type} ${event.actor} ${text}`.toLowerCase().includes(sought.toLowerCase()),
  );
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">{t.timeline}</h2>
      <label>
        {t.filter} <input type="search" value={sought} onInput={(event) => setSought(event.currentTarget.value)} />
      </label>
      {fitting.length === 0 && <p class="empty">{t.nothing}</p>}
      <ol class="timeline">
        {fitting.map(({ event, index, text }) => (
          <li key={event.position} value={index + 1}>
            <p>
              <time dateTime={event.recordedAtUtc} title={utcTime(event.recordedAtUtc)}>
                {japanTime(event.recordedAtUtc)}
              </time>{' '}
              <b>{event.type}</b> {text}
            </p>
            <p class="by">
              {t.actor}: {event.actor}{' '}
              <button type="button" onClick={() => show(index + 1)}>
                {t.fromHere}
              </button>
            </p>
            <details>
              <summary>{t.raw}</summary>
              <pre tabIndex={0}>{JSON.stringify(event, null, 2)}</pre>
            </details>
          </li>
        ))}
      </ol>
    </section>
  );
}

function textOf(event: Row): string {
  const data = event.data as { readonly withheld?: true };
  if (data.withheld === true) return words.value.case.withheld;
  const told = explain(toLeaf(event), language.value);
  // What has no words of its own is named already.
  return told === event.type ? '' : told;
}
