/** Hard caps in bytes. What a policy allows may be smaller, never larger. */
export interface ApiLimits {
  /** Part `request` of a registration, and every other JSON body. */
  readonly jsonBytesMax: number;
  readonly certificateBytesMax: number;
  readonly cardRecordBytesMax: number;
  readonly cardIssuerCertificateBytesMax: number;
  /** Above this a photograph is not even read; the policy's own limit is checked by the command. */
  readonly photoBytesMax: number;
  /** One further frame; they are smaller pictures than the photograph. */
  readonly frameBytesMax: number;
  /** Registrations that are read into memory at the same time; more are asked to come back. */
  readonly uploadsAtOnceMax: number;
  readonly eventStreamsMax: number;
  /** A stream ends after this time and the client opens a new one. */
  readonly eventStreamSecondsMax: number;
  readonly heartbeatMs: number;
  /** A request that has not arrived whole after this time is ended. */
  readonly requestMsMax: number;
  /** At shutdown, connections that are still open after this time are cut. */
  readonly shutdownMsMax: number;
}

export interface OidcSettings {
  /** Exactly the `iss` of the tokens. */
  readonly issuer: string;
  readonly audience: string;
  /** Where the issuer's keys are; null: as its `/.well-known/openid-configuration` says. */
  readonly jwksUri: string | null;
  /** Claim that lists the roles; dots go into objects (`realm_access.roles`). */
  readonly rolesClaim: string;
}

/** Requests per minute and address; 0 switches the limit off. */
export interface RateLimits {
  readonly challengesPerMinute: number;
  readonly registrationsPerMinute: number;
  readonly statusPerMinute: number;
  readonly photoChecksPerMinute: number;
}

/** Everything that the HTTP edge can be told. Filled from the configuration; every field works when absent. */
export class ApiSettings {
  readonly limits: ApiLimits;
  /** null: nobody can sign in, and every route for officers says so. */
  readonly oidc: OidcSettings | null;
  readonly rateLimits: RateLimits;
  /** PEM. null: plain HTTP, for a machine behind a TLS proxy and for development. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Whether `X-Forwarded-For` of the nearest proxy is believed (rate limits count by address). */
  readonly trustProxy: boolean;
  /** When set, `/metrics` asks for it as a bearer token. */
  readonly metricsToken: string | null;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

  constructor(given: { readonly [K in keyof ApiSettings]?: K extends 'limits' | 'rateLimits' ? Partial<ApiSettings[K]> : ApiSettings[K] } = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...given.limits };
    this.oidc = given.oidc ?? null;
    this.rateLimits = { ...DEFAULT_RATE_LIMITS, ...given.rateLimits };
    this.tls = given.tls ?? null;
    this.trustProxy = given.trustProxy ?? false;
    this.metricsToken = given.metricsToken ?? null;
    this.logLevel = given.logLevel ?? 'info';
  }
}

const KIB = 1024;

export const DEFAULT_LIMITS: ApiLimits = {
  jsonBytesMax: 16 * KIB,
  certificateBytesMax: 8 * KIB,
  cardRecordBytesMax: 32 * KIB,
  cardIssuerCertificateBytesMax: 4 * KIB,
  photoBytesMax: 16 * KIB * KIB,
  frameBytesMax: KIB * KIB,
  uploadsAtOnceMax: 32,
  eventStreamsMax: 1_000,
  eventStreamSecondsMax: 600,
  heartbeatMs: 15_000,
  requestMsMax: 60_000,
  shutdownMsMax: 10_000,
};

export const DEFAULT_RATE_LIMITS: RateLimits = { challengesPerMinute: 3_000, registrationsPerMinute: 3_000, statusPerMinute: 12_000, photoChecksPerMinute: 3_000 };
