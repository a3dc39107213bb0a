import { Injectable } from '@nestjs/common';
import * as oidc from 'openid-client';
import { ApiSettings } from '../api-settings.js';
import { ProblemError } from '../contract/problems.js';

/** What a browser that signs in has to bring back. */
export interface SignInFlow {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Where the person wanted to go: a path of the console. */
  readonly to: string;
}

/** What the provider gave for a person. Stays on the server. */
export interface Tokens {
  readonly accessToken: string;
  /** Null where the provider gives none: the session ends with the access token. */
  readonly refreshToken: string | null;
  readonly idToken: string | null;
  readonly accessEndsAtMs: number;
}

export interface SignedInTokens extends Tokens {
  readonly subject: string;
  readonly providerSession: string | null;
}

const ASK_TIMEOUT_SECONDS = 10;
/** Where a provider does not say how long its access tokens live. */
const ACCESS_SECONDS_UNSAID = 300;

/** The console at its OpenID provider: authorization code with PKCE (RFC 6749, RFC 7636, RFC 9207). */
@Injectable()
export class RelyingParty {
  private found: Promise<oidc.Configuration> | null = null;

  constructor(private readonly settings: ApiSettings) {}

  get isConfigured(): boolean {
    return this.settings.oidc !== null && this.settings.console.clientId !== null;
  }

  /** Where the browser has to go, and what it has to bring back. */
  async begin(redirectUri: string, to: string): Promise<{ readonly address: string; readonly flow: SignInFlow }> {
    const configuration = await this.provider();
    const flow = { state: oidc.randomState(), nonce: oidc.randomNonce(), verifier: oidc.randomPKCECodeVerifier(), to };
    const address = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: this.settings.console.scope,
      code_challenge: await oidc.calculatePKCECodeChallenge(flow.verifier),
      code_challenge_method: 'S256',
      state: flow.state,
      nonce: flow.nonce,
    });
    return { address: address.href, flow };
  }

  /** @param callback the address that the browser came back to
   *  @throws {ProblemError} `sign_in_failed` for what does not fit the flow, `sign_in_unavailable` */
  async finish(callback: URL, { state, nonce, verifier }: SignInFlow): Promise<SignedInTokens> {
    const configuration = await this.provider();
    const answer = await this.asked(
      oidc.authorizationCodeGrant(configuration, callback, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      }),
    );
    const claims = answer.claims();
    if (claims === undefined) throw new ProblemError('sign_in_failed');
    const sid = claims['sid'];
    return { ...tokensOf(answer), subject: claims.sub, providerSession: typeof sid === 'string' ? sid : null };
  }

  /** @returns null when the provider gives no more: the person is not signed in there any longer
   *  @throws {ProblemError} `sign_in_unavailable` */
  async renew(tokens: Tokens): Promise<Tokens | null> {
    if (tokens.refreshToken === null) return null;
    const configuration = await this.provider();
    try {
      const answer = await this.asked(oidc.refreshTokenGrant(configuration, tokens.refreshToken));
      const fresh = tokensOf(answer);
      return {
        ...fresh,
        refreshToken: fresh.refreshToken ?? tokens.refreshToken,
        idToken: fresh.idToken ?? tokens.idToken,
      };
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'sign_in_failed') return null;
      throw error;
    }
  }

  /** Where the browser ends its session at the provider; null where the provider offers nothing. */
  async endAddress(tokens: Tokens, backTo: string): Promise<string | null> {
    const configuration = await this.provider();
    if (configuration.serverMetadata().end_session_endpoint === undefined) return null;
    const parameters: Record<string, string> = { post_logout_redirect_uri: backTo };
    if (tokens.idToken !== null) parameters['id_token_hint'] = tokens.idToken;
    return oidc.buildEndSessionUrl(configuration, parameters).href;
  }

  private provider(): Promise<oidc.Configuration> {
    const { oidc: known, console: own } = this.settings;
    if (known === null || own.clientId === null) throw new ProblemError('sign_in_not_configured');
    const { fetch: ask } = known;
    const execute = known.issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [];
    const authentication = own.clientSecret === null ? oidc.None() : oidc.ClientSecretBasic(own.clientSecret);
    this.found ??= oidc
      .discovery(new URL(known.issuer), own.clientId, {}, authentication, {
        execute,
        timeout: ASK_TIMEOUT_SECONDS,
        ...(ask && { [oidc.customFetch]: (url: string, init: RequestInit) => ask(url, init) }),
      })
      .catch((error: unknown) => {
        // A failed discovery is not remembered: the next person asks again.
        this.found = null;
        throw unavailable(error);
      });
    return this.found;
  }

  private async asked<T>(question: Promise<T>): Promise<T> {
    try {
      return await question;
    } catch (error) {
      const isRefused = error instanceof oidc.ResponseBodyError && error.status < 500;
      if (isRefused || error instanceof oidc.AuthorizationResponseError) throw new ProblemError('sign_in_failed');
      throw unavailable(error);
    }
  }
}

function tokensOf(answer: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers): Tokens {
  const seconds = answer.expiresIn() ?? ACCESS_SECONDS_UNSAID;
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? null,
    idToken: answer.id_token ?? null,
    accessEndsAtMs: Date.now() + seconds * 1000,
  };
}

/** A check of openid-client that fails (state, nonce, issuer, signature) says that the answer is not to be believed. */
function unavailable(error: unknown): ProblemError {
  const isUnbelieved = error instanceof oidc.ClientError && error.code?.startsWith('OAUTH_') === true;
  const isAway = !isUnbelieved || error.code === 'OAUTH_TIMEOUT';
  return isAway
    ? new ProblemError('sign_in_unavailable', { retryAfterSeconds: 5 })
    : new ProblemError('sign_in_failed');
}
