import { spawnSync } from 'node:child_process';
import { createHash, sign } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { evidenceBytes, sealedEvidenceId, sealedEvidenceSha256 } from '../../src/application/case/sealed-evidence.js';
import { pageDigests, pageScript, verifierPage } from '../../src/console/build-page.js';
import { cutIntoLines } from '../../src/domain/audit/bundle/bundle.js';
import type { BundleHeader } from '../../src/domain/audit/bundle/bundle.js';
import { verifyBundle, type VerifyReport } from '../../src/domain/audit/bundle/verify-bundle.js';
import { captureEnvelopeText, type CaptureEnvelope } from '../../src/domain/booth/capture-envelope.js';
import type { JsonObject } from '../../src/domain/event-envelope.js';
import { currentVersion } from '../../src/domain/event-registry.js';
import { NOT_COMPARED } from '../../src/domain/registration/card-agreement.js';
import { canonicalJson } from '../../src/domain/values/canonical-json.js';
import {
  certificateRules,
  settingsOf,
  type CertificateRuleOptions,
} from '../../src/infrastructure/jpki/certificate-check.js';
import { certificateJudge } from '../../src/infrastructure/jpki/judge-kept-verdict.js';
import { checkOffline, type OfflineVerdict } from '../../src/infrastructure/jpki/offline/offline-check.js';
import { recomputeVerdict } from '../../src/infrastructure/jpki/recompute-verdict.js';
import { trustAnchor, TrustAnchors } from '../../src/infrastructure/x509/path/trust-anchors.js';
import {
  judgeBundleTimestamp,
  type TimestampFinding,
} from '../../src/infrastructure/timestamp/judge-bundle-timestamp.js';
import { encodeTimestampRequest } from '../../src/infrastructure/timestamp/timestamp-request.js';
import { newKeys } from '../../src/sandbox/timestamp/timestamp-authority.js';
import { readTimestampRequest, writeTimestamp } from '../../src/sandbox/timestamp/timestamp-writer.js';
import {
  makeAuthority,
  makeCardCertificate,
  makeOcspResponse,
  NOW,
  pem,
  rsaKey,
} from '../certificate/support/certificate-factory.js';
import {
  limboCases,
  pkitsCases,
  suitesMissing,
  type ConformanceCase,
} from '../certificate/support/conformance-data.js';
import { openBrowser, type Tab } from '../support/browser.js';
import { built, elsewhere, peer, peerProgram } from '../support/peers.js';
import { describeUnless, itUnless } from '../support/unless.js';
import { MadeKey, MadeLog, MadeWitness, WHOLE_WITH_EVIDENCE } from './made-bundle.js';
import { primitives } from './support.js';

const CASES = resolve('../shared/cases/audit/list-asof-changed');
const absence = peer('chromium') ?? built('console/verifier.js');
const key = new MadeKey(5);
const AT = new Date(NOW * 1000).toISOString();
const [authority, stranger, cardKey] = [makeAuthority(rsaKey()), makeAuthority(rsaKey()), rsaKey()];
let folder: string;
let browser: Awaited<ReturnType<typeof openBrowser>> | null = null;
let tab: Tab;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'honnin-judges-'));
  if (absence !== null) return;
  writeFileSync(join(folder, 'page.html'), verifierPage());
  const suite = pageScript('infrastructure/jpki/offline/offline-check.js')
    .replaceAll('</script', '<\\/script')
    .replaceAll('<!--', '<\\!--');
  writeFileSync(
    join(folder, 'suite.html'),
    `<!doctype html><meta charset="utf-8"><script>${suite}\n${JUDGE_IN_PAGE}</script>`,
  );
  browser = await openBrowser({
    program: peerProgram('chromium') as string,
    profile: join(folder, 'profile'),
    url: `file://${join(folder, 'page.html')}`,
  });
  ({ tab } = browser);
  await ready();
}, 180_000);

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Judges a case of a published suite in the browser: the rules of the server, with the browser's cryptography. */
const JUDGE_IN_PAGE = `
const { signatureDesk } = modules['console/platform/signatures.js'];
const { Buffer: Bytes } = modules['console/platform/buffer.js'];
const revive = (value) => {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== 'object') return value;
  if ('base64' in value) return Bytes.from(value.base64, 'base64');
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, revive(each)]));
};
globalThis.judgeAll = async (cases) => {
  const verdicts = [];
  for (const each of cases) verdicts.push(await signatureDesk.settled(() => honnin.checkOffline(revive(each))));
  globalThis.judged = JSON.stringify(verdicts);
};`;

