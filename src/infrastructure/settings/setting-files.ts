import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { certificatesIn } from './certificate-files.js';
import { readFirstStartFiles } from './first-start-files.js';

type File = string | null;

/** The settings that name files. One that could not be read is absent. */
export interface FileSettings {
  readonly tlsCertFile?: File;
  readonly tlsKeyFile?: File;
  readonly boothCertificatesCaFile?: File;
  readonly masterKeyFile?: File;
  readonly serverSecretFile?: File;
  readonly policyFile?: File;
  readonly boothsFile?: File;
  readonly authAnchorFiles?: readonly string[];
  readonly signAnchorFiles?: readonly string[];
  readonly tsaAnchorFiles?: readonly string[];
  readonly cardIssuerKeysFile?: File;
  readonly authorityCaFile?: File;
  readonly authorityCertFile?: File;
  readonly authorityKeyFile?: File;
  readonly governmentCaFile?: File;
  readonly governmentCertFile?: File;
  readonly governmentKeyFile?: File;
  readonly linkCaFile?: File;
  readonly linkCertFile?: File;
  readonly linkKeyFile?: File;
  readonly oidcCaFile?: File;
  readonly oidcCertFile?: File;
  readonly oidcKeyFile?: File;
  readonly tsaCaFile?: File;
  readonly tsaCertFile?: File;
  readonly tsaKeyFile?: File;
  readonly governmentTokenFile?: File;
  readonly tsaPasswordFile?: File;
  readonly kafkaBrokers?: readonly string[];
  readonly kafkaCaFile?: File;
  readonly kafkaCertFile?: File;
  readonly kafkaKeyFile?: File;
  readonly kafkaPasswordFile?: File;
  readonly auditCopyKafkaBrokers?: readonly string[];
  readonly auditCopyKafkaCaFile?: File;
  readonly auditCopyKafkaCertFile?: File;
  readonly auditCopyKafkaKeyFile?: File;
  readonly auditCopyKafkaPasswordFile?: File;
}

/** What a file has to hold. */
interface Kind {
  readonly expected: string;
  /** @returns what is there instead, or null where it is right */
  readonly instead: (bytes: Buffer) => string | null;
}

const KEY_BYTES = 32;

const KEY: Kind = {
  expected: `exactly ${KEY_BYTES} bytes; a new one: (umask 077; head -c ${KEY_BYTES} /dev/urandom > FILE)`,
  instead: ({ length }) => (length === KEY_BYTES ? null : `has ${length} bytes`),
};
const CERTIFICATES: Kind = {
  expected: 'X.509 certificates, PEM (-----BEGIN CERTIFICATE-----) or DER',
  instead: (bytes) => (certificatesIn(bytes) === null ? 'holds no certificate' : null),
};
const CHAIN: Kind = {
  expected: 'X.509 certificates in PEM (-----BEGIN CERTIFICATE-----), that of the key first',
  instead: (bytes) =>
    bytes.includes('-----BEGIN CERTIFICATE-----') ? CERTIFICATES.instead(bytes) : 'holds no certificate in PEM',
};
const PRIVATE_KEY: Kind = {
  expected: 'a private key in PEM (-----BEGIN PRIVATE KEY-----) without a passphrase',
  instead: (bytes) => (privateKeyIn(bytes) === null ? 'holds no private key that can be opened' : null),
};
const SECRET: Kind = {
  expected: 'the token or password, one line',
  instead: (bytes) => {
    const lines = bytes.toString('utf8').trim().split('\n');
    return lines[0] === '' ? 'is empty' : lines.length > 1 ? `has ${lines.length} lines` : null;
  },
};
const ISSUER_KEYS: Kind = {
  expected: 'a JSON list of {"keyIdHex", "modulus", "exponent"}, all hexadecimal',
  instead: (bytes) => {
    const list = jsonIn(bytes);
    if (list === undefined) return 'is not JSON';
    if (!Array.isArray(list)) return 'is no list';
    const at = list.findIndex((key) => !isIssuerKey(key));
    return at === -1 ? null : `entry ${at + 1} is no such key`;
  },
};

/** What is wrong with the files that settings name, one sentence each: name, what is there, what is expected. Looked at
 *  before a server opens anything, so that all of it is told in one run.
 *   @param options.isKeyInMemory the master key is in no file */
