import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import { api, asked } from '../api/client.js';
import { japanTime, language, utcTime, words } from '../language/language.js';
import { Loading } from '../parts/loading.tsx';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { useAsked } from '../parts/use-asked.js';
import { OpinionForm } from './opinion-form.tsx';
import { Pictures, type PictureName } from './pictures.tsx';
import { ScoreBands } from './score-bands.tsx';

/** One hold: pictures, points, and the officer's opinion. */
export function HoldPage() {
  const { requestId = '' } = useRoute().params;
  const t = words.value.hold;
  const [answer, again] = useAsked(
    () => asked(api.GET('/v1/holds/{requestId}', { params: { path: { requestId } } })),
    [requestId],
  );
  const [seen, setSeen] = useState<ReadonlySet<PictureName>>(new Set());

  if (answer.is === 'asking') return <Loading />;
  if (answer.is === 'problem')
    return (
      <main id="content">
        <ProblemNotice problem={answer.problem} again={again} />
        <a href="/console/">{t.back}</a>
      </main>
    );
  const { hold, opinions, explanation } = answer.value;
  const wanted: readonly PictureName[] =
    hold.registeredPoints === null ? ['photo', 'card_face'] : ['photo', 'card_face', 'registered_face'];
  return (
    <main id="content" class="hold">
      <p>
        <a href="/console/">{t.back}</a> · <a href={`/console/cases/${requestId}`}>{t.case}</a>
      </p>
      <h1>{t.title}</h1>
      <p class="reason">
        <b>{words.value.reasons[hold.reason]}</b>{' '}
        <time dateTime={hold.dueAtUtc} title={utcTime(hold.dueAtUtc)}>
          {words.value.desk.columns.due}: {japanTime(hold.dueAtUtc)}
        </time>
      </p>
      <Pictures
        requestId={requestId}
        wanted={wanted}
        seen={seen}
        onSeen={(name) => setSeen((before) => new Set([...before, name]))}
      />
      <section aria-labelledby="scores">
        <h2 id="scores">{t.scores}</h2>
        <ScoreBands hold={hold} />
        <h3>{t.why}</h3>
        <ul>
          {explanation.map((line) => (
            <li key={line.en}>{line[language.value]}</li>
          ))}
        </ul>
      </section>
      <OpinionForm
        requestId={requestId}
        hold={hold}
        opinions={opinions}
        hasSeenAll={wanted.every((name) => seen.has(name))}
        onChanged={again}
      />
    </main>
  );
}
