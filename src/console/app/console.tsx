import { useEffect } from 'preact/hooks';
import { ErrorBoundary, lazy, LocationProvider, Route, Router } from 'preact-iso';
import { choose, language, words } from './language/language.js';
import { Loading } from './parts/loading.tsx';
import { EndedNotice, lookWhoIsSignedIn, SignInScreen, signOut } from './session/session.tsx';
import { session, type Person } from './session/session-state.js';

const Desk = lazy(async () => (await import('./desk/desk.tsx')).Desk);
const HoldPage = lazy(async () => (await import('./hold/hold-page.tsx')).HoldPage);
const CasePage = lazy(async () => (await import('./case/case-page.tsx')).CasePage);

/** Addresses that are screens of this page; signing in is an address of the server. */
const SCREENS = /^\/console\/(?!sign-in)/;

export function Console() {
  useEffect(() => void lookWhoIsSignedIn(), []);
  const state = session.value;
  const person = state.is === 'signed_in' || state.is === 'ended' ? state.person : null;
  return (
    <LocationProvider scope={SCREENS}>
      <Header person={person} />
      {state.is === 'asking' && <Loading />}
      {state.is === 'nobody' && <SignInScreen />}
      {state.is === 'unreachable' && <Unreachable />}
      {state.is === 'ended' && <EndedNotice />}
      {person !== null && <Screens />}
    </LocationProvider>
  );
}

function Screens() {
  return (
    <ErrorBoundary>
      <Router>
        <Route path="/console/" component={Desk} />
        <Route path="/console/holds/:requestId" component={HoldPage} />
        <Route path="/console/cases/:requestId" component={CasePage} />
        <Route default component={NoSuchScreen} />
      </Router>
    </ErrorBoundary>
  );
}

function Header({ person }: { readonly person: Person | null }) {
  const t = words.value.header;
  return (
    <header>
      <a class="skip" href="#content">
        {t.skip}
      </a>
      <a class="home" href="/console/">
        <b>本人</b> Honnin
      </a>
      <nav aria-label={t.language}>
        <button type="button" lang="ja" aria-pressed={language.value === 'ja'} onClick={() => choose('ja')}>
          日本語
        </button>
        <button type="button" lang="en" aria-pressed={language.value === 'en'} onClick={() => choose('en')}>
          English
        </button>
      </nav>
      {person !== null && (
        <p class="who">
          <span>
            {person.subject} <small>{person.roles.map((role) => t.roles[role as keyof typeof t.roles] ?? role)}</small>
          </span>
          <button type="button" onClick={() => void signOut()}>
            {t.signOut}
          </button>
        </p>
      )}
    </header>
  );
}

function Unreachable() {
  const t = words.value.problems;
  return (
    <main id="content">
      <h1>{t.unreachable}</h1>
      <p>{t.unreachableAbout}</p>
      <button type="button" onClick={() => void lookWhoIsSignedIn()}>
        {t.again}
      </button>
    </main>
  );
}

function NoSuchScreen() {
  const t = words.value.problems;
  return (
    <main id="content">
      <h1>{t.nothingHere}</h1>
      <a href="/console/">{t.toDesk}</a>
    </main>
  );
}
