import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomBytes,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { Extension } from 'pkijs';
import {
  authorityKeyIdentifier,
  basicConstraintsCa,
  certificatePolicies,
  crlDistributionPoint,
  encodeName,
  extendedKeyUsage,
  freshSerial,
  issuerAltName,
  keyUsage,
  ocspNoCheck,
  publicKeyBits,
  subjectAltDirectoryName,
  subjectAltOtherNames,
  subjectKeyIdentifier,
  writeCertificate,
  writeCrl,
  type DistinguishedName,
} from './x509-writer.js';
import { ageOn, birthdayAfter, dayInJapan, endOfDayInJapan, type Day } from '../../domain/values/birthday.js';
import type { CertificateType, RevocationReason } from '../../domain/values/certificate-status.js';

export type KeyAlgorithm = 'RSA-2048' | 'P-384';

/** The synthetic person of a card. Everything is invented; there is no 12-digit My Number anywhere. */
export interface SyntheticHolder {
  /** Family and given name with a full-width space between them. */
  readonly name: string;
  readonly address: string;
  /** `YYYY-MM-DD`. */
  readonly birthDate: string;
  /** 1 male, 2 female, 3 not stated (the certificate's own code). */
  readonly sex: '1' | '2' | '3';
}

export interface IssueOptions {
  readonly holder: SyntheticHolder;
  readonly publicKey: KeyObject;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** The card that will hold it: a card's two certificates are linked by this id. */
  readonly cardId: string;
  /** The card's last day; absent: no card ends the certificate earlier. */
  readonly cardExpiry?: Day;
  /** The certificate that this one replaces. */
  readonly previousSerial?: string;
}

/** What the authority knows about a certificate it issued. */
export interface IssuedCertificate {
  /** Lower-case hexadecimal without leading zeros. */
  readonly serial: string;
  readonly certificate: Uint8Array;
  readonly cardId: string;
  readonly previousSerial: string | null;
  readonly revocation: { readonly reason: RevocationReason; readonly atUtc: string } | null;
}

/** A key with the certificate that speaks for it. */
export interface CertifiedKey {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

/** Everything that survives a restart. Holds private keys of a stand-in; they protect nothing real. */
export interface AuthorityState {
  readonly type: CertificateType;
  readonly anchor: SavedKey;
  readonly responder: SavedKey;
  readonly crlNumber: number;
  readonly issued: readonly (Omit<IssuedCertificate, 'certificate'> & { readonly certificate: string })[];
}

interface SavedKey {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Policy OIDs as the public descriptions of real certificates give them. The official test environment has others, of
 * which only the signing one (`1.2.392.200149.8.5.1.0.20`) is public; `O=JPKI-TEST` is what tells our certificates from
 * real ones. */
export const POLICY_OIDS: Readonly<Record<CertificateType, string>> = {
  digital_signature: '1.2.392.200149.8.5.1.1.20',
  user_authentication: '1.2.392.200149.8.5.1.3.30',
};

const ORGANISATIONAL_UNITS: Readonly<Record<CertificateType, string>> = {
  digital_signature: 'JPKI for digital signature',
  user_authentication: 'JPKI for user authentication',
};

const SERVICE_NAME: DistinguishedName = [
  ['C', 'JP'],
  ['O', '公的個人認証サービス (TEST)'],
];
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const YEAR_MS = 365.25 * 24 * 3600 * 1000;
/** Certificates start a month back: people bring cards that they have had for a while, and an answer that is two days
 * old is then stale and nothing else. */
const MONTH_MS = YEAR_MS / 12;

/** One self-signed, one-level authority of the synthetic hierarchy, with its delegated OCSP responder. */
export class CertificateAuthority {
  readonly type: CertificateType;
  readonly name: DistinguishedName;
  readonly anchor: CertifiedKey;
  readonly responder: CertifiedKey;
  readonly #issued = new Map<string, IssuedCertificate>();
  #crlNumber: number;

  private constructor(type: CertificateType, anchor: CertifiedKey, responder: CertifiedKey, crlNumber: number) {
    this.type = type;
    this.name = authorityName(type);
    this.anchor = anchor;
    this.responder = responder;
    this.#crlNumber = crlNumber;
  }

