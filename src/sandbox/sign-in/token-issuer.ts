import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
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
  type Library,
  type StandInRequest,
} from '../stand-in/stand-in-listener.js';
import { readState, writeState } from '../stand-in/state-file.js';
import { SAMPLE_USERS, sampleUser, type SampleUser } from './sample-users.js';
import type { RawHandler, SignInClient } from './sign-in-provider.js';
import { SignInRecords, type SavedRecords } from './sign-in-records.js';

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
  /** `localhost`: another site than that of a server on 127.0.0.1, as in a real installation. Default 127.0.0.1. */
  readonly host?: 'localhost' | '127.0.0.1';
  /** How long access tokens of people who signed in hold. Default an hour. */
  readonly accessTokenSeconds?: number;
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
  /** A program to which people sign in with a browser may do so from now on; one of the same name is replaced. */
  registerClient(client: SignInClient): Promise<void>;
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
  /** Absent in files from before people could sign in. */
  readonly signIn?: SavedSignIn;
}

interface SavedSignIn {
  readonly cookieSecret: string;
  readonly clients: readonly SignInClient[];
  readonly records: SavedRecords;
}

/** Discovery, keys and everything for browsers are the library's. What is below stays here. */
const OWN_PATHS = ['/token', '/control/'];

/** Starts a local OpenID provider for development: people sign in by code or device flow, programs and tests take the
 * short way of the password grant. */
export async function startTokenIssuer(options: TokenIssuerOptions = {}): Promise<TokenIssuer> {
  const saved = readState<IssuerState>(options.stateFile);
  const algorithm = saved?.algorithm ?? options.algorithm ?? 'ES256';
  const keys =
    saved === null
      ? [await newKey(algorithm, 1)]
      : await Promise.all(saved.keys.map(({ kid, pkcs8 }) => loadKey(algorithm, kid, pkcs8)));
  const issuer = new TokenIssuerStandIn(options, algorithm, keys, saved?.signIn);
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
  readonly #cookieSecret: string;
  readonly #records: SignInRecords;
  #clients: readonly SignInClient[];
  #savedKeys: IssuerState['keys'] = [];
  /** Made when somebody asks for it, and made anew when keys or clients change. */
  #provider: Promise<RawHandler> | null = null;

  constructor(options: TokenIssuerOptions, algorithm: TokenAlgorithm, keys: SigningKey[], signIn?: SavedSignIn) {
    super('OpenID Connect issuer', options);
    this.#options = options;
    this.#algorithm = algorithm;
    this.#keys = keys;
    this.#cookieSecret = signIn?.cookieSecret ?? randomBytes(32).toString('base64url');
    this.#clients = signIn?.clients ?? [];
    this.#records = new SignInRecords(signIn?.records ?? [], () => this.#saveRecords());
  }

  override async listen(): Promise<void> {
    await super.listen();
    await this.#save();
  }

  get issuer(): string {
    return this.#options.host === 'localhost' ? this.url.replace('127.0.0.1', 'localhost') : this.url;
  }

  get jwksUrl(): string {
    return `${this.url}/jwks`;
  }

  get tokenUrl(): string {
    return `${this.url}/token`;
  }

  async signIn(username: string): Promise<string> {
    const user = sampleUser(username);
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
    this.#provider = null;
    await this.#save();
  }

  async forgetPreviousKeys(): Promise<void> {
    this.#keys = this.#keys.slice(0, 1);
    this.#provider = null;
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
      case 'POST /token':
        return this.#token(request);
      default:
        return problem(404, 'not_found', 'this is answered to POST alone');
    }
  }

  protected override library(message: IncomingMessage): ReturnType<Library> {
    const path = new URL(message.url ?? '/', this.url).pathname;
    if (OWN_PATHS.some((own) => path === own || (own.endsWith('/') && path.startsWith(own)))) return null;
    return async (response) => (await this.#signInProvider())(message, response);
  }

  #signInProvider(): Promise<RawHandler> {
    this.#provider ??= this.#makeProvider();
    return this.#provider;
  }

  async #makeProvider(): Promise<RawHandler> {
    // Only where somebody asks: it takes a quarter of a second to load.
    const { signInProvider } = await import('./sign-in-provider.js');
    const use = 'sig';
    return signInProvider({
      issuer: this.issuer,
      audience: AUDIENCE,
      algorithm: this.#algorithm,
      keys: await Promise.all(
        this.#keys.map(async ({ kid, privateKey }) => ({
          ...(await exportJWK(privateKey)),
          kid,
          use,
          alg: this.#algorithm,
        })),
      ),
      cookieSecret: this.#cookieSecret,
      clients: this.#clients,
      records: this.#records,
      accessTokenSeconds: this.#options.accessTokenSeconds ?? 3600,
    });
  }

  async registerClient(client: SignInClient): Promise<void> {
    this.#clients = [...this.#clients.filter(({ clientId }) => clientId !== client.clientId), client];
    this.#provider = null;
    // What a client may not be is told to who registers it.
    await this.#signInProvider();
    await this.#save();
  }

  /** Resource-owner password grant, form encoded: the shortest way to a token in development. Source: RFC 6749 section
   * 4.3. */
  async #token(request: StandInRequest): Promise<StandInAnswer> {
    const form = new URLSearchParams(request.body.toString('utf8'));
    if (form.get('grant_type') !== 'password') return json(400, { error: 'unsupported_grant_type' });
    const user = sampleUser(form.get('username'));
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
      case 'POST /control/clients':
        await this.registerClient(controlBody(request) as unknown as SignInClient);
        return json(200, { clients: this.#clients.map(({ clientId }) => clientId) });
      case 'POST /control/mint':
        return json(200, { access_token: await this.mint(controlBody(request) as MintOptions) });
      default:
        return problem(404, 'not_found', 'no such control call; docs/sandbox.md lists them');
    }
  }

  /** Keys are exported once for each set of them, and what changes with every click is written beside them. */
  async #save(): Promise<void> {
    this.#savedKeys = await Promise.all(
      this.#keys.map(async ({ kid, privateKey }) => ({ kid, pkcs8: await exportPKCS8(privateKey) })),
    );
    this.#saveRecords();
  }

  #saveRecords(): void {
    if (this.#options.stateFile === undefined) return;
    writeState(this.#options.stateFile, {
      format: 'honnin-sandbox-token-issuer/v1',
      algorithm: this.#algorithm,
      keys: this.#savedKeys,
      signIn: { cookieSecret: this.#cookieSecret, clients: this.#clients, records: this.#records.saved() },
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
