import { useLocation } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, asked, Problem } from '../api/client.js';
import { words } from '../language/language.js';
import { Loading } from '../parts/loading.tsx';
import { ProblemNotice } from '../parts/problem-notice.tsx';
import { useAsked } from '../parts/use-asked.js';
import { DeskFilters } from './desk-filters.tsx';
import { HoldRows } from './hold-rows.tsx';
import { useNews } from './news.js';

const ROWS = 50;
const REQUEST_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The holds that wait, due first. What is asked stands in the address, so that it can be sent on and gone back to. */
export function Desk() {
  const t = words.value.desk;
  const { query, route } = useLocation();
  const { boothId, include, cursor } = query;
  const [answer, again] = useAsked(
    () =>
      asked(
        api.GET('/v1/holds', {
          params: {
            query: {
              limit: ROWS,
              ...(boothId && { boothId }),
              ...(include === 'resolved' && { include: 'resolved' as const }),
              ...(cursor && { cursor }),
            },
          },
        }),
      ),
    [boothId, include, cursor],
  );
  const [hasNews, seen] = useNews();
  const [notFound, setNotFound] = useState<Problem | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);

  const go = (changes: Readonly<Record<string, string | undefined>>): void => {
    const next = new URLSearchParams();
    for (const [name, value] of Object.entries({ boothId, include, ...changes })) if (value) next.set(name, value);
    route(`/console/${next.size > 0 ? `?${next}` : ''}`);
    heading.current?.focus();
  };
  const refresh = (): void => {
    seen();
    again();
  };
  /** By receipt, which people have, or by the request's own name, which links, logs and other officers give. */
  const find = async (sought: string): Promise<void> => {
    setNotFound(null);
    if (REQUEST_ID.test(sought)) return route(`/console/cases/${sought.toLowerCase()}`);
    try {
      const found = await asked(api.GET('/v1/cases', { params: { query: { receipt: sought } } }));
      if ('requestId' in found) route(`/console/cases/${found.requestId}`);
    } catch (error) {
      if (error instanceof Problem) setNotFound(error);
      else throw error;
    }
  };

  return (
    <main id="content">
      <h1 ref={heading} tabIndex={-1}>
        {t.title}
      </h1>
      <p>
        {t.about} {t.keys} <small>{t.recorded}</small>
      </p>
      <DeskFilters boothId={boothId ?? ''} hasResolved={include === 'resolved'} apply={go} find={find} />
      {notFound && <ProblemNotice problem={notFound} />}
      <p role="status" class="news">
        {hasNews && t.news}
      </p>
      <button type="button" onClick={refresh}>
        {t.refresh}
      </button>
      {answer.is === 'asking' && <Loading />}
      {answer.is === 'problem' && <ProblemNotice problem={answer.problem} again={refresh} />}
      {answer.is === 'here' && (
        <>
          {answer.value.holds.length === 0 ? <p class="empty">{t.empty}</p> : <HoldRows holds={answer.value.holds} />}
          <p>{t.count(answer.value.holds.length, answer.value.page.of)}</p>
          {cursor && (
            <button type="button" onClick={() => go({})}>
              {t.first}
            </button>
          )}
          {answer.value.next !== null && (
            <button type="button" onClick={() => go({ cursor: answer.value.next as string })}>
              {t.next}
            </button>
          )}
        </>
      )}
    </main>
  );
}
