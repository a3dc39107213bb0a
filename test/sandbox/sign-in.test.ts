import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { TERMINAL_CLIENT, type SignInClient } from '../../src/sandbox/sign-in/sign-in-provider.js';
import { startTokenIssuer, type TokenIssuer } from '../../src/sandbox/sign-in/token-issuer.js';
import { FormBrowser, type Page } from '../support/form-browser.js';
import { temporaryFolder } from './support.js';

const CALLBACK = 'http://127.0.0.1:9/callback';
const SIGNED_OUT = 'http://127.0.0.1:9/signed-out';
const OPTIONS = { execute: [openid.allowInsecureRequests] };

let issuer: TokenIssuer;
let ours: SignInClient;
let listener: Server;
const logoutTokens: string[] = [];

beforeAll(async () => {
  // In Jest's realm the library does not find what guards it against addresses of one machine, and says so.
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  issuer = await startTokenIssuer({ print: () => undefined, host: 'localhost' });
  listener = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      logoutTokens.push(new URLSearchParams(body).get('logout_token') ?? '');
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  ours = {
    clientId: 'console',
    clientSecret: 'a secret of the sandbox',
    redirectUris: [CALLBACK],
    postLogoutRedirectUris: [SIGNED_OUT],
    backchannelLogoutUri: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/backchannel`,
  };
  await issuer.registerClient(ours);
});

afterAll(async () => {
  await issuer.close();
  await new Promise((resolve) => listener.close(resolve));
  jest.restoreAllMocks();
});

const discover = (of: TokenIssuer = issuer): Promise<openid.Configuration> =>
  openid.discovery(new URL(of.issuer), ours.clientId, ours.clientSecret, undefined, OPTIONS);

/** The code flow of a console with state, nonce and PKCE. */
async function signIn(as: string, browser = new FormBrowser(), config?: openid.Configuration) {
  const client = config ?? (await discover());
  const verifier = openid.randomPKCECodeVerifier();
  const expected = { expectedState: openid.randomState(), expectedNonce: openid.randomNonce() };
  const address = openid.buildAuthorizationUrl(client, {
    redirect_uri: CALLBACK,
    scope: 'openid profile',
    state: expected.expectedState,
    nonce: expected.expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const asked = await browser.go(address.href, CALLBACK);
  const back = asked.status === 0 ? asked : await browser.send(asked, { username: as }, CALLBACK);
  const tokens = await openid.authorizationCodeGrant(client, back.url, { pkceCodeVerifier: verifier, ...expected });
  return { browser, client, asked, tokens };
}

async function check(token: string) {
  const keys = createRemoteJWKSet(new URL(`${issuer.issuer}/jwks`));
  const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: issuer.issuer, audience: 'honnin' });
  return { ...payload, typ: protectedHeader.typ };
}

const isPlain = (page: Page): void => {
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; script-src 'self'; form-action 'self'/);
  expect(page.html).not.toMatch(/<script|\son[a-z]+=|\sstyle=/);
};

describe('people who sign in with a browser', () => {
  it('choose who they are, and get tokens with their roles', async () => {
    const { asked, tokens } = await signIn('officer-a');
    for (const user of issuer.users) expect(asked.html).toContain(`value="${user.username}"`);
    isPlain(asked);
    const claims = { sub: 'officer-a', roles: ['officer'], name: 'Officer A' };
    expect(await check(tokens.access_token)).toMatchObject({ ...claims, typ: 'at+jwt' });
    expect(tokens.claims()).toMatchObject({ ...claims, aud: 'console' });
    expect(tokens.expires_in).toBe(3600);
  });

  it('are known in the same browser the next time', async () => {
    const { browser } = await signIn('officer-b');
    const again = await signIn('nobody is asked', browser);
    expect(again.asked.status).toBe(0);
    expect(await check(again.tokens.access_token)).toMatchObject({ sub: 'officer-b' });
  });

  it('get a new refresh token for each one used, and nothing for one that was used twice', async () => {
    const { client, tokens } = await signIn('auditor');
    const first = tokens.refresh_token ?? '';
    const fresh = await openid.refreshTokenGrant(client, first);
    expect(await check(fresh.access_token)).toMatchObject({ sub: 'auditor', roles: ['auditor'] });
    expect(fresh.refresh_token).not.toBe(first);
    await expect(openid.refreshTokenGrant(client, first)).rejects.toMatchObject({ error: 'invalid_grant' });
    await expect(openid.refreshTokenGrant(client, fresh.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  it('sign out, and the console is told by a signed message', async () => {
    const { browser, client, tokens } = await signIn('administrator');
    const address = openid.buildEndSessionUrl(client, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: SIGNED_OUT,
      state: 's',
    });
    const asked = await browser.go(address.href);
    isPlain(asked);
    const gone = await browser.send(asked, { logout: 'yes' }, SIGNED_OUT);
    expect(gone.url.href).toBe(`${SIGNED_OUT}?state=s`);
    expect(logoutTokens).toHaveLength(1);
    const keys = createRemoteJWKSet(new URL(`${issuer.issuer}/jwks`));
    const { payload, protectedHeader } = await jwtVerify(logoutTokens[0] ?? '', keys, {
      issuer: issuer.issuer,
      audience: 'console',
    });
    expect(protectedHeader.typ).toBe('logout+jwt');
    expect(payload).toMatchObject({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } });
    expect(payload['sid']).toBe(tokens.claims()?.['sid']);
    await expect(openid.refreshTokenGrant(client, tokens.refresh_token ?? '')).rejects.toThrow();
    expect((await browser.go(openid.buildEndSessionUrl(client).href)).html).not.toContain('administrator');
  });

  it('are refused without PKCE, for an address that is not registered, and under a name that is not on the list', async () => {
    const client = await discover();
    const browser = new FormBrowser();
    const without = await browser.go(openid.buildAuthorizationUrl(client, { redirect_uri: CALLBACK }).href, CALLBACK);
    expect(without.url.searchParams.get('error')).toBe('invalid_request');
    const elsewhere = { redirect_uri: 'http://127.0.0.1:8/evil' };
    const page = await browser.go(openid.buildAuthorizationUrl(client, elsewhere).href, 'http://127.0.0.1:8/');
    expect(page).toMatchObject({ status: 400, html: expect.stringContaining('redirect_uri') });
    await expect(signIn('<script>')).rejects.toThrow();
  });

  it('are told that a page is too old, or of another browser', async () => {
    const page = await new FormBrowser().go(`${issuer.issuer}/sign-in/unknown`);
    expect(page).toMatchObject({ status: 400, html: expect.stringContaining('sign in again') });
  });
});

describe('people who sign in from a terminal', () => {
  const terminal = (): Promise<openid.Configuration> =>
    openid.discovery(new URL(issuer.issuer), TERMINAL_CLIENT, undefined, openid.None(), OPTIONS);

  it('confirm the code of their terminal in a browser', async () => {
    const config = await terminal();
    const device = await openid.initiateDeviceAuthorization(config, { scope: 'openid profile' });
    expect(device.user_code).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
    const browser = new FormBrowser();
    const entry = await browser.go(device.verification_uri);
    isPlain(entry);
    const wrong = await browser.send(entry, { user_code: 'BBBB-BBBB' });
    expect(wrong.html).toContain('not known');
    const confirm = await browser.send(await browser.go(device.verification_uri), { user_code: device.user_code });
    isPlain(confirm);
    expect(confirm.html).toContain(device.user_code);
    const users = await browser.send(confirm, {});
    const done = await browser.send(users, { username: 'administrator-b' });
    expect(done.html).toContain('Your terminal goes on');
    const tokens = await openid.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 });
    expect(await check(tokens.access_token)).toMatchObject({ sub: 'administrator-b', roles: ['administrator'] });
    await openid.tokenRevocation(config, tokens.refresh_token ?? '');
    await expect(openid.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toThrow();
  });

  it('wait until somebody has', async () => {
    const config = await terminal();
    const { device_code: code } = await openid.initiateDeviceAuthorization(config, {});
    const grant = 'urn:ietf:params:oauth:grant-type:device_code';
    await expect(openid.genericGrantRequest(config, grant, { device_code: code })).rejects.toMatchObject({
      error: 'authorization_pending',
    });
  });
});

describe('what the sign-in keeps', () => {
  it('holds over a restart: keys, clients, sessions and refresh tokens', async () => {
    const folder = temporaryFolder();
    const options = { stateFile: path.join(folder.path, 'issuer.json'), print: () => undefined };
    const first = await startTokenIssuer(options);
    const port = Number(new URL(first.url).port);
    await first.registerClient(ours);
    const client = await discover(first);
    const { browser, tokens } = await signIn('officer-c', new FormBrowser(), client);
    await first.close();
    const second = await startTokenIssuer({ ...options, port });
    try {
      expect((await signIn('', browser, client)).asked.status).toBe(0);
      const fresh = await openid.refreshTokenGrant(client, tokens.refresh_token ?? '');
      expect(decodeJwt(fresh.access_token)).toMatchObject({ sub: 'officer-c', iss: second.issuer });
      await second.rotateKeys();
      expect((await signIn('', browser, await discover(second))).tokens.claims()?.sub).toBe('officer-c');
    } finally {
      await second.close();
      folder.remove();
    }
  });
});
