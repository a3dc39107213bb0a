import { DEFAULT_REFUSAL_LIMITS } from '../application/door/refuse-at-door.js';
import type { RefusalLimits } from '../application/door/refusal-budget.js';
import type { PaceLimits } from './booth/uploads/upload-pace.js';
import type { TurnLimits } from './edge/turns.js';
import type { ProxyTrust } from './edge/client-address.js';

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
  readonly eventStreamsMax: number;
  readonly eventStreamsPerReceiptMax: number;
  readonly eventStreamsPerAddressMax: number;
  /** A stream ends after this time and the client opens a new one. */
  readonly eventStreamSecondsMax: number;
  readonly heartbeatMs: number;
  /** A request that has not arrived whole after this time is ended. */
  readonly requestMsMax: number;
  /** The same for its header fields, counted from the connection. */
  readonly headersMsMax: number;
  /** Open connections, of all and of one address (of a trusted proxy only together). */
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  /** At shutdown, connections that are still open after this time are cut. */
  readonly shutdownMsMax: number;
}

/** One kind of places for uploads: all of the kind, those of one holder (address or booth), bytes that all of them may
 * hold, and may send. */
export interface PlacesSettings {
  readonly placesMax: number;
  readonly perHolderMax: number;
  readonly bytesMax: number;
  readonly bytesPerSecondMax: number;
}

/** Uploads are read into memory: how many, for whom, how fast. */
export interface UploadSettings {
  /** For booths that signed for their challenge. */
  readonly booth: PlacesSettings;
  /** For whoever shows a fresh challenge, counted by address. */
  readonly challenge: PlacesSettings;
  /** For everybody else, counted by address. */
  readonly stranger: PlacesSettings;
  readonly perChallengeMax: number;
  readonly pace: PaceLimits;
}

export interface OidcSettings {
  /** Exactly the `iss` of the tokens. */
  readonly issuer: string;
  readonly audience: string;
  /** Where the issuer's keys are; null: as its `/.well-known/openid-configuration` says. */
  readonly jwksUri: string | null;
  /** Claim that lists the roles; dots go into objects (`realm_access.roles`). */
  readonly rolesClaim: string;
  /** Asks the issuer; absent: `fetch`. For an issuer that wants a certificate of ours or has one of its own authority. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** What booths have to show of themselves besides signatures. */
export interface BoothCertificateSettings {
  /** `asked`: who shows one must show a right one. */
  readonly mode: 'asked' | 'required';
  /** PEM: the authorities that issue certificates to booths. */
  readonly authorities: readonly string[];
  /** Lower-case name of the field in which trusted proxies write the certificate of the connection. */
  readonly header: string;
}

/** The officers' console in a browser. */
export interface ConsoleSettings {
  /** Under which the provider knows the console; null: nobody signs in with a browser. */
  readonly clientId: string | null;
  /** null: a public client. */
  readonly clientSecret: string | null;
  /** What is asked for at sign-in. */
  readonly scope: string;
  /** Address under which browsers reach this server; null: on this machine only. */
  readonly url: string | null;
  /** Of the built page; null: there is none. */
  readonly folder: string | null;
}

/** Requests per minute and address; 0 switches the limit off. */
export interface RateLimits {
  readonly challengesPerMinute: number;
  readonly registrationsPerMinute: number;
  readonly statusPerMinute: number;
  readonly photoChecksPerMinute: number;
}

/** Turns of requests by which no booth proves itself. */
export interface TurnSettings {
  /** Questions for challenges. */
  readonly question: TurnLimits;
  /** Uploads that show a fresh challenge. */
  readonly shown: TurnLimits;
  /** Uploads that show nothing. */
  readonly stranger: TurnLimits;
  /** What is long to write: measurements, the description of the interface, pages. */
  readonly page: TurnLimits;
  /** Everything else that is asked over HTTP. */
  readonly other: TurnLimits;
}

/** Everything that the HTTP edge can be told. Filled from the configuration; every field works when absent. */
export class ApiSettings {
  readonly limits: ApiLimits;
  /** null: nobody can sign in, and every route for officers says so. */
  readonly oidc: OidcSettings | null;
  readonly console: ConsoleSettings;
  readonly rateLimits: RateLimits;
  readonly uploads: UploadSettings;
  readonly turns: TurnSettings;
  /** Refusals with an event of their own; the others are counted. */
  readonly refusals: RefusalLimits;
  /** PEM. null: plain HTTP, for a machine behind a TLS proxy and for development. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** null: booths show no certificates. */
  readonly boothCertificates: BoothCertificateSettings | null;
  /** Whose word about the client's address is believed; limits count by address. */
  readonly trustProxy: ProxyTrust;
  /** Lower-case name of the header field in which trusted proxies write that address. */
  readonly clientAddressHeader: string;
  /** The bearer token of the operator, for `/metrics` and the words of `/health/ready`. null: nobody sees them here. */
  readonly metricsToken: string | null;
  /** Where an operator sees both without a token: a port of its own. null: nowhere. */
  readonly operatorPort: { readonly host: string; readonly port: number } | null;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