async function ready(): Promise<void> {
  await tab.until('document.readyState === "complete" && document.getElementById("lang")?.textContent !== ""');
}

interface Done extends Pick<VerifyReport, 'certificates'> {
  readonly sound: boolean;
  readonly discrepancies: readonly string[];
  readonly undecided: readonly string[];
  readonly stamp: TimestampFinding;
  readonly list: { readonly sound: boolean; readonly codes: readonly string[] } | null;
}

/** Gives the page its files and waits for what it says. */
async function judgedByPage(files: Readonly<Record<string, readonly string[]>>, vkey = key.text): Promise<Done> {
  await tab.evaluate(`document.getElementById('keys').value = ${JSON.stringify(vkey)}`);
  for (const id of ['anchors', 'authAnchors', 'signAnchors', 'tsa', 'crls', 'list', 'bundle'])
    await give(id, files[id] ?? []);
  const names = Object.values(files)
    .flat()
    .map((path) => path.slice(path.lastIndexOf('/') + 1))
    .toSorted();
  // An answer to what was chosen before may come in between.
  const isOf = `JSON.parse(document.body.dataset.done ?? '{"of":[]}').of`;
  const isOfAll = `${isOf}.map((name) => name.split(' (')[0]).sort().join('|')`;
  await tab.until(`${isOfAll} === ${JSON.stringify(names.join('|'))}`);
  return JSON.parse(await tab.evaluate<string>('document.body.dataset.done')) as Done;
}

/** Chooses files, or none as somebody does who takes them back. */
async function give(id: string, files: readonly string[]): Promise<void> {
  if (files.length > 0) return tab.choose(`#${id}`, files);
  await tab.evaluate(
    `(() => { const at = document.getElementById('${id}'); at.value = ''; at.dispatchEvent(new Event('change')); })()`,
  );
}

const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const bundleFile = (name: string, lines: readonly string[]) => file(name, `${lines.join('\n')}\n`);

const events: string[] = [];
const evidence: Record<string, string> = {};

/** One request with a certificate, its status, and both as evidence; the event says what the rules say of them. */
function happened(n: number, status: 'good' | { readonly revokedAt: number }): void {
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const [requestId, effectId, serial, nonce] = [`request-${n}`, `effect-${n}`, 0x3000 + n, Buffer.alloc(16, n)];
  const certificate = makeCardCertificate(authority, cardKey, { serial });
  const envelope: CaptureEnvelope = {
    nonce: `nonce-${n}`,
    boothId: 'booth-a',
    counter: n,
    certificateType: 'user_authentication',
    mode: 'GOVERNMENT_SUBMISSION',
    capturedAtUtc: AT,
    photoSha256: sha256(Buffer.from('photo')),
    certificateSha256: sha256(certificate),
    cardRecordSha256: sha256(Buffer.from('record')),
    cardIssuerCertificateSha256: sha256(Buffer.from('issuer')),
    consent: { textVersion: '2026-11', keepReferenceImage: true },
  };
  const text = captureEnvelopeText(envelope);
  const signature = sign('sha256', Buffer.from(text), cardKey.privateKey);
  const statusResponse = makeOcspResponse({
    issuer: authority,
    serial,
    thisUpdate: NOW,
    nextUpdate: NOW + 900,
    nonce,
    status,
  });
  const sealed = {
    certificate,
    statusKind: 'ocsp' as const,
    statusResponse,
    ocspNonce: nonce.toString('hex'),
    settings: settingsOf(rules(authority.certificate), 'user_authentication'),
  };
  const stated = { checkedAtUtc: AT, source: 'http://ocsp.example/' } as never;
  const again = recomputeVerdict(
    {
      sealed,
      certificateType: 'user_authentication',
      signedBytes: Buffer.from(text),
      signature,
      at: AT,
      evidence: stated,
    },
    rules(authority.certificate),
  );
  if (again.verdict === 'unknown') throw new Error(again.detail);
  expect(again.verdict).toBe(status === 'good' ? 'valid' : 'invalid');
  const bytes = evidenceBytes(sealed, {
    faceRecord: null,
    certificateType: 'user_authentication',
    signedText: text,
    signature: signature.toString('base64'),
    at: AT,
  });
  const [id, digest] = [sealedEvidenceId(effectId, bytes), sealedEvidenceSha256(bytes)];
  evidence[id] = Buffer.from(bytes).toString('base64');
  const { boothId, counter, certificateType, mode, capturedAtUtc, consent } = envelope;
  const verdict =
    again.verdict === 'valid'
      ? {
          type: 'CertificateVerified',
          data: { subjectKey: `person-${n}`, agreement: NOT_COMPARED, otherCertificate: 'not_asked' },
        }
      : { type: 'CertificateRejected', data: { reason: 'revoked', cardRecordReason: null } };
  add(requestId, requestId, 0, 'RequestReceived', {
    requestId,
    boothId,
    counter,
    certificateType,
    mode,
    capturedAtUtc,
    consent,
  });
  add(requestId, effectId, 1, verdict.type, {
    ...verdict.data,
    evidence: again.evidence,
    sealedEvidenceId: id,
    sealedEvidenceSha256: digest,
  });
}

