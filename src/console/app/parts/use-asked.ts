import { useCallback, useEffect, useState } from 'preact/hooks';
import { Problem } from '../api/client.js';

export type Asked<T> =
  | { readonly is: 'asking' }
  | { readonly is: 'here'; readonly value: T }
  | { readonly is: 'problem'; readonly problem: Problem };

/** Asks when a screen is opened and when somebody wants it again, never by itself: each look is on record.
 *  @param on asks anew when one of these changes */
export function useAsked<T>(question: () => Promise<T>, on: readonly unknown[]): readonly [Asked<T>, () => void] {
  const [answer, setAnswer] = useState<Asked<T>>({ is: 'asking' });
  const [times, setTimes] = useState(0);
  useEffect(() => {
    let isWanted = true;
    setAnswer({ is: 'asking' });
    question().then(
      (value) => isWanted && setAnswer({ is: 'here', value }),
      (error: unknown) => {
        if (!isWanted) return;
        if (!(error instanceof Problem)) throw error;
        setAnswer({ is: 'problem', problem: error });
      },
    );
    return () => {
      isWanted = false;
    };
  }, [...on, times]);
  return [answer, useCallback(() => setTimes((before) => before + 1), [])];
}