  static async create(
    type: CertificateType,
    now: Date,
    algorithm: KeyAlgorithm = 'RSA-2048',
  ): Promise<CertificateAuthority> {
    const name = authorityName(type);
    const [anchorKey, responderKey] = await Promise.all([generateKey(algorithm), generateKey('RSA-2048')]);
    const anchor: CertifiedKey = { privateKey: anchorKey, certificate: selfSigned(name, anchorKey, now) };
    const responder: CertifiedKey = {
      privateKey: responderKey,
      certificate: responderCertificate({ issuer: name, issuerKey: anchorKey, responderKey, now }),
    };
    return new CertificateAuthority(type, anchor, responder, 1);
  }

  static restore(state: AuthorityState): CertificateAuthority {
    const authority = new CertificateAuthority(
      state.type,
      loadKey(state.anchor),
      loadKey(state.responder),
      state.crlNumber,
    );
    for (const entry of state.issued)
      authority.#issued.set(entry.serial, { ...entry, certificate: Buffer.from(entry.certificate, 'base64') });
    return authority;
  }

  save(): AuthorityState {
    const issued = [...this.#issued.values()].map((entry) => ({
      ...entry,
      certificate: Buffer.from(entry.certificate).toString('base64'),
    }));
    return {
      type: this.type,
      anchor: saveKey(this.anchor),
      responder: saveKey(this.responder),
      crlNumber: this.#crlNumber,
      issued,
    };
  }

  /** Hex of the DER name: how the link service names the authority. */
  get nameHex(): string {
    return encodeName(this.name).toString('hex');
  }

  /** Issues a certificate in the card profile: critical keyUsage, the policy OID, a CRL distribution point that is a
   *  directory name, and no address of any status service. Default validity: until the fifth birthday from now,
   *  and not longer than the card. */
  issue(options: IssueOptions, now: Date): IssuedCertificate {
    const serial = freshSerial();
    const notBefore = options.notBefore ?? new Date(now.getTime() - MONTH_MS);
    const certificate = writeCertificate(
      {
        serial,
        issuer: this.name,
        subject: subjectName(this.type),
        notBefore,
        notAfter: options.notAfter ?? new Date(endOfDayInJapan(certificateEnd(options, now))),
        publicKey: options.publicKey,
        extensions: cardExtensions(this.type, options, this.anchor.privateKey),
      },
      this.anchor.privateKey,
    );
    const issued: IssuedCertificate = {
      serial: hexSerial(serial),
      certificate,
      cardId: options.cardId,
      previousSerial: options.previousSerial ?? null,
      revocation: null,
    };
    this.#issued.set(issued.serial, issued);
    return issued;
  }

  find(serial: string): IssuedCertificate | undefined {
    return this.#issued.get(serial);
  }

  get certificates(): readonly IssuedCertificate[] {
    return [...this.#issued.values()];
  }

  /** Revokes or holds. A revocation for good is never changed; a hold may become one.
   *  @throws {RangeError} when the serial is unknown or the change is not allowed. */
  revoke(serial: string, reason: RevocationReason, at: Date): void {
    const entry = this.#require(serial);
    if (entry.revocation !== null && entry.revocation.reason !== 'certificate_hold')
      throw new RangeError(`certificate ${serial} is already revoked for good`);
    this.#change(entry, { reason, atUtc: at.toISOString() });
  }

  /** Ends a hold. @throws {RangeError} when the certificate is not held. */
  release(serial: string): void {
    const entry = this.#require(serial);
    if (entry.revocation?.reason !== 'certificate_hold') throw new RangeError(`certificate ${serial} is not held`);
    this.#change(entry, null);
  }

  /** The complete list as of now. */
  crl(dates: { thisUpdate: Date; nextUpdate: Date }): Buffer {
    const revoked = this.certificates.flatMap(({ serial, revocation }) =>
      revocation === null
        ? []
        : [{ serial: serialBytes(serial), reason: revocation.reason, revokedAt: new Date(revocation.atUtc) }],
    );
    return writeCrl(
      { issuer: this.name, ...dates, number: this.#crlNumber, authorityKey: this.anchor.privateKey, revoked },
      this.anchor.privateKey,
    );
  }

  /** Whether an OCSP CertID names this authority. */
  isNamedBy(hash: 'sha1' | 'sha256', nameHash: Uint8Array, keyHash: Uint8Array): boolean {
    const digest = (bytes: Uint8Array): Buffer => createHash(hash).update(bytes).digest();
    return (
      digest(encodeName(this.name)).equals(nameHash) && digest(publicKeyBits(this.anchor.privateKey)).equals(keyHash)
    );
  }

  #require(serial: string): IssuedCertificate {
    const entry = this.#issued.get(serial);
    if (entry === undefined) throw new RangeError(`no certificate with serial ${serial} was issued here`);
    return entry;
  }

  #change(entry: IssuedCertificate, revocation: IssuedCertificate['revocation']): void {
    this.#issued.set(entry.serial, { ...entry, revocation });
    this.#crlNumber += 1;
  }
}

