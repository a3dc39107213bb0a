import { useMemo, useState } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import { api, asked } from '../api/client.js';
import { japanTime, utcTime, words } from '../language/language.js';
import { Loading } from '../parts/loading.tsx';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { useAsked } from '../parts/use-asked.js';
import { session } from '../session/session-state.js';
import { stateAt, toLeaf } from './case-moments.js';
import { Difference } from './difference.tsx';
import { Timeline } from './timeline.tsx';
import { Verification } from './verification.tsx';

/** A case as it was at any of its moments. The history is asked for once; moving through it is no further look. */
export function CasePage() {
  const { requestId = '' } = useRoute().params;
  const { query, route } = useLocation();
  const t = words.value.case;
  const [answer, again] = useAsked(
    () => asked(api.GET('/v1/cases/{requestId}/history', { params: { path: { requestId }, query: {} } })),
    [requestId],
  );
  const [compared, setCompared] = useState(0);
  const events = useMemo(() => (answer.is === 'here' ? answer.value.events.map(toLeaf) : []), [answer]);

  if (answer.is === 'asking') return <Loading />;
  if (answer.is === 'problem')
    return (
      <main id="content">
        <ProblemNotice problem={answer.problem} again={again} />
      </main>
    );
  const of = events.length;
  const asWanted = Number(query['event'] ?? of);
  const shown = Number.isInteger(asWanted) && asWanted >= 1 && asWanted <= of ? asWanted : of;
  const show = (index: number): void =>
    route(`/console/cases/${requestId}${index === of ? '' : `?event=${index}`}`, true);
  const at = events[shown - 1]?.metadata.recordedAtUtc;
  const isAuditor = session.value.is === 'signed_in' && session.value.person.roles.includes('auditor');
  return (
    <main id="content" class="case">
      <h1>{t.title}</h1>
      <p class="ids">
        <code>{requestId}</code>{' '}
        <button type="button" onClick={() => window.print()}>
          {t.print}
        </button>
      </p>
      {shown < of && at !== undefined && (
        <div class="notice past" role="status">
          <b>{t.past}</b>{' '}
          <time dateTime={at}>
            {japanTime(at)} ({utcTime(at)})
          </time>{' '}
          <button type="button" onClick={() => show(of)}>
            {t.toNow}
          </button>
        </div>
      )}
      <label class="slider">
        {t.slider}{' '}
        <input
          type="range"
          min="1"
          max={of}
          value={shown}
          aria-valuetext={t.event(shown, of)}
          onInput={(event) => show(Number(event.currentTarget.value))}
        />{' '}
        {t.event(shown, of)}
      </label>
      <Timeline events={answer.value.events.slice(0, shown)} show={show} />
      <section aria-labelledby="state">
        <h2 id="state">{t.state}</h2>
        <pre tabIndex={0}>{JSON.stringify(stateAt(events, shown), null, 2)}</pre>
      </section>
      <section aria-labelledby="difference">
        <h2 id="difference">{t.difference}</h2>
        <label>
          {t.compare}{' '}
          <input
            type="number"
            min="0"
            max={of}
            value={compared}
            onInput={(event) => setCompared(Number(event.currentTarget.value))}
          />
        </label>
        <Difference
          before={stateAt(events, Math.min(compared, shown))}
          after={stateAt(events, Math.max(compared, shown))}
        />
      </section>
      {isAuditor && <Verification requestId={requestId} />}
    </main>
  );
}
