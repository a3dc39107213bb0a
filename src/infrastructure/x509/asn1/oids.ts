/** Object identifiers that the verifier knows, by the names RFC 5280, RFC 6960 and RFC 3279 give them. */
export const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  smtpUtf8Mailbox: '1.3.6.1.5.5.7.8.9',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  anyPolicy: '2.5.29.32.0',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  anyExtendedKeyUsage: '2.5.29.37.0',
  freshestCrl: '2.5.29.46',
  inhibitAnyPolicy: '2.5.29.54',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  qualifierCps: '1.3.6.1.5.5.7.2.1',
  qualifierUserNotice: '1.3.6.1.5.5.7.2.2',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  ocspBasic: '1.3.6.1.5.5.7.48.1.1',
  ocspNonce: '1.3.6.1.5.5.7.48.1.2',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',
  certificateTimestamps: '1.3.6.1.4.1.11129.2.4.5',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  rsaEncryption: '1.2.840.113549.1.1.1',
  ecPublicKey: '1.2.840.10045.2.1',
  emailAddress: '1.2.840.113549.1.9.1',
  /** What a signing certificate says of its holder in otherNames of the subjectAltName: sex, date of birth. */
  jpkiHolderSex: '1.2.392.200149.8.5.5.3',
  jpkiHolderBirthDate: '1.2.392.200149.8.5.5.4',
  /** 利用者証明用 and 署名用 certificate policies of the public certification service for individuals. */
  jpkiAuthenticationPolicy: '1.2.392.200149.8.5.1.3.30',
  jpkiSignaturePolicy: '1.2.392.200149.8.5.1.1.20',
} as const;

/** Bits of keyUsage as {@link readNamedBits} numbers them (RFC 5280 section 4.2.1.3). */
export const KEY_USAGE = {
  digitalSignature: 1 << 0,
  nonRepudiation: 1 << 1,
  keyEncipherment: 1 << 2,
  dataEncipherment: 1 << 3,
  keyAgreement: 1 << 4,
  keyCertSign: 1 << 5,
  crlSign: 1 << 6,
} as const;

/** Whether a text is an object identifier as people write it: numbers without leading zeros, of which the first two are
 *  in range (X.660). */
export function isObjectIdentifier(text: string): boolean {
  return /^(?:[01]\.(?:[0-9]|[1-3][0-9])|2\.(?:0|[1-9]\d*))(?:\.(?:0|[1-9]\d*))+$/.test(text);
}