function add(requestId: string, causationId: string, revision: number, type: string, data: object): void {
  const metadata = {
    actor: 'system:registration-saga',
    correlationId: requestId,
    causationId,
    recordedAtUtc: AT,
    policyVersion: 1,
  };
  events.push(
    canonicalJson({
      data,
      id: `${requestId}-${revision}`,
      metadata,
      revision,
      schemaVersion: currentVersion(type),
      stream: `registration-${requestId}`,
      type,
    } as unknown as JsonObject),
  );
}

function rules(der: Uint8Array, options: CertificateRuleOptions = {}) {
  return certificateRules(TrustAnchors.load({ user_authentication: [der], digital_signature: [der] }, 'test'), options);
}

describeUnless(absence, 'the page judges as the command does', () => {
  let log: MadeLog;
  beforeAll(() => {
    happened(1, 'good');
    happened(2, { revokedAt: NOW - 60 });
    happened(3, 'good');
    log = new MadeLog(events, key);
  });

  const query = WHOLE_WITH_EVIDENCE;
  const command = (lines: readonly string[], der: Uint8Array, options: CertificateRuleOptions = {}) =>
    verifyBundle(cutIntoLines([`${lines.join('\n')}\n`]), primitives, {
      trusted: [key.key],
      certificates: certificateJudge(rules(der, options)),
    });

  it.each<[string, () => Uint8Array, (sealed: string) => string, number]>([
    ['certificate verdicts', () => authority.certificate, (sealed) => sealed, 3],
    ['verdicts under roots of somebody else', () => stranger.certificate, (sealed) => sealed, 0],
  ])('%s', async (name, root, change, reproduced) => {
    const lines = log.bundle({
      header: {
        evidence: Object.fromEntries(Object.entries(evidence).map(([id, sealed]) => [id, change(sealed)])),
        query,
      },
    });
    const ours = command(lines, root());
    const page = await judgedByPage({
      anchors: [file(`${name}.pem`, pem(root()))],
      bundle: [bundleFile(`${name}.honnin`, lines)],
    });
    expect(page.certificates).toEqual(ours.certificates);
    expect(page.discrepancies).toEqual(ours.discrepancies.map(({ code }) => code));
    expect([ours.certificates.recomputed, ours.certificates.reproduced]).toEqual([reproduced, reproduced]);
    // Roots that are chosen while the file is still being read are no other file.
    await tab.evaluate(`delete document.body.dataset.done;
      for (const id of ['bundle', 'anchors']) document.getElementById(id).dispatchEvent(new Event('change'));`);
    const again = JSON.parse(await tab.until<string>('document.body.dataset.done')) as Done;
    expect(again.certificates).toEqual(page.certificates);
    expect(page.undecided).toEqual(ours.undecided.map(({ code }) => code));
    const facts = await tab.evaluate<string>('document.getElementById("facts").textContent');
    expect(facts).toContain(`3件中${reproduced}件の検証結果を再現`);
  });

  /** As `--auth-anchors` and `--sign-anchors` of the command: what is given for one kind speaks for that kind alone. */
  it('verdicts under roots that are given for one kind of certificates alone', async () => {
    const lines = log.bundle({ header: { evidence, query } });
    const root = file('one-kind.pem', pem(authority.certificate));
    const bundle = [bundleFile('one-kind.honnin', lines)];
    const auth = await judgedByPage({ authAnchors: [root], bundle });
    expect(auth.certificates.reproduced).toBe(3);
    const sign = await judgedByPage({ signAnchors: [root], bundle: [bundleFile('one-kind-2.honnin', lines)] });
    expect(sign.certificates.reproduced).toBe(0);
    expect(sign.undecided).toContain('certificate_anchor');
    expect(await tab.evaluate('document.getElementById("held").textContent')).toContain('one-kind.pem (SHA-256');
    await judgedByPage({ bundle: [bundleFile('one-kind-3.honnin', lines)] });
  });

  it('verdicts that were made with other settings than the reader states, and says what is none', async () => {
    const lines = log.bundle({ header: { evidence, query } });
    const put = (text: string) =>
      tab.evaluate(
        `(() => { const at = document.getElementById('settings'); at.value = ${JSON.stringify(text)}; ` +
          `at.dispatchEvent(new Event('change')); })()`,
      );
    const files = { anchors: [file('set.pem', pem(authority.certificate))], bundle: [bundleFile('set.honnin', lines)] };
    await put('auth-policy 1.2.3.4\nauth-usage 1.3.6.1.5.5.7.3.2, 1.2.3\nstatus-age 100');
    const page = await judgedByPage(files);
    const usageOids = { user_authentication: ['1.3.6.1.5.5.7.3.2', '1.2.3'] };
    const options = {
      policyOids: { user_authentication: ['1.2.3.4'] },
      usageOids,
      status: { maxStatusAgeSeconds: 100 },
    };
    const ours = command(lines, authority.certificate, options);
    expect(page.certificates).toEqual(ours.certificates);
    expect(page.undecided.filter((code) => code === 'certificate_settings')).toHaveLength(3);
    await put('auth-usage anything');
    await tab.until(
      `document.getElementById('status').textContent.includes("'auth-usage anything': a line is one of")`,
    );
    expect(await tab.evaluate('document.getElementById("result").hidden')).toBe(true);
    await put('');
    const plain = await judgedByPage({ ...files, bundle: [bundleFile('set-again.honnin', lines)] });
    expect(plain.certificates.reproduced).toBe(3);
  });

  it('timestamps, good, wrong and missing, with and without roots', async () => {
    const keys = await newKeys(new Date());
    const note = log.checkpoint(4);
    const token = (fault: 'none' | 'bad_signature') =>
      writeTimestamp(
        readTimestampRequest(
          encodeTimestampRequest({ message: Buffer.from(note), nonce: Buffer.alloc(8, 1), policy: null }),
        ),
        keys,
        { fault, now: new Date(), serial: 7 },
      ).toString('base64');
    const stampedWith = (stamp: string): BundleHeader['timestamp'] => ({
      checkpoint: note,
      proof: log.grown(4),
      token: stamp,
    });
    const root = file('tsa.pem', pem(keys.anchor.certificate));
    const textOf = (id: string) => tab.evaluate<string>(`document.getElementById('${id}').textContent`);
    const setTo = (id: string, property: string, value: unknown) =>
      tab.evaluate(`document.getElementById('${id}').${property} = ${JSON.stringify(value)}`);
    for (const [name, timestamp, isRequired, judgement] of [
      ['good', stampedWith(token('none')), true, 'right'],
      ['forged', stampedWith(token('bad_signature')), false, 'wrong'],
      ['none', null, false, 'undecided'],
      ['none-and-required', null, true, 'wrong'],
    ] as const) {
      const lines = log.bundle({ header: { timestamp } });
      await setTo('required', 'checked', isRequired);
      const page = await judgedByPage({ tsa: [root], bundle: [bundleFile(`stamp-${name}.honnin`, lines)] });
      const trust = { anchors: [trustAnchor(keys.anchor.certificate)], crls: [], policy: null, isRequired };
      expect(page.stamp).toEqual(
        judgeBundleTimestamp(
          { timestamp, treeSize: log.leaves.length, wasRead: true },
          { ...trust, nowMs: Date.now() },
        ),
      );
      expect([name, page.stamp.judgement, page.sound]).toEqual([name, judgement, judgement === 'right']);
      expect(await textOf('held')).toContain(`タイムスタンプを必須とする${isRequired ? 'はい' : 'いいえ'}`);
      if (judgement !== 'right') expect(await textOf(judgement)).toContain('[timestamp_');
    }
    await setTo('required', 'checked', false);
    const page = await judgedByPage({ bundle: [join(folder, 'stamp-good.honnin')] });
    expect(page.stamp).toMatchObject({ judgement: 'right', existedBeforeUtc: null, treeSize: 4 });
    await setTo('settings', 'value', 'tsa-policy 1.2.3');
    const other = await judgedByPage({ tsa: [root], bundle: [bundleFile('stamp-policy.honnin', goodLines())] });
    expect(other.stamp).toMatchObject({ judgement: 'wrong', reason: 'policy_mismatch' });
    await setTo('settings', 'value', '');

    function goodLines(): readonly string[] {
      return log.bundle({ header: { timestamp: stampedWith(token('none')) } });
    }
  });

  it('what witnesses have cosigned', async () => {
    const witness = new MadeWitness(8, 'witness.example/w1');
    const lines = log.bundle({ header: { checkpoint: witness.cosign(log.checkpoint(), 1_800_000_000) } });
    const name = (n: number) => bundleFile(`witnessed-${n}.honnin`, lines);
    const judgedFor = async (witnesses: string, n: number) => {
      await tab.evaluate(`document.getElementById('witnesses').value = ${JSON.stringify(witnesses)}`);
      return judgedByPage({ bundle: [name(n)] });
    };
    const other = new MadeWitness(9, 'witness.example/w2').text;
    expect((await judgedFor(witness.text, 1)).undecided).not.toContain('not_witnessed');
    expect(await tab.evaluate('document.getElementById("facts").textContent')).toContain('witness.example/w1 の副署');
    expect((await judgedFor(`${witness.text}\n${other}`, 2)).undecided).toContain('not_witnessed');
    expect((await judgedFor(`${witness.text}\n${other}\n1`, 3)).undecided).not.toContain('not_witnessed');
    await judgedFor('', 4);
  });

  it('says of roots that are none what they are, and judges nothing meanwhile', async () => {
    await tab.choose('#anchors', [file('no-roots.pem', 'no certificate')]);
    await tab.until('document.getElementById("status").textContent.includes("no certificate in PEM text")');
    expect(await tab.evaluate('document.getElementById("result").hidden')).toBe(true);
  });

  itUnless(elsewhere(existsSync(CASES) ? null : `${CASES} is not here`), 'lists', async () => {
    const vkey = readFileSync(join(CASES, 'log.vkey'), 'utf8');
    const page = await judgedByPage({ list: [join(CASES, 'list.json')], bundle: [join(CASES, 'all2.honnin')] }, vkey);
    expect(page.list).toMatchObject({ sound: false });
    expect(new Set(page.list?.codes)).toEqual(new Set(['answer_differs']));
    expect(await tab.evaluate('document.getElementById("listVerdict").className')).toBe('verdict bad');
  });

  it('ends in a report that says what was judged, with what, and by which program', async () => {
    await judgedByPage({
      anchors: [file('roots.pem', pem(authority.certificate))],
      bundle: [bundleFile('report.honnin', log.bundle())],
    });
    const held = await tab.evaluate<string>('document.getElementById("held").textContent');
    const digest = (name: string) =>
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex');
    const { version, engineSha256, sourceSha256 } = pageDigests(verifierPage());
    for (const part of [digest('report.honnin'), digest('roots.pem'), key.text, engineSha256, version, sourceSha256])
      expect(held).toContain(part);
  });

  describeUnless(elsewhere(suitesMissing), 'on published suites', () => {
    const suites: [string, () => ConformanceCase[], number][] = [
      ['NIST PKITS', pkitsCases, 249],
      ['x509-limbo', limboCases, 137],
    ];
    it.each(suites)(
      '%s: every verdict, reason and path',
      async (_, read, count) => {
        await tab.send('Page.navigate', { url: `file://${join(folder, 'suite.html')}` });
        await tab.until('typeof globalThis.judgeAll === "function"');
        const cases = read();
        expect(cases).toHaveLength(count);
        const verdicts: OfflineVerdict[] = [];
        for (let at = 0; at < cases.length; at += 40) {
          const asked = cases
            .slice(at, at + 40)
            .map(({ check }) => JSON.stringify(check, (__, value: unknown) => packed(value)));
          await tab.evaluate(`delete globalThis.judged; void judgeAll([${asked.join(',')}])`);
          verdicts.push(...(JSON.parse(await tab.until<string>('globalThis.judged')) as OfflineVerdict[]));
        }
        const ours = cases.map(({ check }) => JSON.parse(JSON.stringify(checkOffline(check))) as OfflineVerdict);
        const differences = verdicts.flatMap((verdict, i) =>
          canonicalJson(verdict as never) === canonicalJson(ours[i] as never)
            ? []
            : [{ id: cases[i]!.id, page: verdict, command: ours[i] }],
        );
        expect(differences).toEqual([]);
        expect(verdicts).toHaveLength(count);
      },
      300_000,
    );
  });
});

