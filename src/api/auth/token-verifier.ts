import { Injectable } from '@nestjs/common';
import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { holdsMyNumber } from '../../domain/values/my-number.js';
import { ApiSettings, type OidcSettings } from '../api-settings.js';
import { ROLES, type Role, type SignedInPerson } from './roles.js';

export type TokenVerdict =
  | { readonly verdict: 'valid'; readonly person: SignedInPerson }
  | { readonly verdict: 'invalid'; readonly cause: string }
  /** The issuer's keys could not be had: nothing is known about the token. */
  | { readonly verdict: 'unknown'; readonly cause: string }
  | { readonly verdict: 'not_configured' };

export type LogoutVerdict =
  | { readonly verdict: 'valid'; readonly of: { readonly subject: string } | { readonly providerSession: string } }
  | { readonly verdict: 'invalid' | 'unknown' };

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const LOGOUT_SECONDS_MAX = 120;

/** Signatures that are believed. No symmetric ones (our audience could make tokens) and no RSA with SHA-1. */
const ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'];
const TOKEN_LENGTH_MAX = 8_192;
const CLOCK_TOLERANCE_SECONDS = 30;
const FETCH_TIMEOUT_MS = 5_000;
const KEYS_KEPT_MS = 600_000;
/** How a person may be called. */
export const SUBJECT = /^[\x21-\x7e]{1,128}$/;
/** Who acts is written `officer:…`, `booth:…`, `system:…` in events: no person is called so. */
const RESERVED = /^(?:system|booth|officer|auditor|administrator|honnin)[:/]/i;

/** Every one of these says that the token is bad; any other error says that the issuer could not be asked. */
const TOKEN_FAULTS = [
  errors.JWTExpired,
  errors.JWTClaimValidationFailed,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
];

/** Verifies OpenID Connect access tokens: signature by the issuer's published keys, issuer, audience, times, roles. */
@Injectable()
export class TokenVerifier {
  private keys: Promise<JWTVerifyGetKey> | null = null;

  constructor(private readonly settings: ApiSettings) {}

  /** @throws only on a bug; every property of a token and of the issuer is a verdict. */
  async verify(token: string): Promise<TokenVerdict> {
    const { oidc } = this.settings;
    if (!oidc) return { verdict: 'not_configured' };
    if (token.length > TOKEN_LENGTH_MAX) return { verdict: 'invalid', cause: 'too_long' };
    try {
      const { payload, protectedHeader } = await jwtVerify(token, await this.issuerKeys(oidc), {
        issuer: oidc.issuer,
        audience: oidc.audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['sub', 'exp'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      });
      // RFC 9068 names the type at+jwt; many issuers still write JWT. Others (logout tokens, events) are no access
      // tokens.
      if (!['at+jwt', 'application/at+jwt', 'jwt', undefined].includes(protectedHeader.typ?.toLowerCase()))
        return { verdict: 'invalid', cause: 'type' };
      return personOf(payload, oidc.rolesClaim);
    } catch (error) {
      if (TOKEN_FAULTS.some((fault) => error instanceof fault))
        return { verdict: 'invalid', cause: (error as { code: string }).code };
      return { verdict: 'unknown', cause: error instanceof Error ? error.name : 'error' };
    }
  }

  /** A provider's word that somebody has signed out: OpenID Connect Back-Channel Logout 1.0, section 2.6. */
  async verifyLogout(token: string, clientId: string): Promise<LogoutVerdict> {
    const { oidc } = this.settings;
    if (!oidc || token.length > TOKEN_LENGTH_MAX) return { verdict: 'invalid' };
    try {
      const { payload } = await jwtVerify(token, await this.issuerKeys(oidc), {
        issuer: oidc.issuer,
        audience: clientId,
        algorithms: ALGORITHMS,
        requiredClaims: ['iat', 'jti', 'events'],
        maxTokenAge: LOGOUT_SECONDS_MAX,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      });
      const events = payload['events'];
      const isLogout = typeof events === 'object' && events !== null && Object.hasOwn(events, LOGOUT_EVENT);
      // With a nonce it could be an ID token that somebody shows here.
      if (!isLogout || payload['nonce'] !== undefined) return { verdict: 'invalid' };
      const { sid } = payload;
      if (typeof sid === 'string') return { verdict: 'valid', of: { providerSession: sid } };
      return payload.sub === undefined ? { verdict: 'invalid' } : { verdict: 'valid', of: { subject: payload.sub } };
    } catch (error) {
      return { verdict: TOKEN_FAULTS.some((fault) => error instanceof fault) ? 'invalid' : 'unknown' };
    }
  }

  private issuerKeys(oidc: OidcSettings): Promise<JWTVerifyGetKey> {
    this.keys ??= jwksAddress(oidc).then(
      (address) =>
        createRemoteJWKSet(address, {
          timeoutDuration: FETCH_TIMEOUT_MS,
          cacheMaxAge: KEYS_KEPT_MS,
          ...(oidc.fetch && { [customFetch]: oidc.fetch }),
        }),
      (error: unknown) => {
        // A failed discovery is not remembered: the next token asks again.
        this.keys = null;
        throw error;
      },
    );
    return this.keys;
  }
}

/** OpenID Connect Discovery 1.0, section 4: the document must name the very issuer that was asked. */
async function jwksAddress({ issuer, jwksUri, fetch: ask = fetch }: OidcSettings): Promise<URL> {
  if (jwksUri !== null) return new URL(jwksUri);
  const response = await ask(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    redirect: 'error',
  });
  if (!response.ok) throw new Error(`discovery answered ${response.status}`);
  const found = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (found.issuer !== issuer || typeof found.jwks_uri !== 'string')
    throw new Error('discovery names another issuer or no keys');
  const keys = new URL(found.jwks_uri);
  // Whoever can change what goes over plain http could sign in as anybody.
  if (issuer.startsWith('https:') && keys.protocol !== 'https:')
    throw new Error('discovery names keys over plain http');
  return keys;
}

function personOf(payload: JWTPayload, rolesClaim: string): TokenVerdict {
  const subject = payload.sub ?? '';
  // The subject goes into events for ever, so its form is checked like any other input's.
  if (!SUBJECT.test(subject) || RESERVED.test(subject) || holdsMyNumber(subject))
    return { verdict: 'invalid', cause: 'subject' };
  const claim = rolesClaim
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        value !== null && typeof value === 'object' && Object.hasOwn(value, name)
          ? (value as Record<string, unknown>)[name]
          : undefined,
      payload,
    );
  const named = Array.isArray(claim) ? claim : [];
  return { verdict: 'valid', person: { subject, roles: ROLES.filter((role: Role) => named.includes(role)) } };
}
