import { parseArgs } from 'node:util';
import { CERTIFICATE_RULES } from '../../infrastructure/jpki/certificate-check.js';
import { describeStatus } from '../../infrastructure/jpki/offline/offline-check.js';
import { checkOfflineStatus, type OfflineStatusCheck } from '../../infrastructure/jpki/offline/offline-status.js';
import type { CertificateStatus } from '../../infrastructure/x509/revocation/ocsp-response-verifier.js';
import {
  elapsedSince,
  hexBytes,
  instant,
  neverCrashWithAVerdict,
  readOneDer,
  runBatch,
  wholeNumber,
  write,
  type BatchLine,
} from './certificate-input.js';
import { EXIT, UsageError } from '../command.js';

/** The common body of `verify-ocsp-response` and `verify-crl`: one status document about one certificate. */
export async function runStatusTool(args: string[], kind: 'ocsp' | 'crl'): Promise<number> {
  neverCrashWithAVerdict();
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      batch: { type: 'boolean' },
      issuer: { type: 'string' },
      cert: { type: 'string' },
      at: { type: 'string' },
      ...(kind === 'ocsp' && { nonce: { type: 'string' as const } }),
      'max-status-age': { type: 'string' },
      'issuer-trusted-by-key': { type: 'boolean' },
      'allow-sha1-for-test': { type: 'boolean' },
    },
  });
  if (positionals.length > 1) throw new UsageError('one file at a time; use --batch for many');
  if (values.batch === true)
    return runBatch(positionals[0], (line) => statusLine(checkOfflineStatus(caseOf(line, kind))), 'status');
  const [file] = positionals;
  if (file === undefined || values.issuer === undefined || values.cert === undefined)
    throw new UsageError('--issuer, --cert and a file are needed');
  const started = performance.now();
  const nonce = (values as { readonly nonce?: string }).nonce;
  const check: OfflineStatusCheck = {
    issuer: readOneDer(values.issuer),
    certificate: readOneDer(values.cert),
    answer: kind === 'ocsp' ? { ocsp: readOneDer(file) } : { crl: readOneDer(file) },
    nonce: nonce === undefined || nonce === '' ? null : hexBytes(nonce),
    at: values.at === undefined ? Date.now() / 1000 : instant(values.at),
    maxStatusAgeSeconds: values['max-status-age'] === undefined ? undefined : wholeNumber(values['max-status-age']),
    issuerTrustedByKey: values['issuer-trusted-by-key'],
    allowSha1ForTest: values['allow-sha1-for-test'],
  };
  const status = checkOfflineStatus(check);
  const { revokedAt, thisUpdate, nextUpdate, responder } = describeStatus(kind, status);
  await write(
    `${JSON.stringify({ version: CERTIFICATE_RULES.version, ...statusLine(status), revokedAt, thisUpdate, nextUpdate, responder, at: new Date(check.at * 1000).toISOString(), elapsedMs: elapsedSince(started) })}\n`,
  );
  return status.status === 'good' ? EXIT.ok : status.status === 'revoked' ? EXIT.failed : EXIT.unknown;
}

function caseOf(line: BatchLine, kind: 'ocsp' | 'crl'): OfflineStatusCheck {
  const at = line.text('at');
  const nonce = line.text('nonce');
  return {
    issuer: line.bytes('issuer'),
    certificate: line.bytes('certificate'),
    answer: kind === 'ocsp' ? { ocsp: line.bytes('response') } : { crl: line.bytes('crl') },
    nonce: nonce === undefined || nonce === '' ? null : hexBytes(nonce),
    at: at === undefined ? Date.now() / 1000 : instant(at),
    maxStatusAgeSeconds: line.count('maxStatusAgeSeconds'),
    issuerTrustedByKey: line.flag('issuerTrustedByKey'),
    allowSha1ForTest: line.flag('allowSha1ForTest'),
  };
}

function statusLine(status: CertificateStatus): { status: string; reason: string; detail: string } {
  if (status.status === 'unknown') return { status: 'unknown', reason: status.cause, detail: status.detail };
  if (status.status === 'good') return { status: 'good', reason: 'good', detail: 'not revoked' };
  return {
    status: 'revoked',
    reason: status.reason ?? 'unspecified',
    detail: `revoked at ${new Date(status.revokedAt * 1000).toISOString()}`,
  };
}

/** Help that both tools share. */
export const STATUS_OPTIONS_HELP = `Files are PEM or DER.
  --issuer FILE            certificate of the authority that issued the certificate
  --cert FILE              the certificate in question
  --at INSTANT             RFC 3339; default now
  --max-status-age SECONDS oldest acceptable thisUpdate; default 604800 (seven days)
  --issuer-trusted-by-key  of the issuer only name and key count; otherwise it must be an authority, in date, and have signed
                           the certificate
  --allow-sha1-for-test    for published test suites; the server has no such option`;

export const STATUS_EXIT_HELP = `Prints one JSON object with status good, revoked or unknown, and the reason.
Exit code: 0 good, 1 revoked, 2 unknown, 64 wrong usage, 70 internal error. With --batch: 0 when every line got a status, 64 when
a line was not a case (status "unknown", reason "usage"), 70 when a bug stopped a line.`;
