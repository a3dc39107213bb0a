import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../src/booth/capture-counter.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/demo-faces.js';
import { sandboxSettings, startSandbox, type Sandbox } from '../../src/sandbox/sandbox.js';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const QUIET = '--disable-warning=ExperimentalWarning';
const inherited = Object.fromEntries(Object.entries(process.env).filter(([name, value]) => value !== undefined && !name.startsWith('HONNIN_') && name !== 'NODE_OPTIONS')) as Record<string, string>;
const DAY_MS = 86_400_000;

/** Loaded before the server: its clock is ahead of the world's by what a file says, read again and again. */
const CLOCK_AHEAD = `
import { readFileSync } from 'node:fs';
const now = Date.now, read = () => Number(readFileSync(process.env.TEST_CLOCK_AHEAD, 'utf8'));
let ahead = read();
setInterval(() => { ahead = read(); }, 20).unref();
Date.now = () => now() + ahead;
globalThis.Date = new Proxy(Date, { construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [target.now()] : args, made) });
`;

/** Over the real server, killed while the evidence waits, and the command line, as people would do it.  @req R19 */
describe('evidence of a refused certificate', () => {
  let folder: string;
  let sandbox: Sandbox;
  let server: ChildProcess;
  let url: string;
  const tokens: Record<string, string> = {};
  const at = (name: string) => join(folder, name);
  const data = () => at('data');
  const sealedFolder = () => join(data(), 'vault', 'sealed');

  beforeAll(async () => {
    if (!existsSync(cli)) throw new Error('dist is missing: build first (./honnin test does)');
    folder = mkdtempSync(join(tmpdir(), 'honnin-refused-'));
    sandbox = await startSandbox({ folder: at('sandbox'), print: () => {} });
    writeFileSync(at('clock-ahead.mjs'), CLOCK_AHEAD);
    setAhead(0);
    await start();
    for (const user of ['auditor', 'administrator', 'administrator-b']) tokens[user] = await sandbox.tokens.signIn(user);
  }, 90_000);
  afterAll(async () => {
    await end('SIGTERM');
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  const setAhead = (ms: number) => writeFileSync(at('ahead'), String(ms));
  async function start(): Promise<void> {
    const env = { ...inherited, ...sandboxSettings(sandbox), HONNIN_DATA: data(), HONNIN_PORT: '0', HONNIN_LOG_LEVEL: 'silent', HONNIN_ENVIRONMENT: 'test', TEST_CLOCK_AHEAD: at('ahead') };
    server = spawn(process.execPath, [QUIET, '--import', at('clock-ahead.mjs'), cli, 'start'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    url = await new Promise<string>((resolve, reject) => {
      let output = '';
      server.stderr?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const found = /honnin listens on (\S+)/.exec(output)?.[1];
        if (found) resolve(found);
      });
      server.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
    });
  }
  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
    server.kill(signal);
    await gone;
  }
  const call = (user: string, method: string, path: string, body?: object) => fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${tokens[user]}`, ...(body ? { 'content-type': 'application/json' } : {}) }, ...(body ? { body: JSON.stringify(body) } : {}) });
  const honnin = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [QUIET, cli, ...args], { encoding: 'utf8', env: inherited, timeout: 60_000 });
    return { status, stdout, stderr };
  };
  const beside = (...args: string[]) => honnin(...args, '--server', url, '--token', tokens['auditor'] as string);
  async function until<T>(what: string, look: () => Promise<T | null> | T | null, limitMs = 60_000): Promise<T> {
    for (const deadline = Date.now() + limitMs; ; ) {
      const found = await look();
      if (found !== null) return found;
      if (Date.now() > deadline) throw new Error(`${what} did not come`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  const files = (under: string) => (existsSync(under) ? readdirSync(under, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => join(f.parentPath, f.name)) : []);
  const signedLog = () => until('the log', async () => ((await (await call('auditor', 'GET', '/v1/audit/lists/dashboard')).json() as { asOf: { isNewest: boolean } }).asOf.isNewest ? true : null));
  function evidenceKeys(): Map<string, Uint8Array> {
    const db = new DatabaseSync(join(data(), 'vault', 'keys.db'), { readOnly: true, timeout: 5000 });
    try {
      return new Map((db.prepare("SELECT owner, wrapped FROM data_key WHERE owner LIKE 'evidence:%'").all() as { owner: string; wrapped: Uint8Array }[]).map((r) => [r.owner, r.wrapped]));
    } finally {
      db.close();
    }
  }
  async function putInForce(values: object, version: number): Promise<void> {
    expect((await call('administrator', 'POST', '/v1/policies', values)).status).toBe(201);
    expect((await call('administrator-b', 'POST', `/v1/policies/${version}/approval`)).status).toBe(200);
    expect((await call('administrator-b', 'POST', `/v1/policies/${version}/activation`)).status).toBe(200);
  }

  it('is there until its time, then gone with its key, and what was signed before and after still verifies', async () => {
    const key = generateBoothKey();
    expect((await call('administrator', 'POST', '/v1/booths', { boothId: 'booth-refused-01', publicKey: key.publicKeySpki })).status).toBeLessThan(300);
    const booth = new BoothClient({ baseUrl: url, boothId: 'booth-refused-01', key, counter: new DurableCaptureCounter(at('booth')) });
    const [photo, faceImage] = [await loadDemoFace(DEMO_STORIES.samePerson.captured), await loadCardPhoto(DEMO_STORIES.samePerson.card)];
    const refuse = async (): Promise<string> => {
      const card = await sandbox.jpki.issueCard({ faceImage });
      sandbox.jpki.revoke(card, 'key_compromise');
      const { authenticationPin: pin, accessNumber } = card.secrets;
      const { receipt } = await booth.register({ card: card.connect(), pin, accessNumber, photo, consent: { textVersion: '2026-11', keepReferenceImage: true } });
      const { requestId } = await until('the case', async () => ((r) => (r.ok ? (r.json() as Promise<{ requestId: string }>) : null))(await call('auditor', 'GET', `/v1/cases?receipt=${receipt}`)));
      await until('the retention', async () => ((await (await call('auditor', 'GET', `/v1/cases/${requestId}/history`)).text()).includes('"RefusedEvidenceRetained"') ? true : null));
      return requestId;
    };
    const isOnlyEvidence = (n: number) => until('the end of the case', () => (files(sealedFolder()).length === n ? true : null));

    // One under the policy of the first start, 400 days; one under a policy that gives a day.
    const kept = await refuse();
    await isOnlyEvidence(1);
    const ofKept = files(sealedFolder());
    const { versions } = (await (await call('administrator', 'GET', '/v1/policies')).json()) as { versions: { values: { refusedEvidenceRetentionDays: number } }[] };
    expect(versions[0]!.values.refusedEvidenceRetentionDays).toBe(400);
    await putInForce({ ...versions[0]!.values, refusedEvidenceRetentionDays: 1 }, 2);
    const ending = await refuse();
    await isOnlyEvidence(2);
    const [file] = files(sealedFolder()).filter((each) => !ofKept.includes(each)) as [string];
    const bytes = readFileSync(file);
    const wrapped = evidenceKeys().get(`evidence:${ending}`) as Uint8Array;
    expect(wrapped).toBeInstanceOf(Uint8Array);

    await signedLog();
    expect(honnin('audit', 'key', '--data', data(), '--out', at('log.vkey')).status).toBe(0);
    expect(beside('audit', 'export', '--from', '0', '--list', 'policies', '--with-evidence', '--out', at('before.honnin')).stdout).toMatch(/bytes/);
    const anchors = sandboxSettings(sandbox)['HONNIN_JPKI_AUTH_ANCHORS'] as string;
    const verified = (name: string) => honnin('audit', 'verify', at(name), '--key', at('log.vkey'), '--auth-anchors', anchors);
    expect(verified('before.honnin')).toMatchObject({ status: 0, stdout: expect.stringContaining('2 of 2 certificate verdicts reproduced') });

    // The server dies while the evidence waits. Where a day has passed when it is back, that evidence goes, and the other stays.
    await end('SIGKILL');
    expect(existsSync(file)).toBe(true);
    setAhead(DAY_MS + 60_000);
    await start();
    await until('the end of the file', () => (existsSync(file) ? null : true));
    await until('the end of the key', () => (evidenceKeys().has(`evidence:${ending}`) ? null : true));
    setAhead(0);
    expect([...evidenceKeys().keys()]).toEqual([`evidence:${kept}`]);
    const everything = files(data()).map((each) => [each, readFileSync(each)] as const);
    expect(everything.filter(([, b]) => b.includes(bytes.subarray(16, 64))).map(([each]) => each)).toEqual([]);
    expect(everything.filter(([each, b]) => each.includes('keys.db') && (b.includes(Buffer.from(wrapped)) || b.includes(Buffer.from(`evidence:${ending}`)))).map(([each]) => each)).toEqual([]);

    // A file that is put back opens for nobody.
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    await until('the event', async () => ((await (await call('auditor', 'GET', `/v1/cases/${ending}/history`)).text()).includes('"RefusedEvidenceErased"') ? true : null));
    await signedLog();
    for (const [name, ...query] of [['after.honnin', '--from', '0', '--list', 'policies'], ['case.honnin', '--registration', ending]] as const) expect(beside('audit', 'export', ...query, '--with-evidence', '--out', at(name)).stdout).toMatch(/bytes/);
    rmSync(file);
    const evidence = (name: string) => Object.keys((JSON.parse(readFileSync(at(name), 'utf8').split('\n')[1] as string) as { evidence: object }).evidence).length;
    expect(['before.honnin', 'after.honnin', 'case.honnin'].map(evidence)).toEqual([2, 1, 0]);

    expect(verified('before.honnin')).toMatchObject({ status: 0, stdout: expect.stringContaining('2 of 2 certificate verdicts reproduced') });
    for (const [name, reproduced] of [['after.honnin', '1 of 2'], ['case.honnin', '0 of 1']] as const) {
      const { status, stdout } = verified(name);
      expect([name, status]).toEqual([name, 0]);
      expect(stdout).toMatch(new RegExp(`${reproduced} certificate verdicts reproduced; 1 not recomputed\\n +1: evidence of a refused certificate erased after retention\\n +at \\d+, case ${ending}\\n`));
      expect(stdout).not.toMatch(/NOT in the bundle/);
      const [, decisions, all] = /decisions {2}([\d,]+) of ([\d,]+) decisions reproduced/.exec(stdout) as unknown as [string, string, string];
      expect(decisions).toBe(all);
    }
    expect(beside('audit', 'why', '--registration', ending, '--lang', 'ja').stdout).toMatch(/証拠は、封印したまま\S+まで保存する\(1日間\)[^]*規則「保存期間の満了」により、認めなかった電子証明書の証拠と鍵を消去した/);
    expect(beside('audit', 'why', '--registration', ending, '--lang', 'en').stdout).toMatch(/is kept until \S+ \(1 day\)[^]*and its key were erased on \S+ by rule retention_limit/);
    expect(beside('audit', 'why', '--registration', kept, '--lang', 'en').stdout).toMatch(/is kept until \S+ \(400 days\)/);
    expect(beside('audit', 'show', '--registration', ending).stdout).toMatch(/refusedEvidence\.isErased +true/);
    expect(honnin('audit', 'fsck', '--data', data())).toMatchObject({ status: 0, stdout: expect.stringContaining('all is right') });
    expect(await (await fetch(`${url}/health/ready`)).text()).toContain('evidence of 1 refused ones is retained');
  }, 150_000);
});
