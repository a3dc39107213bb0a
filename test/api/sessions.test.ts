import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../src/application/ports/store/clock.js';
import { Secrets } from '../../src/application/ports/registrant/secrets.js';
import type { RelyingParty, SignedInTokens, Tokens } from '../../src/api/session/relying-party.js';
import { Sealer } from '../../src/api/session/sealer.js';
import { Sessions } from '../../src/api/session/sessions.js';
import { SqliteSessionStore } from '../../src/infrastructure/session/sqlite-session-store.js';

const START = Date.parse('2026-12-01T09:00:00.000Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const tokens = (n: number, endsAtMs: number): SignedInTokens => ({
  accessToken: `access-${n}`,
  refreshToken: `refresh-${n}`,
  idToken: 'id',
  accessEndsAtMs: endsAtMs,
  subject: 'hanako',
  providerSession: 'at-the-provider',
});

let nowMs: number;
let asked: string[];
let answers: ((tokens: Tokens | null) => void)[];
let store: SqliteSessionStore;
let sessions: Sessions;

class TestClock extends Clock {
  nowUtc(): string {
    return new Date(nowMs).toISOString();
  }
}
const secretsOf = (key: number): Secrets => ({ keyedHash: () => new Uint8Array(32).fill(key) }) as unknown as Secrets;
/** Answers when the test says so, and notes which refresh token it was asked with: providers take each once. */
const provider = {
  renew: async ({ refreshToken }: Tokens) => {
    asked.push(refreshToken ?? 'none');
    return new Promise<Tokens | null>((resolve) => answers.push(resolve));
  },
} as unknown as RelyingParty;

const sessionsWith = (key: number): Sessions =>
  new Sessions(store, provider, new Sealer(secretsOf(key)), new TestClock());

beforeEach(() => {
  nowMs = START;
  asked = [];
  answers = [];
  store = SqliteSessionStore.open(':memory:');
  sessions = sessionsWith(1);
});
afterEach(() => store.close());

describe('a session of a browser', () => {
  it('renews once for any number of requests at once, and each refresh token is used once', async () => {
    const cookie = sessions.begin(tokens(1, START + MINUTE));
    nowMs += MINUTE;
    const first = Array.from({ length: 5 }, () => sessions.accessTokenOf(cookie));
    answers[0]!(tokens(2, nowMs + MINUTE));
    expect(await Promise.all(first)).toEqual(Array(5).fill('access-2'));
    expect(await sessions.accessTokenOf(cookie)).toBe('access-2');
    nowMs += MINUTE;
    const second = [sessions.accessTokenOf(cookie), sessions.accessTokenOf(cookie)];
    answers[1]!(tokens(3, nowMs + MINUTE));
    expect(await Promise.all(second)).toEqual(['access-3', 'access-3']);
    expect(asked).toEqual(['refresh-1', 'refresh-2']);
  });

  it.each([
    ['at sign-out', (cookie: string) => void sessions.end(cookie)],
    ['when the provider ends it', () => void sessions.endAll({ providerSession: 'at-the-provider' })],
    ['when the person is locked out', () => void sessions.endAll({ subject: 'hanako' })],
  ])('that ends %s while it is renewed stays ended', async (_, end) => {
    const cookie = sessions.begin(tokens(1, START + MINUTE));
    nowMs += MINUTE;
    const waiting = sessions.accessTokenOf(cookie);
    end(cookie);
    answers[0]!(tokens(2, nowMs + HOUR));
    expect(await waiting).toBeNull();
    expect(await sessions.accessTokenOf(cookie)).toBeNull();
  });

  it('ends for all requests when the provider gives no more', async () => {
    const cookie = sessions.begin(tokens(1, START + MINUTE));
    nowMs += MINUTE;
    const waiting = [sessions.accessTokenOf(cookie), sessions.accessTokenOf(cookie)];
    answers[0]!(null);
    expect(await Promise.all(waiting)).toEqual([null, null]);
    expect(store.get('', '')).toBeNull();
    expect(await sessions.accessTokenOf(cookie)).toBeNull();
    expect(asked).toHaveLength(1);
  });

  it('ends with the working day, whatever the provider thinks', async () => {
    const cookie = sessions.begin(tokens(1, START + 24 * HOUR));
    nowMs += 12 * HOUR - 1;
    expect(await sessions.accessTokenOf(cookie)).toBe('access-1');
    nowMs += 1;
    expect(await sessions.accessTokenOf(cookie)).toBeNull();
    // A clock that goes back does not bring it back.
    nowMs = START;
    expect(await sessions.accessTokenOf(cookie)).toBeNull();
  });

  it('opens under no other key, and in no other place', async () => {
    const [hers, his] = [sessions.begin(tokens(1, START + HOUR)), sessions.begin(tokens(2, START + HOUR))];
    expect(await sessionsWith(2).accessTokenOf(hers)).toBeNull();
    const ids: string[] = [];
    const put = store.put.bind(store);
    store.put = (session) => {
      ids.push(session.id);
      put(session);
    };
    const third = sessions.begin(tokens(3, START + HOUR));
    const fourth = sessions.begin(tokens(4, START + HOUR));
    const now = new Date(nowMs).toISOString();
    const sealedOfThird = store.get(ids[0]!, now)!.sealed;
    put({ ...store.get(ids[1]!, now)!, sealed: sealedOfThird });
    expect(await sessions.accessTokenOf(fourth)).toBeNull();
    expect(await Promise.all([hers, his, third].map((cookie) => sessions.accessTokenOf(cookie)))).toEqual([
      'access-1',
      'access-2',
      'access-3',
    ]);
  });

  it.each([undefined, '', 'x', 'A'.repeat(42), `${'A'.repeat(43)}=`, 'é'.repeat(43), 'A'.repeat(43)])(
    'is none for the cookie %j',
    async (cookie) => {
      sessions.begin(tokens(1, START + HOUR));
      expect(await sessions.accessTokenOf(cookie)).toBeNull();
      expect(sessions.end(cookie)).toBeNull();
    },
  );
});
