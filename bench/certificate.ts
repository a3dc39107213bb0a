import { X509Certificate } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import * as pkijs from 'pkijs';
import { parseCertificate } from '../dist/infrastructure/x509/certificate/certificate.js';
import { CrlIndexing } from '../dist/infrastructure/jpki/crl-indexing.js';
import { openCrl } from '../dist/infrastructure/x509/revocation/crl.js';
import { verifyCrl } from '../dist/infrastructure/x509/revocation/crl-verifier.js';
import { verifyOcspResponse } from '../dist/infrastructure/x509/revocation/ocsp-response-verifier.js';
import { verifyPath } from '../dist/infrastructure/x509/path/path-verifier.js';
import { profileFor } from '../dist/infrastructure/x509/path/profiles.js';
import { CARD_ALGORITHMS } from '../dist/infrastructure/x509/certificate/public-key.js';
import { trustAnchor } from '../dist/infrastructure/x509/path/trust-anchors.js';
import { makeMaterial, type Material } from './certificate/material.ts';
import type { Bench, BenchReport } from './report.ts';

const CRL_ENTRIES = 200_000;
const ROUNDS = 75;

export const bench: Bench = {
  summary: 'certificate path, OCSP answer and a CRL of 200,000 entries, beside node:crypto alone and pkijs 4.0.0',
  async run(report) {
    for (const [kind, label] of [
      ['rsa', 'RSA-2048'],
      ['ec', 'P-384'],
    ] as const) {
      const material = makeMaterial(kind);
      await path(report, material, label);
      await ocsp(report, material, label);
    }
    await crl(report, makeMaterial('rsa'));
    report.note(
      'Median microseconds of one check; the ways take turns within each round, so a busy machine slows all of them. Anchors are parsed beforehand for everyone. `node:crypto` parses the certificate and verifies one signature, and judges nothing.',
    );
  },
};

type Way = () => unknown | Promise<unknown>;

/** Median time of each way in microseconds, taking turns. */
async function compare(ways: Readonly<Record<string, Way>>, perRound: number): Promise<Record<string, number>> {
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(ways).map((n) => [n, []]));
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const started = performance.now();
      for (let i = 0; i < perRound; i++) await way();
      // Two rounds to warm up.
      if (round >= 0) times[name]!.push(((performance.now() - started) / perRound) * 1000);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([n, list]) => [n, list.sort((a, b) => a - b)[Math.floor(list.length / 2)]!]),
  );
}

async function path(report: BenchReport, { root, leaf, at }: Material, label: string): Promise<void> {
  const anchor = trustAnchor(root);
  const profile = profileFor('jpki-auth');
  const policies = {
    acceptable: profile.leafPolicies,
    requireExplicitPolicy: true,
    inhibitPolicyMapping: true,
    inhibitAnyPolicy: true,
  };
  const rootKey = new X509Certificate(root).publicKey;
  const pkijsRoot = pkijs.Certificate.fromBER(root);
  const times = await compare(
    {
      ours: () => {
        const found = verifyPath({
          certificate: parseCertificate(leaf),
          intermediates: [],
          anchors: [anchor],
          at,
          profile,
          policies,
        });
        if ('problem' in found) throw new Error(found.problem.detail);
      },
      node: () => {
        if (!new X509Certificate(leaf).verify(rootKey)) throw new Error('node:crypto refuses');
      },
      pkijs: async () => {
        const engine = new pkijs.CertificateChainValidationEngine({
          certs: [pkijs.Certificate.fromBER(leaf)],
          trustedCerts: [pkijsRoot],
          checkDate: new Date(at * 1000),
        });
        if (!(await engine.verify()).result) throw new Error('pkijs refuses');
      },
    },
    20,
  );
  report.row(`${label} leaf and path`, { oursUs: times['ours']!, nodeUs: times['node']!, pkijsUs: times['pkijs']! });
  report.ratio(`${label} path: ours ÷ node:crypto alone`, times['ours']! / times['node']!, 'at most 2');
  report.ratio(`${label} path: pkijs ÷ ours`, times['pkijs']! / times['ours']!, 'at least 3');
  report.ratio(
    `${label} path: pkijs ÷ node:crypto alone`,
    times['pkijs']! / times['node']!,
    'what a verifier without any rules would reach',
  );
}

