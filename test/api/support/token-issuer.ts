import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

const AUDIENCE = 'honnin';

/** A small OpenID Connect issuer over real HTTP: discovery, keys, and tokens signed by them. */
export class TokenIssuer {
  private server!: Server;
  private readonly keys = new Map<string, { privateKey: CryptoKey; jwk: JWK }>();
  private failing = false;
  keyRequests = 0;
  readonly audience = AUDIENCE;

  static async start(algorithms: readonly string[] = ['ES256']): Promise<TokenIssuer> {
    const issuer = new TokenIssuer();
    for (const alg of algorithms) await issuer.addKey(alg);
    issuer.server = createServer((request, response) => {
      const found = issuer.failing ? null : issuer.documentAt(request.url ?? '');
      response.writeHead(found ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(found ?? {}));
    });
    await new Promise<void>((resolve) => issuer.server.listen(0, '127.0.0.1', resolve));
    return issuer;
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** From now on nothing but 503. */
  fail(): void {
    this.failing = true;
  }

  async token(
    claims: Record<string, unknown>,
    {
      alg = 'ES256',
      header = {},
      expiresIn = '5m',
      issuer = this.issuer,
      audience = AUDIENCE,
    }: { alg?: string; header?: Record<string, unknown>; expiresIn?: string; issuer?: string; audience?: string } = {},
  ): Promise<string> {
    const key = this.keys.get(alg);
    if (!key) throw new Error(`the issuer has no ${alg} key`);
    const jwt = new SignJWT(claims)
      .setProtectedHeader({ alg, kid: alg, typ: 'at+jwt', ...header })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt();
    return jwt.setExpirationTime(expiresIn).sign(key.privateKey);
  }

  async addKey(alg: string): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    this.keys.set(alg, { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: alg, alg, use: 'sig' } });
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  private documentAt(path: string): object | null {
    if (path === '/.well-known/openid-configuration') return { issuer: this.issuer, jwks_uri: `${this.issuer}/keys` };
    if (path !== '/keys') return null;
    this.keyRequests++;
    return { keys: [...this.keys.values()].map((k) => k.jwk) };
  }
}
