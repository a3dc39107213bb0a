import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify, type JWTPayload } from 'jose';
import path from 'node:path';
import { startTokenIssuer, type TokenIssuer } from '../../src/sandbox/sign-in/token-issuer.js';
import { temporaryFolder } from './support.js';

let issuer: TokenIssuer;
const lines: string[] = [];

beforeAll(async () => {
  issuer = await startTokenIssuer({ print: (line) => lines.push(line) });
});

afterAll(() => issuer.close());

/** Checks as a resource server would: discovery, key set, issuer and audience. */
async function check(token: string): Promise<JWTPayload> {
  const discovery = (await (await fetch(`${issuer.issuer}/.well-known/openid-configuration`)).json()) as {
    issuer: string;
    jwks_uri: string;
  };
  const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(discovery.jwks_uri)), {
    issuer: discovery.issuer,
    audience: 'honnin',
    algorithms: ['ES256', 'RS256'],
  });
  return payload;
}

async function grant(username: string, password: string, grantType = 'password'): Promise<Response> {
  return fetch(issuer.tokenUrl, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: grantType, username, password }),
  });
}

describe('the token issuer', () => {
  it('says on its first line that it is a stand-in', () => {
    expect(lines[0]).toMatch(/^STAND-IN: .*OpenID Connect/);
  });

  it.each([
    ['officer-a', ['officer']],
    ['auditor', ['auditor']],
    ['administrator', ['administrator']],
  ])('signs in %s with the role %j for an hour', async (username, roles) => {
    const answer = await grant(username, username);
    expect(answer.status).toBe(200);
    const { access_token: token } = (await answer.json()) as { access_token: string };
    const payload = await check(token);
    expect(payload).toMatchObject({ sub: username, roles, aud: 'honnin', iss: issuer.issuer });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
  });

  it('refuses a wrong password, an unknown user and another grant', async () => {
    expect((await grant('officer-a', 'wrong')).status).toBe(400);
    expect((await grant('nobody', 'nobody')).status).toBe(400);
    expect(await (await grant('officer-a', 'officer-a', 'client_credentials')).json()).toEqual({
      error: 'unsupported_grant_type',
    });
  });

  it('mints tokens that must be refused', async () => {
    await expect(check(await issuer.mint({ expiresInSeconds: -10 }))).rejects.toThrow(/exp/);
    await expect(check(await issuer.mint({ notBeforeSeconds: 600 }))).rejects.toThrow(/nbf/);
    await expect(check(await issuer.mint({ audience: 'another' }))).rejects.toThrow(/aud/);
    await expect(check(await issuer.mint({ issuer: 'https://another.invalid' }))).rejects.toThrow(/iss/);
    await expect(check(await issuer.mint({ signedWith: 'unpublished' }))).rejects.toThrow(/signature/);
    await expect(check(issuer.mintUnsigned())).rejects.toThrow();
    await expect(check(await issuer.mint())).resolves.toMatchObject({ sub: 'officer-a' });
  });

  it('rotates keys: old tokens hold until the old key is forgotten', async () => {
    const old = await issuer.signIn('officer-b');
    await issuer.rotateKeys();
    const fresh = await issuer.signIn('officer-b');
    await expect(check(old)).resolves.toMatchObject({ sub: 'officer-b' });
    await expect(check(fresh)).resolves.toMatchObject({ sub: 'officer-b' });
    await issuer.forgetPreviousKeys();
    await expect(check(old)).rejects.toThrow();
    await expect(check(fresh)).resolves.toMatchObject({ sub: 'officer-b' });
  });

  it('publishes no private member of a key', async () => {
    const { keys } = (await (await fetch(issuer.jwksUrl)).json()) as { keys: Record<string, unknown>[] };
    for (const key of keys) expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  it('signs with RS256 too, and keeps its keys over a restart', async () => {
    const folder = temporaryFolder();
    const options = {
      algorithm: 'RS256' as const,
      stateFile: path.join(folder.path, 'issuer.json'),
      print: () => undefined,
    };
    const first = await startTokenIssuer(options);
    const token = await first.mint({ issuer: 'x' });
    await first.close();
    const second = await startTokenIssuer(options);
    await expect(
      jwtVerify(token, createRemoteJWKSet(new URL(second.jwksUrl)), {
        issuer: 'x',
        audience: 'honnin',
        algorithms: ['RS256'],
      }),
    ).resolves.toBeDefined();
    await second.close();
    folder.remove();
  });
});