/** Buffers say `{type: 'Buffer', data}` of themselves before anybody is asked. */
function packed(value: unknown): unknown {
  const data = (value as { type?: unknown; data?: unknown } | null) ?? {};
  if (typeof value === 'object' && data.type === 'Buffer')
    return { base64: Buffer.from(data.data as number[]).toString('base64') };
  return value;
}

describe('the page as a file', () => {
  itUnless(
    built('console/verifier.js'),
    'says of which sources it is made, and the command prints them for anybody to check',
    () => {
      const run = (...args: string[]) => {
        const command = ['--disable-warning=ExperimentalWarning', 'dist/cli/main.js', ...args];
        return spawnSync(process.execPath, command, { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
          .stdout;
      };
      const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');
      const { version, fileSha256, engineSha256, sourceSha256 } = pageDigests(verifierPage());
      const sources = run('audit', 'page', '--sources');
      expect(sha256(sources)).toBe(sourceSha256);
      const lines = sources.trimEnd().split('\n');
      for (const line of lines) expect(line).toBe(`${sha256(readFileSync(line.slice(66)))}  ${line.slice(66)}`);
      const files = lines.map((line) => line.slice(66));
      const needed = [
        'src/console/page-template.ts',
        'src/console/build-page.ts',
        'src/domain/audit/bundle/verify-bundle.ts',
      ];
      expect(files).toEqual(expect.arrayContaining(needed));
      const saved = join(folder, 'saved.html');
      const said = run('audit', 'page', '--out', saved);
      for (const part of [fileSha256, engineSha256, sourceSha256, version]) expect(said).toContain(part);
      expect(sha256(readFileSync(saved))).toBe(fileSha256);
      expect(run('--version')).toBe(`honnin ${version}\nverifier page ${fileSha256}\n`);
    },
  );

  itUnless(
    built('console/verifier.js'),
    'is the same to the last byte when it is built again, elsewhere, at another time',
    () => {
      const again = join(folder, 'again');
      const compiler = resolve('node_modules/typescript/bin/tsc');
      const compiled = spawnSync(
        process.execPath,
        [compiler, '-p', 'tsconfig.build.json', '--outDir', again, '--declaration', 'false'],
        { encoding: 'utf8' },
      );
      expect([compiled.status, compiled.stdout]).toEqual([0, '']);
      symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
      symlinkSync(resolve('src'), join(folder, 'src'));
      symlinkSync(resolve('package.json'), join(folder, 'package.json'));
      const builder = JSON.stringify(pathToFileURL(join(again, 'console/build-page.js')).href);
      const script = `process.stdout.write((await import(${builder})).verifierPage())`;
      const env = { ...process.env, TZ: 'Asia/Tokyo', LANG: 'ja_JP.UTF-8', SOURCE_DATE_EPOCH: '1' };
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        cwd: folder,
        env,
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      });
      expect(stderr).toBe('');
      expect(pageDigests(stdout)).toEqual(pageDigests(verifierPage()));
      expect(stdout === verifierPage()).toBe(true);
    },
    300_000,
  );
});