async function ocsp(
  report: BenchReport,
  { root, leaf, ocspResponse, nonce, at }: Material,
  label: string,
): Promise<void> {
  const anchor = trustAnchor(root);
  const certificate = parseCertificate(leaf);
  const pkijsRoot = pkijs.Certificate.fromBER(root);
  const issuer = { certificate: anchor.certificate, publicKey: anchor.publicKey };
  const times = await compare(
    {
      ours: () => {
        const status = verifyOcspResponse({
          response: ocspResponse,
          certificate,
          issuer,
          nonce,
          requireNonce: true,
          certIdHash: 'sha1',
          at,
          clockToleranceSeconds: 300,
          maxStatusAgeSeconds: 86_400,
          algorithms: CARD_ALGORITHMS,
        });
        if (status.status !== 'good') throw new Error(JSON.stringify(status));
      },
      pkijs: async () => {
        const response = pkijs.OCSPResponse.fromBER(ocspResponse);
        const basic = pkijs.BasicOCSPResponse.fromBER(response.responseBytes!.response.valueBlock.valueHexView);
        if (!(await basic.verify({ trustedCerts: [pkijsRoot] }))) throw new Error('pkijs refuses');
      },
    },
    10,
  );
  report.row(`${label} OCSP answer`, { oursUs: times['ours']!, pkijsUs: times['pkijs']! });
  report.ratio(`${label} OCSP: pkijs ÷ ours`, times['pkijs']! / times['ours']!, 'at least 5');
}

/** Read on a worker thread while the event loop is watched; then looked up. */
async function crl(report: BenchReport, material: Material): Promise<void> {
  report.progress(`making a CRL of ${CRL_ENTRIES} entries ...`);
  const bytes = material.crl(CRL_ENTRIES);
  const before = process.memoryUsage().rss;
  let peak = before;
  const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  const indexing = new CrlIndexing({ bytesMax: 64 << 20, timeoutMs: 30_000 });
  for (let i = 0; i < bytes.length; i += 65_536) indexing.write(bytes.subarray(i, i + 65_536));
  const outcome = await indexing.finish();
  const readMs = performance.now() - started;
  clearInterval(sampler);
  delay.disable();
  if (outcome.kind !== 'indexed') throw new Error(outcome.detail);
  const read = openCrl(outcome.indexed);
  const anchor = trustAnchor(material.root);
  const check = {
    crl: read,
    certificate: parseCertificate(material.leaf),
    issuer: { certificate: anchor.certificate, publicKey: anchor.publicKey },
    at: material.at,
    clockToleranceSeconds: 300,
    maxStatusAgeSeconds: null,
    algorithms: CARD_ALGORITHMS,
    conforming: true,
  };
  const signatureStarted = performance.now();
  if (verifyCrl(check).status !== 'good') throw new Error('the CRL is refused');
  const signatureMs = performance.now() - signatureStarted;
  const lookups = await compare({ lookup: () => verifyCrl({ ...check, signatureKnownGood: true }) }, 200);
  report.row(`CRL of ${CRL_ENTRIES} entries`, {
    megabytes: bytes.length / 1e6,
    readMs,
    moreMemoryMb: (peak - before) / 1e6,
    eventLoopHeldMs: delay.max / 1e6,
    signatureMs,
    lookupUs: lookups['lookup']!,
  });
  report.ratio('CRL: seconds to read', readMs / 1000, 'at most 2 s (pkijs 34 s, measured elsewhere)');
  report.ratio('CRL: hundreds of megabytes more memory', (peak - before) / 1e8, 'at most 2');
}
