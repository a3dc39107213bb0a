import type { CardRecordVerifier } from '../../application/ports/outside/card-record-verifier.js';
import type { CertificateVerifier } from '../../application/ports/outside/certificate-verifier.js';
import { ConfigError, readSettingFile, SETTINGS, type Config } from '../settings/config.js';
import { serviceTls } from '../settings/service-tls.js';
import { UnconfiguredCertificateVerifier } from '../unconfigured.js';
import { CrlStore } from './crl-store.js';
import { SurfaceApCardRecordVerifier, type CardIssuerKey } from '../card/card-record-verifier.js';
import { OcspCertificateVerifier } from './ocsp-certificate-verifier.js';

/** The certificate check as the settings describe it.
 *  @param now milliseconds since 1970; default: the system clock
 *  @throws {ConfigError} for files that cannot be used */
export function certificateVerifier(config: Config, now?: () => number): CertificateVerifier {
  const {
    authAnchorFiles,
    signAnchorFiles,
    environment,
    ocspUrl,
    crlAuthUrls,
    crlSignUrls,
    statusOrder,
    jpkiTimeoutMs,
    ocspStatusAgeSecondsMax,
    ocspReuseSeconds,
    authPolicyOids,
    signPolicyOids,
    authUsageOids,
    signUsageOids,
  } = config.values;
  if (!config.canCheckCertificates) return new UnconfiguredCertificateVerifier();
  checkStatusOrder(config);
  return new OcspCertificateVerifier({
    trustAnchors: {
      user_authentication: authAnchorFiles.map((file) => anchor(SETTINGS.authAnchorFiles.env, file)),
      digital_signature: signAnchorFiles.map((file) => anchor(SETTINGS.signAnchorFiles.env, file)),
    },
    environment,
    policyOids: { user_authentication: authPolicyOids, digital_signature: signPolicyOids },
    usageOids: { user_authentication: authUsageOids, digital_signature: signUsageOids },
    order: statusOrder,
    ocsp:
      ocspUrl === null
        ? null
        : {
            url: ocspUrl,
            timeoutMs: jpkiTimeoutMs,
            maxStatusAgeSeconds: ocspStatusAgeSecondsMax,
            tls: serviceTls(config, 'authority'),
          },
    crl: {
      user_authentication: crlStore(config, crlAuthUrls, 'auth'),
      digital_signature: crlStore(config, crlSignUrls, 'sign'),
    },
    reuseAnswerSeconds: ocspReuseSeconds,
    ...(now && { now }),
  });
}

/** An order that names a source without an address would leave every check undecided; that must show at the start. */
function checkStatusOrder({ values: { statusOrder, ocspUrl, crlAuthUrls, crlSignUrls } }: Config): void {
  const problems: string[] = [];
  if (statusOrder !== 'crl' && ocspUrl === null)
    problems.push(`${SETTINGS.statusOrder.env}=${statusOrder} needs ${SETTINGS.ocspUrl.env}`);
  if (statusOrder !== 'ocsp' && crlAuthUrls.length + crlSignUrls.length === 0)
    problems.push(
      `${SETTINGS.statusOrder.env}=${statusOrder} needs ${SETTINGS.crlAuthUrls.env} or ${SETTINGS.crlSignUrls.env}`,
    );
  if (problems.length > 0) throw new ConfigError(problems);
}

/** A store per kind of certificate; nothing is fetched before the first check. The newest CRL of each key is kept in
 * the data folder. */
function crlStore(config: Config, url: readonly string[], name: string): CrlStore | null {
  if (url.length === 0 || config.values.statusOrder === 'ocsp') return null;
  return new CrlStore({
    url,
    waitMs: config.values.jpkiTimeoutMs,
    keepIn: config.inData(`${name}.crl`),
    tls: serviceTls(config, 'authority'),
  });
}

/** The check of card face records. Without configured issuer keys every record is refused as of an unknown issuer. */
export function cardRecordVerifier(config: Config): CardRecordVerifier {
  const { cardIssuerKeysFile: file, environment } = config.values;
  return new SurfaceApCardRecordVerifier({ issuerKeys: file === null ? [] : issuerKeys(file), environment });
}

function anchor(env: string, file: string): string | Uint8Array {
  const bytes = readSettingFile(env, file);
  const text = bytes.toString('latin1');
  return text.includes('-----BEGIN CERTIFICATE-----') ? text : bytes;
}

function issuerKeys(file: string): readonly CardIssuerKey[] {
  const env = SETTINGS.cardIssuerKeysFile.env;
  const wrong = new ConfigError([
    `${env}=${file}: must hold a JSON list of {"keyIdHex", "modulus", "exponent"}, all hexadecimal`,
  ]);
  let list: unknown;
  try {
    list = JSON.parse(readSettingFile(env, file).toString('utf8'));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw wrong;
  }
  const isHex = (value: unknown): value is string => typeof value === 'string' && /^(?:[0-9a-fA-F]{2})+$/.test(value);
  if (
    !Array.isArray(list) ||
    !list.every((k: Partial<CardIssuerKey>) => isHex(k?.keyIdHex) && isHex(k.modulus) && isHex(k.exponent))
  )
    throw wrong;
  return list as readonly CardIssuerKey[];
}
