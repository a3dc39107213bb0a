import type { CardRecordVerifier } from '../../application/ports/card-record-verifier.js';
import type { CertificateVerifier } from '../../application/ports/certificate-verifier.js';
import { ConfigError, readSettingFile, SETTINGS, type Config } from '../config.js';
import { UnconfiguredCertificateVerifier } from '../unconfigured.js';
import { SurfaceApCardRecordVerifier, type CardIssuerKey } from './card-record-verifier.js';
import { OcspCertificateVerifier } from './ocsp-certificate-verifier.js';

/** The certificate check as the settings describe it. @throws {ConfigError} for files that cannot be used */
export function certificateVerifier(config: Config): CertificateVerifier {
  const { authAnchorFiles, signAnchorFiles, environment, ocspUrl, statusOrder, jpkiTimeoutMs, ocspStatusAgeSecondsMax, ocspReuseSeconds, authPolicyOids, signPolicyOids } = config.values;
  if (authAnchorFiles.length + signAnchorFiles.length === 0 || ocspUrl === null) return new UnconfiguredCertificateVerifier();
  return new OcspCertificateVerifier({
    trustAnchors: {
      user_authentication: authAnchorFiles.map((file) => anchor(SETTINGS.authAnchorFiles.env, file)),
      digital_signature: signAnchorFiles.map((file) => anchor(SETTINGS.signAnchorFiles.env, file)),
    },
    environment,
    policyOids: { user_authentication: authPolicyOids, digital_signature: signPolicyOids },
    order: statusOrder,
    ocsp: { url: ocspUrl, timeoutMs: jpkiTimeoutMs, maxStatusAgeSeconds: ocspStatusAgeSecondsMax },
    crl: null,
    reuseAnswerSeconds: ocspReuseSeconds,
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
  const wrong = new ConfigError([`${env}=${file}: must hold a JSON list of {"keyIdHex", "modulus", "exponent"}, all hexadecimal`]);
  let list: unknown;
  try {
    list = JSON.parse(readSettingFile(env, file).toString('utf8'));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw wrong;
  }
  const isHex = (value: unknown): value is string => typeof value === 'string' && /^(?:[0-9a-fA-F]{2})+$/.test(value);
  if (!Array.isArray(list) || !list.every((k: Partial<CardIssuerKey>) => isHex(k?.keyIdHex) && isHex(k.modulus) && isHex(k.exponent))) throw wrong;
  return list as readonly CardIssuerKey[];
}
