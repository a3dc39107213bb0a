import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { command } from '../../src/cli/admin.js';
import { AdminCall } from '../../src/cli/admin/admin-call.js';
import { login } from '../../src/cli/admin/sign-in.js';
import { orSayWhy } from '../../src/cli/audit/server-answers.js';
import type { SavedSignIn } from '../../src/cli/sign-in/saved-sign-ins.js';
import { mustBePrivate } from '../../src/cli/sign-in/device-sign-in.js';
import { startTokenIssuer, type TokenIssuer } from '../../src/sandbox/sign-in/token-issuer.js';
import { ApiServer } from '../api/support/api-server.js';
import { FormBrowser } from '../support/form-browser.js';

let folder: string;
let file: string;
let issuer: TokenIssuer;
let api: ApiServer;
let server: string;
const tokenOfEnvironment = process.env['HONNIN_TOKEN'];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'honnin-sign-in-'));
  issuer = await startTokenIssuer({ print: () => undefined });
  api = await ApiServer.start({
    oidc: { issuer: issuer.issuer, audience: issuer.audience, jwksUri: null, rolesClaim: 'roles' },
  });
  server = await api.listen();
  delete process.env['HONNIN_TOKEN'];
});
beforeEach(() => {
  file = path.join(mkdtempSync(path.join(folder, 'home-')), 'honnin', 'sign-ins.json');
  process.env['HONNIN_SIGN_IN_FILE'] = file;
});
afterAll(async () => {
  delete process.env['HONNIN_SIGN_IN_FILE'];
  if (tokenOfEnvironment !== undefined) process.env['HONNIN_TOKEN'] = tokenOfEnvironment;
  await api.close();
  await issuer.close();
  rmSync(folder, { recursive: true, force: true });
});

const kept = (): SavedSignIn[] => (JSON.parse(readFileSync(file, 'utf8')) as { signIns: SavedSignIn[] }).signIns;
const keep = (...signIns: SavedSignIn[]): void =>
  writeFileSync(file, JSON.stringify({ format: 'honnin-sign-ins/v1', signIns }));

/** Runs something that writes to the terminal. @param told every line at once, as a person reads it */
async function said(
  work: () => Promise<number>,
  told: (text: string) => void = () => undefined,
): Promise<{ code: number; said: string }> {
  let text = '';
  const streams = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation((line) => {
      text += String(line);
      told(String(line));
      return true;
    }),
  );
  try {
    return { code: await work(), said: text };
  } finally {
    for (const stream of streams) stream.mockRestore();
  }
}
const admin = (...args: string[]) => said(() => command.run([...args, '--server', server]));

/** Signs in, with a person who reads the code and confirms it in a browser. */
function signIn(user: string, options = {}) {
  const browser = new FormBrowser();
  let confirmed: Promise<unknown> = Promise.resolve();
  const confirm = async (address: string, code: string): Promise<void> => {
    const asked = await browser.send(await browser.go(address), { user_code: code });
    await browser.send(await browser.send(asked, {}), { username: user });
  };
  return said(
    async () => {
      const code = await orSayWhy('admin login', () => login(new AdminCall({ server, ...options }, []), 0.05));
      await confirmed;
      return code;
    },
    (line) => {
      const [, address, code] = /^Open (\S+) in a browser and enter the code (\S+)/.exec(line) ?? [];
      if (address !== undefined && code !== undefined) confirmed = confirm(address, code);
    },
  );
}