/** A private key made off the event loop. */
export async function generateKey(algorithm: KeyAlgorithm): Promise<KeyObject> {
  const make = promisify(generateKeyPair);
  const pair =
    algorithm === 'RSA-2048' ? await make('rsa', { modulusLength: 2048 }) : await make('ec', { namedCurve: 'P-384' });
  return pair.privateKey;
}

/** Certificate of an OCSP responder. The wrong forms that tests need are asked for by name. */
export function responderCertificate(options: {
  issuer: DistinguishedName;
  issuerKey: KeyObject;
  responderKey: KeyObject;
  now: Date;
  withoutOcspSigning?: boolean;
  expired?: boolean;
}): Buffer {
  const { issuer, issuerKey, responderKey, now } = options;
  const ends = options.expired === true ? now.getTime() - 3600_000 : now.getTime() + YEAR_MS;
  return writeCertificate(
    {
      serial: freshSerial(),
      issuer,
      subject: [...issuer, ['CN', 'OCSP responder (TEST)']],
      notBefore: new Date(now.getTime() - MONTH_MS),
      notAfter: new Date(ends),
      publicKey: createPublicKey(responderKey),
      extensions: [
        keyUsage('digitalSignature'),
        ...(options.withoutOcspSigning === true ? [] : [extendedKeyUsage([OCSP_SIGNING])]),
        ocspNoCheck(),
        subjectKeyIdentifier(responderKey),
        authorityKeyIdentifier(issuerKey),
      ],
    },
    issuerKey,
  );
}

/** Lower-case hex without leading zeros. */
export function hexSerial(serial: Uint8Array): string {
  return Buffer.from(serial).toString('hex').replace(/^0+/, '') || '0';
}

export function serialBytes(serial: string): Buffer {
  return Buffer.from(serial.length % 2 === 0 ? serial : `0${serial}`, 'hex');
}

/** Serial number of a certificate as this stand-in writes it. */
export function serialOf(certificate: Uint8Array): string {
  return hexSerial(Buffer.from(new X509Certificate(certificate).serialNumber, 'hex'));
}

function authorityName(type: CertificateType): DistinguishedName {
  return [
    ['C', 'JP'],
    ['O', 'JPKI-TEST'],
    ['OU', ORGANISATIONAL_UNITS[type]],
    ['OU', 'Japan Agency for Local Authority Information Systems (TEST)'],
  ];
}

function selfSigned(name: DistinguishedName, key: KeyObject, now: Date): Buffer {
  const extensions = [
    basicConstraintsCa(),
    keyUsage('keyCertSign', 'cRLSign'),
    subjectAltDirectoryName(SERVICE_NAME),
    subjectKeyIdentifier(key),
    crlDistributionPoint([
      ['C', 'JP'],
      ['O', 'JPKI-TEST'],
      ['OU', 'CRL Distribution Points'],
    ]),
  ];
  const dates = { notBefore: new Date(now.getTime() - YEAR_MS), notAfter: new Date(now.getTime() + 9 * YEAR_MS) };
  return writeCertificate(
    { serial: freshSerial(), issuer: name, subject: name, ...dates, publicKey: createPublicKey(key), extensions },
    key,
  );
}

