import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../application/ports/store/clock.js';
import { SessionStore } from '../../application/ports/store/session-store.js';
import { addMs } from '../../domain/values/instant.js';
import { RelyingParty, type SignedInTokens, type Tokens } from './relying-party.js';
import { Sealer } from './sealer.js';

/** `__Host-`: only this host, only over what the browser takes for secure, for every path. */
export const SESSION_COOKIE = '__Host-honnin';
const ID_BYTES = 32;
const COOKIE = /^[A-Za-z0-9_-]{43}$/;
/** A working day; then a person signs in again, whatever the provider thinks. */
const SESSION_MS_MAX = 12 * 3_600_000;
/** Renewed so long before its end, that it does not end on its way. */
const RENEW_BEFORE_MS = 30_000;

/** Browsers that are signed in: the cookie is a number that means nothing elsewhere, the tokens stay here. */
@Injectable()
export class Sessions {
  /** Two requests of a browser at once renew once. */
  private readonly renewing = new Map<string, Promise<Tokens | null>>();

  constructor(
    private readonly store: SessionStore,
    private readonly provider: RelyingParty,
    private readonly sealer: Sealer,
    private readonly clock: Clock,
  ) {}

  /** @returns the cookie's value */
  begin(tokens: SignedInTokens): string {
    const cookie = randomBytes(ID_BYTES).toString('base64url');
    const id = idOf(cookie);
    this.store.put({
      id,
      subject: tokens.subject,
      providerSession: tokens.providerSession,
      sealed: this.sealer.seal(id, plain(tokens)),
      endsAtUtc: addMs(this.clock.nowUtc(), SESSION_MS_MAX),
    });
    return cookie;
  }

  /** The access token of a browser, renewed where it is about to end; null when the browser is not signed in (any more).
   *  @throws {ProblemError} `sign_in_unavailable` while the provider cannot be asked and the token has ended */
  async accessTokenOf(cookie: string | undefined): Promise<string | null> {
    if (cookie === undefined || !COOKIE.test(cookie)) return null;
    const id = idOf(cookie);
    const tokens = this.tokensOf(id);
    if (tokens === null) return null;
    if (tokens.accessEndsAtMs - RENEW_BEFORE_MS > Date.parse(this.clock.nowUtc())) return tokens.accessToken;
    const renewed = await this.renewed(id, tokens);
    return renewed?.accessToken ?? null;
  }

  /** @returns what was signed in, for the provider to be told; null when nobody was */
  end(cookie: string | undefined): Tokens | null {
    if (cookie === undefined || !COOKIE.test(cookie)) return null;
    const id = idOf(cookie);
    const tokens = this.tokensOf(id);
    this.store.end(id);
    return tokens;
  }

  /** What the provider ends. @returns how many browsers were signed in so */
  endAll(of: { readonly subject: string } | { readonly providerSession: string }): number {
    return this.store.endAll(of);
  }

  private tokensOf(id: string): Tokens | null {
    const stored = this.store.get(id, this.clock.nowUtc());
    return stored === null ? null : (this.sealer.open(id, stored.sealed) as Tokens | null);
  }

  private renewed(id: string, tokens: Tokens): Promise<Tokens | null> {
    const begun = this.renewing.get(id);
    if (begun !== undefined) return begun;
    const renewal = this.renew(id, tokens).finally(() => this.renewing.delete(id));
    this.renewing.set(id, renewal);
    return renewal;
  }

  private async renew(id: string, tokens: Tokens): Promise<Tokens | null> {
    const fresh = await this.provider.renew(tokens);
    const stored = this.store.get(id, this.clock.nowUtc());
    // Signed out meanwhile: what came too late must not bring the session back.
    if (stored === null) return null;
    if (fresh === null) this.store.end(id);
    else this.store.put({ ...stored, sealed: this.sealer.seal(id, fresh) });
    return fresh;
  }
}

function plain({ accessToken, refreshToken, idToken, accessEndsAtMs }: Tokens): Tokens {
  return { accessToken, refreshToken, idToken, accessEndsAtMs };
}

function idOf(cookie: string): string {
  return createHash('sha256').update(cookie).digest('hex');
}
