import { useCallback, useEffect, useState } from 'preact/hooks';

const NEWS = '/v1/news';

/** Whether something happened since the list was asked for. Counters only come, which is no look at anybody; the list
 * itself is asked for by a person. */
export function useNews(): readonly [boolean, () => void] {
  const [hasNews, setNews] = useState(false);
  useEffect(() => {
    let first: string | null = null;
    const source = new EventSource(NEWS);
    source.addEventListener('news', ({ data }) => {
      if (first === null) first = String(data);
      else if (String(data) !== first) setNews(true);
    });
    return () => source.close();
  }, []);
  return [hasNews, useCallback(() => setNews(false), [])];
}