/** The user-authentication certificate names nobody; the signing certificate also names the municipality. */
function subjectName(type: CertificateType): DistinguishedName {
  const opaque = `${randomBytes(4).toString('hex').toUpperCase()}TEST${randomBytes(5).toString('hex').toUpperCase()}A`;
  return type === 'digital_signature'
    ? [
        ['C', 'JP'],
        ['L', 'Test-shi'],
        ['CN', opaque],
      ]
    : [
        ['C', 'JP'],
        ['CN', opaque],
      ];
}

function cardExtensions(type: CertificateType, options: IssueOptions, issuerKey: KeyObject): Extension[] {
  return [
    type === 'digital_signature' ? keyUsage('digitalSignature', 'nonRepudiation') : keyUsage('digitalSignature'),
    certificatePolicies(POLICY_OIDS[type], 'http://www.jpki-test.invalid/cps.html'),
    ...(type === 'digital_signature' ? [subjectAltOtherNames(holderNames(options.holder))] : []),
    issuerAltName(SERVICE_NAME),
    crlDistributionPoint([
      ['C', 'JP'],
      ['O', 'JPKI-TEST'],
      ['OU', 'CRL Distribution Points'],
      ['OU', 'Prefecture-0'],
      ['CN', 'City-0 CRLDP'],
    ]),
    subjectKeyIdentifier(options.publicKey),
    authorityKeyIdentifier(issuerKey),
  ];
}

/** The six personal attributes of the signing certificate; 2 and 6 are the positions of substitute characters
 * (none). */
function holderNames(holder: SyntheticHolder): [string, string][] {
  const zeros = (text: string): string => '0'.repeat([...text].length);
  const values = [
    holder.name,
    zeros(holder.name),
    holder.sex,
    `${eraDigit(holder.birthDate)}${holder.birthDate.replaceAll('-', '')}`,
    holder.address,
    zeros(holder.address),
  ];
  return values.map((value, i) => [`1.2.392.200149.8.5.5.${i + 1}`, value]);
}

const ERAS = [
  { from: '2019-05-01', digit: '5', firstYear: 2019 },
  { from: '1989-01-08', digit: '4', firstYear: 1989 },
  { from: '1926-12-25', digit: '3', firstYear: 1926 },
  { from: '1912-07-30', digit: '2', firstYear: 1912 },
  { from: '1868-01-25', digit: '1', firstYear: 1868 },
] as const;

/** The Japanese era of a date: its digit in the certificate and the year within it. @throws {RangeError} before
 * 1868. */
export function japaneseEra(isoDate: string): { digit: string; year: number } {
  const era = ERAS.find(({ from }) => isoDate >= from);
  if (era === undefined) throw new RangeError(`no era for ${isoDate}`);
  return { digit: era.digit, year: Number(isoDate.slice(0, 4)) - era.firstYear + 1 };
}

function eraDigit(isoDate: string): string {
  return japaneseEra(isoDate).digit;
}

/** Last day of a certificate: the fifth birthday after its issue, or the card's own last day where that comes first. */
function certificateEnd({ holder, cardExpiry }: IssueOptions, now: Date): Day {
  const birthday = birthdayAfter(holder.birthDate.replaceAll('-', ''), dayInJapan(now.toISOString()), 5);
  return cardExpiry !== undefined && cardExpiry < birthday ? cardExpiry : birthday;
}

/** Last day of a card: the tenth birthday after its issue, the fifth of who is under 18. */
export function cardEnd(birthDate: string, now: Date): Day {
  const [born, today] = [birthDate.replaceAll('-', ''), dayInJapan(now.toISOString())];
  return birthdayAfter(born, today, ageOn(born, today) < 18 ? 5 : 10);
}

function saveKey(key: CertifiedKey): SavedKey {
  return {
    certificate: Buffer.from(key.certificate).toString('base64'),
    privateKey: key.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}

function loadKey(saved: SavedKey): CertifiedKey {
  return { certificate: Buffer.from(saved.certificate, 'base64'), privateKey: createPrivateKey(saved.privateKey) };
}
