import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OfflineCheck } from '../../../src/infrastructure/jpki/offline/offline-check.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = path.join(process.env['HONNIN_SHARED'] ?? path.resolve(root, '../shared'), 'conformance');

/** Why the public suites cannot run here, or null. */
export const suitesMissing: string | null = existsSync(path.join(folder, 'pkits/cases.json'))
  ? null
  : `no published test suites at ${folder}`;

export interface ConformanceCase {
  readonly id: string;
  readonly section: string;
  readonly name: string;
  /** What the suite says. */
  readonly valid: boolean;
  readonly check: OfflineCheck;
  readonly features: readonly string[];
}

interface PkitsCase {
  readonly id: string;
  readonly section: string;
  readonly name: string;
  readonly certs: readonly string[];
  readonly crls: readonly string[];
  readonly should_validate: boolean;
  readonly initial_policy_set: readonly string[];
  readonly initial_explicit_policy: boolean;
  readonly initial_policy_mapping_inhibit: boolean;
  readonly initial_inhibit_any_policy: boolean;
}

/** The 249 cases of NIST PKITS 1.0.1, with their CRLs, at the suite's own time. SHA-1 is allowed, as all of them are
 * from 2011. */
export function pkitsCases(): ConformanceCase[] {
  const cases = JSON.parse(readFileSync(path.join(folder, 'pkits/cases.json'), 'utf8')) as PkitsCase[];
  return cases.map((c) => {
    const certificates = c.certs.map((f) => readFileSync(path.join(folder, 'pkits/certs', f)));
    return {
      id: c.id,
      section: c.section,
      name: c.name,
      valid: c.should_validate,
      features: [],
      check: {
        certificate: certificates.at(-1)!,
        trustAnchors: certificates.slice(0, 1),
        intermediates: certificates.slice(1, -1),
        crls: c.crls.map((f) => readFileSync(path.join(folder, 'pkits/crls', f))),
        at: Date.UTC(2011, 3, 15) / 1000,
        policies: c.initial_policy_set.map(policyOid),
        requireExplicitPolicy: c.initial_explicit_policy,
        inhibitPolicyMapping: c.initial_policy_mapping_inhibit,
        inhibitAnyPolicy: c.initial_inhibit_any_policy,
        revocation: 'crl',
        allowSha1ForTest: true,
      },
    };
  });
}

function policyOid(name: string): string {
  return name === 'anyPolicy' ? '2.5.29.32.0' : `2.16.840.1.101.3.2.1.48.${name.slice('NIST-test-policy-'.length)}`;
}

interface LimboCase {
  readonly id: string;
  readonly features: readonly string[];
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly crls: readonly string[];
  readonly validation_time: string | null;
  readonly max_chain_depth: number | null;
  readonly extended_key_usage: readonly string[];
  readonly description: string;
}

const PURPOSES: Readonly<Record<string, string>> = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' };

/** The cases of x509-limbo that are not about TLS names. A case without a time of its own is judged now. */
export function limboCases(): ConformanceCase[] {
  const { testcases } = JSON.parse(readFileSync(path.join(folder, 'x509-limbo/limbo.json'), 'utf8')) as {
    testcases: LimboCase[];
  };
  return testcases
    .filter((c) => !c.id.startsWith('webpki::'))
    .map((c) => ({
      id: c.id,
      section: c.id.startsWith('rfc5280::nc::') ? 'rfc5280::nc' : c.id.split('::')[0]!,
      name: c.description.split('\n')[0]!,
      valid: c.expected_result === 'SUCCESS',
      features: c.features,
      check: {
        certificate: fromPem(c.peer_certificate),
        trustAnchors: c.trusted_certs.map(fromPem),
        intermediates: c.untrusted_intermediates.map(fromPem),
        crls: c.crls.map(fromPem),
        at: c.validation_time === null ? Date.now() / 1000 : Date.parse(c.validation_time) / 1000,
        revocation: c.crls.length > 0 ? 'crl' : 'off',
        ...(c.max_chain_depth !== null && { maxDepth: c.max_chain_depth }),
        ...(c.extended_key_usage.length > 0 && { extendedKeyUsage: c.extended_key_usage.map((u) => PURPOSES[u] ?? u) }),
      },
    }));
}

export function fromPem(text: string): Buffer {
  return Buffer.from(text.replace(/-----[^-]+-----/g, ''), 'base64');
}
