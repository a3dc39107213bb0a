/** A signed-in browser, as it is kept: whoever reads the store can neither show the cookie nor use the tokens. */
export interface StoredSession {
  /** SHA-256 of the cookie, in hexadecimal. */
  readonly id: string;
  /** `sub` at the provider. */
  readonly subject: string;
  /** `sid` at the provider, by which it ends one browser of a person; null where it gives none. */
  readonly providerSession: string | null;
  /** The tokens, sealed. */
  readonly sealed: Uint8Array;
  readonly endsAtUtc: string;
}

/** Browsers that people have signed in with. They outlive a restart, and are no part of the history. */
export abstract class SessionStore {
  /** Puts a session in, or another one's tokens in the place of the old ones. */
  abstract put(session: StoredSession): void;
  /** @returns null for one that is unknown or has ended */
  abstract get(id: string, nowUtc: string): StoredSession | null;
  abstract end(id: string): void;
  /** Ends all of a person, or the one that the provider names. @returns how many */
  abstract endAll(of: { readonly subject: string } | { readonly providerSession: string }): number;
}
