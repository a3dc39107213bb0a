import { timingSafeEqual } from 'node:crypto';
import {
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  importPKCS8,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import { ListeningStandIn, type Troublable } from '../stand-in/listening-stand-in.js';
import {
  controlBody,
  json,
  problem,
  type StandInAnswer,
  type StandInOptions,
  type StandInRequest,
} from '../stand-in/stand-in-listener.js';
import { readState, writeState } from '../stand-in/state-file.js';

export type Role = 'officer' | 'auditor' | 'administrator';

/** A person who can sign in here. The password equals the name: this is a stand-in for development. */
export interface SampleUser {
  readonly username: string;
  readonly displayName: string;
  readonly roles: readonly Role[];
}

/** Two officers, because a hold is decided by two who do not see each other's opinion; a third for when they
 * disagree. */
export const SAMPLE_USERS: readonly SampleUser[] = [
  { username: 'officer-a', displayName: 'Officer A', roles: ['officer'] },
  { username: 'officer-b', displayName: 'Officer B', roles: ['officer'] },
  { username: 'officer-c', displayName: 'Officer C', roles: ['officer'] },
  { username: 'auditor', displayName: 'Auditor', roles: ['auditor'] },
  { username: 'administrator', displayName: 'Administrator', roles: ['administrator'] },
  { username: 'administrator-b', displayName: 'Second administrator', roles: ['administrator'] },
];

export const AUDIENCE = 'honnin';
export type TokenAlgorithm = 'ES256' | 'RS256';

/** A token with chosen faults, for tests of whoever checks tokens. */
export interface MintOptions {
  readonly subject?: string;
  readonly roles?: readonly string[];
  readonly audience?: string;
  readonly issuer?: string;
  /** Negative: already expired. Default 3600. */
  readonly expiresInSeconds?: number;
  /** Becomes valid so many seconds from now. */
  readonly notBeforeSeconds?: number;
  /** `unpublished`: a key that the key set does not hold, under the kid of one that it does. */
  readonly signedWith?: 'current' | 'previous' | 'unpublished';
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface TokenIssuerOptions extends StandInOptions {
  /** Keys are kept here over a restart. */
  readonly stateFile?: string;
  /** Default ES256. */
  readonly algorithm?: TokenAlgorithm;
}

export interface TokenIssuer extends Troublable {
  /** The `iss` of every token; the discovery document is below it. */
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  readonly tokenUrl: string;
  readonly users: readonly SampleUser[];
  /** An access token for a sample user. @throws {RangeError} for an unknown name. */
  signIn(username: string): Promise<string>;
  mint(options?: MintOptions): Promise<string>;
  /** A token that claims the algorithm `none`. */
  mintUnsigned(options?: MintOptions): string;
  /** New tokens get a new key; the old one stays published until it is forgotten. */
  rotateKeys(): Promise<void>;
  forgetPreviousKeys(): Promise<void>;
}

interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

interface IssuerState {
  readonly format: 'honnin-sandbox-token-issuer/v1';
  readonly algorithm: TokenAlgorithm;
  readonly keys: readonly { readonly kid: string; readonly pkcs8: string }[];
}

/** Starts a local OpenID Connect issuer for development: discovery, key set, password grant for the sample users. */
export async function startTokenIssuer(options: TokenIssuerOptions = {}): Promise<TokenIssuer> {
  const saved = readState<IssuerState>(options.stateFile);
  const algorithm = saved?.algorithm ?? options.algorithm ?? 'ES256';
  const keys =
    saved === null
      ? [await newKey(algorithm, 1)]
      : await Promise.all(saved.keys.map(({ kid, pkcs8 }) => loadKey(algorithm, kid, pkcs8)));
  const issuer = new TokenIssuerStandIn(options, algorithm, keys);
  await issuer.listen();
  return issuer;
}

class TokenIssuerStandIn extends ListeningStandIn implements TokenIssuer {
  readonly audience = AUDIENCE;
  readonly users = SAMPLE_USERS;
  readonly #options: TokenIssuerOptions;
  readonly #algorithm: TokenAlgorithm;
  /** Newest first. */
  #keys: SigningKey[];
  #unpublished: SigningKey | null = null;

  constructor(options: TokenIssuerOptions, algorithm: TokenAlgorithm, keys: SigningKey[]) {
    super('OpenID Connect issuer', options);
    this.#options = options;
    this.#algorithm = algorithm;
    this.#keys = keys;
  }

  override async listen(): Promise<void> {
    await super.listen();
    await this.#save();
  }

  get issuer(): string {
    return this.url;
  }

  get jwksUrl(): string {
    return `${this.url}/jwks`;
  }

  get tokenUrl(): string {
    return `${this.url}/token`;
  }

  async signIn(username: string): Promise<string> {
    const user = this.users.find((candidate) => candidate.username === username);
    if (user === undefined)
      throw new RangeError(
        `no sample user '${username}'; there are ${this.users.map((each) => each.username).join(', ')}`,
      );
    return this.mint({ subject: user.username, roles: user.roles, claims: { name: user.displayName } });
  }

  async mint(options: MintOptions = {}): Promise<string> {
    const key = await this.#keyFor(options.signedWith ?? 'current');
    return new SignJWT(this.#claims(options))
      .setProtectedHeader({ alg: this.#algorithm, kid: key.kid, typ: 'at+jwt' })
      .sign(key.privateKey);
  }

  mintUnsigned(options: MintOptions = {}): string {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'none', typ: 'at+jwt' })}.${part(this.#claims(options))}.`;
  }

  async rotateKeys(): Promise<void> {
    const number = 1 + Math.max(...this.#keys.map(({ kid }) => Number(kid.slice('sandbox-'.length))));
    this.#keys = [await newKey(this.#algorithm, number), ...this.#keys];
    await this.#save();
  }

  async forgetPreviousKeys(): Promise<void> {
    this.#keys = this.#keys.slice(0, 1);
    await this.#save();
  }

  #claims(options: MintOptions): JWTPayload {
    const now = Math.floor((this.#options.now?.() ?? new Date()).getTime() / 1000);
    return {
      iss: options.issuer ?? this.issuer,
      aud: options.audience ?? AUDIENCE,
      sub: options.subject ?? 'officer-a',
      roles: [...(options.roles ?? ['officer'])],
      iat: now,
      nbf: now + (options.notBeforeSeconds ?? 0),
      exp: now + (options.expiresInSeconds ?? 3600),
      ...options.claims,
    };
  }

  async #keyFor(which: 'current' | 'previous' | 'unpublished'): Promise<SigningKey> {
    const [current, previous] = this.#keys;
    if (current === undefined) throw new Error('the issuer has no key');
    if (which === 'current') return current;
    if (which === 'previous') {
      if (previous === undefined) throw new RangeError('no keys were rotated yet');
      return previous;
    }
    this.#unpublished ??= await newKey(this.#algorithm, 0);
    return { ...this.#unpublished, kid: current.kid };
  }

  protected override async serve(request: StandInRequest): Promise<StandInAnswer> {
    switch (`${request.method} ${request.path}`) {
      case 'GET /.well-known/openid-configuration':
        return json(200, this.#discovery());
      case 'GET /jwks':
        return json(200, { keys: this.#keys.map(({ publicJwk }) => publicJwk) });
      case 'POST /token':
        return this.#token(request);
      default:
        return problem(404, 'not_found', 'this stand-in answers /.well-known/openid-configuration, /jwks and /token');
    }
  }

  #discovery(): Record<string, unknown> {
    return {
      issuer: this.issuer,
      jwks_uri: this.jwksUrl,
      token_endpoint: this.tokenUrl,
      grant_types_supported: ['password'],
      response_types_supported: [],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [this.#algorithm],
    };
  }

  /** Resource-owner password grant, form encoded: the shortest way to a token in development. Source: RFC 6749 section
   * 4.3. */
  async #token(request: StandInRequest): Promise<StandInAnswer> {
    const form = new URLSearchParams(request.body.toString('utf8'));
    if (form.get('grant_type') !== 'password') return json(400, { error: 'unsupported_grant_type' });
    const user = this.users.find((candidate) => candidate.username === form.get('username'));
    if (user === undefined || !sameText(form.get('password') ?? '', user.username))
      return json(400, { error: 'invalid_grant' });
    return json(
      200,
      { access_token: await this.signIn(user.username), token_type: 'Bearer', expires_in: 3600 },
      { 'cache-control': 'no-store' },
    );
  }

  protected override async control(request: StandInRequest): Promise<StandInAnswer> {
    switch (`${request.method} ${request.path}`) {
      case 'POST /control/rotate':
        await this.rotateKeys();
        return json(200, { kids: this.#keys.map(({ kid }) => kid) });
      case 'POST /control/forget-previous-keys':
        await this.forgetPreviousKeys();
        return json(200, { kids: this.#keys.map(({ kid }) => kid) });
      case 'POST /control/mint':
        return json(200, { access_token: await this.mint(controlBody(request) as MintOptions) });
      default:
        return problem(404, 'not_found', 'no such control call; docs/sandbox.md lists them');
    }
  }

  async #save(): Promise<void> {
    if (this.#options.stateFile === undefined) return;
    const keys = await Promise.all(
      this.#keys.map(async ({ kid, privateKey }) => ({ kid, pkcs8: await exportPKCS8(privateKey) })),
    );
    writeState(this.#options.stateFile, {
      format: 'honnin-sandbox-token-issuer/v1',
      algorithm: this.#algorithm,
      keys,
    } satisfies IssuerState);
  }
}

async function newKey(algorithm: TokenAlgorithm, number: number): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return describeKey(algorithm, `sandbox-${number}`, privateKey);
}

async function loadKey(algorithm: TokenAlgorithm, kid: string, pkcs8: string): Promise<SigningKey> {
  return describeKey(algorithm, kid, await importPKCS8(pkcs8, algorithm, { extractable: true }));
}

async function describeKey(algorithm: TokenAlgorithm, kid: string, privateKey: CryptoKey): Promise<SigningKey> {
  const { kty, crv, x, y, n, e } = await exportJWK(privateKey);
  const publicMembers = kty === 'EC' ? { kty, crv, x, y } : { kty, n, e };
  return { kid, privateKey, publicJwk: { ...(publicMembers as JWK), kid, use: 'sig', alg: algorithm } };
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