  constructor(
    given: {
      readonly [K in keyof ApiSettings]?: K extends 'limits' | 'rateLimits' | 'uploads' | 'turns'
        ? Partial<ApiSettings[K]>
        : ApiSettings[K];
    } = {},
  ) {
    this.limits = { ...DEFAULT_LIMITS, ...given.limits };
    this.oidc = given.oidc ?? null;
    this.console = given.console ?? NO_CONSOLE;
    this.rateLimits = { ...DEFAULT_RATE_LIMITS, ...given.rateLimits };
    this.uploads = { ...DEFAULT_UPLOADS, ...given.uploads };
    this.turns = { ...DEFAULT_TURNS, ...given.turns };
    this.refusals = given.refusals ?? DEFAULT_REFUSAL_LIMITS;
    this.tls = given.tls ?? null;
    this.boothCertificates = given.boothCertificates ?? null;
    this.trustProxy = given.trustProxy ?? 'no';
    this.clientAddressHeader = given.clientAddressHeader ?? 'x-forwarded-for';
    this.metricsToken = given.metricsToken ?? null;
    this.operatorPort = given.operatorPort ?? null;
    this.logLevel = given.logLevel ?? 'info';
  }
}

const NO_CONSOLE: ConsoleSettings = { clientId: null, clientSecret: null, scope: 'openid', url: null, folder: null };

const KIB = 1024;

export const DEFAULT_LIMITS: ApiLimits = {
  jsonBytesMax: 16 * KIB,
  certificateBytesMax: 8 * KIB,
  cardRecordBytesMax: 32 * KIB,
  cardIssuerCertificateBytesMax: 4 * KIB,
  photoBytesMax: 16 * KIB * KIB,
  frameBytesMax: KIB * KIB,
  eventStreamsMax: 1_000,
  eventStreamsPerReceiptMax: 5,
  eventStreamsPerAddressMax: 100,
  eventStreamSecondsMax: 600,
  heartbeatMs: 15_000,
  requestMsMax: 30_000,
  headersMsMax: 10_000,
  connectionsMax: 4_096,
  connectionsPerAddressMax: 256,
  shutdownMsMax: 10_000,
};

/** A booth's request has 0.1 to 4 MiB, so all three kinds full of them hold far less than their bounds. */
export const DEFAULT_UPLOADS: UploadSettings = {
  booth: { placesMax: 64, perHolderMax: 16, bytesMax: 256 * KIB * KIB, bytesPerSecondMax: 256 * KIB * KIB },
  challenge: { placesMax: 256, perHolderMax: 4, bytesMax: 128 * KIB * KIB, bytesPerSecondMax: 32 * KIB * KIB },
  stranger: { placesMax: 8, perHolderMax: 2, bytesMax: 64 * KIB * KIB, bytesPerSecondMax: 8 * KIB * KIB },
  perChallengeMax: 2,
  pace: { bytesPerSecondMin: 16 * KIB, graceSeconds: 5, bodySecondsMax: 30 },
};

const WAITING = { waitingMax: 1_024, waitingPerAddressMax: 256, waitMsMax: 5_000 };

/** Beside booths strangers of each kind take about a tenth of the event loop. Waiting uploads hold what a connection
 * reads ahead, 64 KiB each. */
export const DEFAULT_TURNS: TurnSettings = {
  question: { perSecondBeside: 50, ...WAITING },
  shown: { perSecondBeside: 50, ...WAITING },
  stranger: { perSecondBeside: 25, ...WAITING },
  page: { perSecondBeside: 10, ...WAITING },
  other: { perSecondBeside: 200, ...WAITING },
};

export const DEFAULT_RATE_LIMITS: RateLimits = {
  challengesPerMinute: 3_000,
  registrationsPerMinute: 3_000,
  statusPerMinute: 12_000,
  photoChecksPerMinute: 3_000,
};
