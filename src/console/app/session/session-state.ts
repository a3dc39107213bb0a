import { signal } from '@preact/signals';

/** Who is signed in, as the server says. */
export interface Person {
  readonly subject: string;
  readonly roles: readonly string[];
}

/** `ended`: somebody was signed in, and what they are doing must not be lost. */
export type SessionState =
  | { readonly is: 'asking' }
  | { readonly is: 'nobody' }
  | { readonly is: 'signed_in'; readonly person: Person }
  | { readonly is: 'ended'; readonly person: Person }
  | { readonly is: 'unreachable' };

export const session = signal<SessionState>({ is: 'asking' });

/** The server no longer knows who this is. */
export function sessionEnded(): void {
  const before = session.value;
  session.value = before.is === 'signed_in' ? { is: 'ended', person: before.person } : { is: 'nobody' };
}

/** Where to sign in, and to come back to. */
export function signInAddress(): string {
  const { pathname, search } = location;
  return `/console/sign-in?to=${encodeURIComponent(pathname + search.replace(/[?&]problem=[^&]*/, ''))}`;
}