export function settingFileFaults(
  settings: FileSettings,
  { isKeyInMemory }: { readonly isKeyInMemory: boolean },
): readonly string[] {
  const { policyFile = null, boothsFile = null } = settings;
  const [isPublishing, isCopying] = [settings.kafkaBrokers, settings.auditCopyKafkaBrokers].map(
    (brokers) => brokers !== undefined && brokers.length > 0,
  );
  const kafka = (env: string, name: 'kafka' | 'auditCopyKafka'): readonly string[] => [
    ...judged(`${env}_CA`, settings[`${name}CaFile`], CERTIFICATES),
    ...judged(`${env}_CERT`, settings[`${name}CertFile`], CHAIN),
    ...judged(`${env}_KEY`, settings[`${name}KeyFile`], PRIVATE_KEY),
    ...judged(`${env}_PASSWORD_FILE`, settings[`${name}PasswordFile`], SECRET),
  ];
  const service = (env: string, name: 'authority' | 'link' | 'government' | 'oidc' | 'tsa'): readonly string[] => [
    ...judged(`${env}_CA`, settings[`${name}CaFile`], CERTIFICATES),
    ...tlsFaults(env, settings[`${name}CertFile`], settings[`${name}KeyFile`]),
  ];
  const each = (env: string, files: readonly string[] = []): readonly string[] =>
    files.flatMap((file) => judged(env, file, CERTIFICATES));
  return [
    ...tlsFaults('HONNIN_TLS', settings.tlsCertFile, settings.tlsKeyFile),
    ...judged('HONNIN_BOOTH_CERTIFICATES_CA', settings.boothCertificatesCaFile, CERTIFICATES),
    ...(isKeyInMemory ? [] : judged('HONNIN_MASTER_KEY_FILE', settings.masterKeyFile, KEY)),
    ...judged('HONNIN_SERVER_SECRET_FILE', settings.serverSecretFile, KEY),
    ...readFirstStartFiles({ policyFile, boothsFile }).problems,
    ...each('HONNIN_JPKI_AUTH_ANCHORS', settings.authAnchorFiles),
    ...each('HONNIN_JPKI_SIGN_ANCHORS', settings.signAnchorFiles),
    ...judged('HONNIN_CARD_ISSUER_KEYS', settings.cardIssuerKeysFile, ISSUER_KEYS),
    ...service('HONNIN_JPKI_TLS', 'authority'),
    ...service('HONNIN_JPKI_LINK_TLS', 'link'),
    ...service('HONNIN_GOVERNMENT_TLS', 'government'),
    ...service('HONNIN_OIDC_TLS', 'oidc'),
    ...service('HONNIN_TSA_TLS', 'tsa'),
    ...judged('HONNIN_GOVERNMENT_TOKEN_FILE', settings.governmentTokenFile, SECRET),
    ...each('HONNIN_TSA_ANCHORS', settings.tsaAnchorFiles),
    ...judged('HONNIN_TSA_PASSWORD_FILE', settings.tsaPasswordFile, SECRET),
    ...(isPublishing ? kafka('HONNIN_KAFKA', 'kafka') : []),
    ...(isCopying ? kafka('HONNIN_AUDIT_COPY_KAFKA', 'auditCopyKafka') : []),
  ];
}

function judged(env: string, file: File | undefined, { expected, instead }: Kind): readonly string[] {
  if (file === null || file === undefined) return [];
  const bytes = bytesOf(file);
  const found = typeof bytes === 'string' ? bytes : instead(bytes);
  return found === null ? [] : [`${env}=${file}: ${found}; expected: ${expected}`];
}

/** The bytes of a file, or in words why there are none. */
function bytesOf(file: string): Buffer | string {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'there is no such file';
    return code === 'EISDIR' ? 'is a folder' : `cannot be read (${code ?? String(error)})`;
  }
}

function tlsFaults(env: string, certFile: File | undefined, keyFile: File | undefined): readonly string[] {
  const faults = [...judged(`${env}_CERT`, certFile, CHAIN), ...judged(`${env}_KEY`, keyFile, PRIVATE_KEY)];
  if (faults.length > 0 || !certFile || !keyFile) return faults;
  const [certificate] = certificatesIn(readFileSync(certFile)) ?? [];
  const key = privateKeyIn(readFileSync(keyFile));
  if (certificate === undefined || key === null || certificate.checkPrivateKey(key)) return [];
  const { subject } = certificate;
  return [
    `${env}_KEY=${keyFile}: is the key of another certificate; expected: that of the first one in ` +
      `${certFile} (${subject.replaceAll('\n', ', ')})`,
  ];
}

function privateKeyIn(bytes: Buffer): KeyObject | null {
  try {
    return createPrivateKey(bytes);
  } catch {
    // OpenSSL's own words name a routine of its own and help nobody.
    return null;
  }
}

function jsonIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    // The caller says what is expected instead.
    return undefined;
  }
}

function isIssuerKey(value: unknown): boolean {
  const { keyIdHex, modulus, exponent } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return [keyIdHex, modulus, exponent].every((hex) => typeof hex === 'string' && /^(?:[0-9a-fA-F]{2})+$/.test(hex));
}