describe('an administrator at a terminal', () => {
  it('signs in by a code, is known to every command, and signs out', async () => {
    const none = await admin('booths', 'list');
    expect(none).toMatchObject({ code: 1, said: expect.stringMatching(/who are you\? \.\/honnin admin login/) });
    const done = await signIn('administrator');
    expect(done).toMatchObject({
      code: 0,
      said: expect.stringMatching(/signed in as administrator \(administrator\)/),
    });
    expect(done.said).toMatch(/device\?user_code=/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);

    expect(await admin('booths', 'list')).toMatchObject({ code: 0 });
    expect(await admin('parked', 'list')).toMatchObject({ code: 0 });
    const who = await admin('whoami', '--json');
    const { expiresAtUtc, ...rest } = JSON.parse(who.said) as Record<string, unknown>;
    const about = { server, issuer: issuer.issuer, clientId: 'honnin-admin', isRenewed: true };
    expect(rest).toEqual({ ...about, subject: 'administrator', roles: ['administrator'] });
    expect(Date.parse(String(expiresAtUtc))).toBeGreaterThan(Date.now());

    // The server is asked, and not what this account wrote down of the token.
    keep({ ...kept()[0]!, subject: 'somebody-else', roles: ['officer'] });
    expect(JSON.parse((await admin('whoami', '--json')).said)).toMatchObject({ subject: 'administrator' });
    const given = JSON.parse((await admin('whoami', '--json', '--token', kept()[0]!.accessToken)).said) as object;
    expect(given).toEqual({ server, subject: 'administrator', roles: ['administrator'] });
    expect(await admin('whoami', '--token', 'no.token')).toMatchObject({ code: 1 });

    const [{ refreshToken }] = kept() as [SavedSignIn];
    expect(await admin('logout')).toMatchObject({ code: 0, said: expect.stringMatching(/is signed out/) });
    expect(kept()).toEqual([]);
    expect((await admin('booths', 'list')).code).toBe(1);
    const body = { grant_type: 'refresh_token', refresh_token: String(refreshToken), client_id: 'honnin-admin' };
    const again = await fetch(`${issuer.issuer}/oidc/token`, { method: 'POST', body: new URLSearchParams(body) });
    expect(again.status).toBe(400);
  });

  it('keeps working when the token ends, also with two commands at once', async () => {
    await signIn('administrator-b');
    const [one] = kept() as [SavedSignIn];
    keep({ ...one, expiresAtUtc: '2026-01-01T00:00:00.000Z', accessToken: 'ended' });
    const both = await Promise.all([admin('booths', 'list'), admin('acts', 'list')]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const [renewed] = kept() as [SavedSignIn];
    expect(renewed.refreshToken).not.toBe(one.refreshToken);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // The one that was used already ends everything at the issuer.
    keep({ ...renewed, expiresAtUtc: '2026-01-01T00:00:00.000Z', refreshToken: one.refreshToken });
    const ended = await admin('booths', 'list');
    expect(ended).toMatchObject({ code: 1, said: expect.stringMatching(/has ended your sign-in; sign in again/) });
    keep({ ...renewed, expiresAtUtc: '2026-01-01T00:00:00.000Z', refreshToken: null });
    expect((await admin('booths', 'list')).said).toMatch(/signed in no longer/);
  });

  it('is believed by a token that was given before the sign-in is looked at', async () => {
    await signIn('administrator');
    const tokenFile = path.join(folder, 'officer.token');
    writeFileSync(tokenFile, await issuer.signIn('officer-a'));
    const asOfficer = await admin('booths', 'list', '--token-file', tokenFile);
    expect(asOfficer).toMatchObject({ code: 1, said: expect.stringMatching(/403/) });
    process.env['HONNIN_TOKEN'] = 'no token';
    const named = await admin('booths', 'list');
    delete process.env['HONNIN_TOKEN'];
    expect(named).toMatchObject({ code: 1, said: expect.stringMatching(/401/) });
  });

  it('shows the token to the server that it was for, and to no other', async () => {
    await signIn('administrator');
    const other = await said(() => command.run(['booths', 'list', '--server', 'http://127.0.0.1:9']));
    expect(other).toMatchObject({ code: 1, said: expect.stringMatching(/who are you\?/) });
    expect(kept()).toHaveLength(1);
  });

  it('does not believe a file that others can read, or that is damaged', async () => {
    await signIn('administrator');
    chmodSync(file, 0o644);
    await expect(admin('booths', 'list')).rejects.toThrow(/can be read by others.*chmod 600/);
    chmodSync(file, 0o600);
    writeFileSync(file, '{');
    await expect(admin('whoami')).rejects.toThrow(/is damaged/);
  });

  it('is told why a sign-in did not work', async () => {
    const unknown = await signIn('administrator', { client: 'nobody' });
    expect(unknown).toMatchObject({ code: 1, said: expect.stringMatching(/does not know this client.*--client/) });
    const gone = await signIn('administrator', { issuer: 'http://127.0.0.1:9' });
    expect(gone).toMatchObject({ code: 1, said: expect.stringMatching(/fetch failed/) });
    await expect(admin('whoami')).rejects.toThrow(/nobody is signed in/);
    expect(await admin('logout')).toMatchObject({ code: 0, said: expect.stringMatching(/nobody is signed in/) });
    await expect(admin('login', 'x')).rejects.toThrow(/takes no names/);
  });

  it('is not signed in over a line that others can read', () => {
    for (const address of ['https://idp.example', 'http://127.0.0.1:8', 'http://localhost:8', 'http://[::1]:8'])
      expect(() => mustBePrivate(address, 'the sign-in')).not.toThrow();
    for (const address of ['http://idp.example', 'ftp://127.0.0.1/'])
      expect(() => mustBePrivate(address, 'the sign-in')).toThrow(/tokens go over https/);
  });
});
