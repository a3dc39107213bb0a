import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

// @req R1 R2 R3 R4 R5 R6 R7 R8 R9 R10 R11 R12 R13 R15 R17 R18 R19 R20 R22 R23 R24 R25
it('plays every case of the demonstration to its expected end', () => {
  if (!existsSync(cli)) throw new Error('dist is missing: build first (./honnin test does)');
  const folder = mkdtempSync(join(tmpdir(), 'honnin-journey-'));
  try {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const report = join(folder, 'report.json');
    const result = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', cli, 'demo', '--report', report],
      { encoding: 'utf8', timeout: 170_000, env },
    );
    expect({ status: result.status, output: result.status === 0 ? '' : result.stdout + result.stderr }).toEqual({
      status: 0,
      output: '',
    });
    const { ok, cases } = JSON.parse(readFileSync(report, 'utf8')) as {
      ok: boolean;
      cases: { name: string; outcome: string; events: string[] }[];
    };
    expect(ok).toBe(true);
    expect(Object.fromEntries(cases.map((c) => [c.name, c.outcome]))).toEqual({
      accepted: 'GovernmentAccepted',
      'other person': 'FaceMismatched',
      'revoked certificate': 'CertificateRejected',
      'authentication server down, then back': 'GovernmentAccepted',
      'government down, then back (submitted once)': 'GovernmentAccepted',
      'second registration of the same person': 'GovernmentAccepted',
      'renewed card fits, registered face does not': 'HoldRejected',
      'further frames are judged, and decide nothing by default': 'GovernmentAccepted',
      'no face in the photograph': 'FaceNotComparable',
      'registry only': 'KeptInRegistry',
      'government refuses': 'GovernmentRefused',
    });
    const accepted = cases.find((c) => c.name === 'accepted')?.events ?? [];
    const order = [
      'RequestReceived',
      'CertificateVerified',
      'FaceMatched',
      'SubmissionAttempted',
      'SubmittedToGovernment',
      'GovernmentAccepted',
    ];
    expect(accepted.filter((type) => order.includes(type))).toEqual(order);
    for (const { events, outcome } of cases.filter(
      (c) => c.outcome !== 'GovernmentAccepted' && c.outcome !== 'GovernmentRefused',
    )) {
      expect({ outcome, sent: events.includes('SubmissionAttempted') }).toEqual({ outcome, sent: false });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 180_000);
