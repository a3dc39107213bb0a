import { useEffect } from 'preact/hooks';
import { api, asked, Problem } from '../api/client.js';
import { words } from '../language/language.js';
import { session, signInAddress } from './session-state.js';

/** Asks the server who is signed in. */
export async function lookWhoIsSignedIn(): Promise<void> {
  try {
    const { subject, roles } = await asked(api.GET('/v1/me'));
    session.value = { is: 'signed_in', person: { subject, roles } };
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return;
    session.value = { is: 'unreachable' };
  }
}

/** Ends the session here and at the sign-in service. */
export async function signOut(): Promise<void> {
  const answer = await fetch('/console/sign-out', { method: 'POST' });
  const { to } = answer.ok ? ((await answer.json()) as { to: string }) : { to: '/console/' };
  location.assign(to);
}

export function SignInScreen() {
  const t = words.value.signIn;
  const problem = new URLSearchParams(location.search).get('problem');
  return (
    <main id="content" class="sign-in">
      <h1>{t.title}</h1>
      <p>{t.about}</p>
      {problem !== null && <p role="alert">{t.problems[problem as keyof typeof t.problems] ?? t.problems.other}</p>}
      <p>
        <a class="button" href={signInAddress()}>
          {t.button}
        </a>
      </p>
    </main>
  );
}

/** Over whatever is being done: signing in happens in another tab, so that nothing that was typed is lost. */
export function EndedNotice() {
  const t = words.value.signIn;
  useEffect(() => {
    const again = (): void => void lookWhoIsSignedIn();
    window.addEventListener('focus', again);
    return () => window.removeEventListener('focus', again);
  }, []);
  return (
    <div class="notice ended" role="alertdialog" aria-labelledby="ended-title">
      <h2 id="ended-title">{t.ended}</h2>
      <p>{t.endedAbout}</p>
      <a class="button" href={signInAddress()} target="_blank" rel="noopener">
        {t.again}
      </a>{' '}
      <button type="button" onClick={() => void lookWhoIsSignedIn()}>
        {t.amIn}
      </button>
    </div>
  );
}
