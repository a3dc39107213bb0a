import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Config } from '../../src/infrastructure/settings/config.js';
import {
  askService,
  crlQuestion,
  governmentQuestion,
  linkQuestion,
  ocspQuestion,
  signInQuestion,
  type ServiceQuestion,
} from '../../src/infrastructure/settings/service-questions.js';
import { sandboxSettings, startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';

const ASK_MS = 30_000;

/** What each service is asked at an address; the files are the sandbox's. */
type Questions = Readonly<Record<string, (base: string) => ServiceQuestion>>;

// @fault O14
describe('a question that doctor asks', () => {
  let folder: string;
  let sandbox: Sandbox;
  let values: Config['values'];
  let questions: Questions;
  const servers: Server[] = [];

  /** Somebody who answers everything alike. */
  const stranger = async (status: number, type: string, body: string): Promise<string> => {
    const server = createServer((_, response) => void response.writeHead(status, { 'content-type': type }).end(body));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'honnin-questions-'));
    sandbox = await startSandbox({ folder: path.join(folder, 'sandbox'), print: () => {} });
    ({ values } = Config.from({ ...sandboxSettings(sandbox), HONNIN_DATA: folder }));
    const { governmentTokenFile, authAnchorFiles } = values;
    questions = {
      government: (base) => governmentQuestion(base, governmentTokenFile),
      link: linkQuestion,
      ocsp: (url) => ocspQuestion(url, authAnchorFiles[0] as string) as ServiceQuestion,
      crl: crlQuestion,
      signIn: (issuer) => signInQuestion(issuer, null, ASK_MS),
    };
  }, 120_000);
  afterAll(async () => {
    await sandbox.close();
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(['government', 'link', 'ocsp', 'crl', 'signIn'])('is answered by the right one: %s', async (name) => {
    const { governmentUrl, linkUrl, ocspUrl, crlAuthUrls, oidcIssuer } = values;
    const crl = crlAuthUrls[0] ?? null;
    const of = { government: governmentUrl, link: linkUrl, ocsp: ocspUrl, crl, signIn: oidcIssuer };
    const address = of[name as keyof typeof of];
    if (!address) throw new Error(`the sandbox names no ${name}`);
    const { fault } = await askService((questions[name] as Questions[string])(address), ASK_MS);
    expect(fault).toBeNull();
  });

  it.each([
    [404, 'text/html', '<p>nothing here</p>'],
    [200, 'text/html', '<p>welcome</p>'],
    [200, 'application/json', '[]'],
    [503, 'application/json', '{}'],
    [302, 'text/plain', ''],
  ])('is not answered by somebody else: %d %s', async (status, type, body) => {
    const base = await stranger(status, type, body);
    for (const [name, question] of Object.entries(questions)) {
      const { fault } = await askService(question(base), ASK_MS);
      expect({ name, fault }).toEqual({ name, fault: expect.any(String) });
    }
  });

  it('tells a token that is refused, another name of the issuer, and keys that are none', async () => {
    const token = path.join(folder, 'wrong.token');
    writeFileSync(token, 'wrong');
    const refused = await stranger(401, 'application/json', '{}');
    const asked = await askService(governmentQuestion(refused, token), ASK_MS);
    expect(asked.fault).toMatch(/refuses our token \(HONNIN_GOVERNMENT_TOKEN_FILE\)/);
    const other = await stranger(200, 'application/json', '{"issuer": "https://other.example"}');
    const named = await askService(signInQuestion(other, null, ASK_MS), ASK_MS);
    expect(named.fault).toMatch(/calls itself https:\/\/other\.example/);
    expect((await askService(signInQuestion(other, other, ASK_MS), ASK_MS)).fault).toMatch(/gives no keys/);
  });
});
