import type { CertificateType } from '../../../domain/values/certificate-status.js';
import { KEY_USAGE, OID } from '../asn1/oids.js';
import {
  CARD_ALGORITHMS,
  GENERAL_ALGORITHMS,
  withSha1ForTest,
  type AlgorithmPolicy,
} from '../certificate/public-key.js';

export type ProfileName = 'rfc5280' | 'jpki-auth' | 'jpki-sign';
export const PROFILE_NAMES: readonly ProfileName[] = ['rfc5280', 'jpki-auth', 'jpki-sign'];

/** What one purpose demands beyond the common path rules. */
export interface Profile {
  readonly name: ProfileName;
  readonly algorithms: AlgorithmPolicy;
  /** Certificates between leaf and anchor that are not self-issued. */
  readonly maxIntermediates: number;
  /** The card profiles refuse what no card certificate needs: name constraints, policy mappings, delta and indirect
   * CRLs. */
  readonly cardRules: boolean;
  /** Whether the certificate in question may itself be an authority. RFC 5280 allows it; nobody presents one here, and
   * a profile that knows no peer name could not tell whose authority it is. True only while the signer of a CRL is
   * checked. */
  readonly authorityAsLeaf: boolean;
  /** Bits that the leaf's keyUsage must have, and must not have. Null: keyUsage of the leaf is free. */
  readonly leafKeyUsage: { readonly required: number; readonly forbidden: number } | null;
  /** One of these must stand in the leaf itself; anyPolicy does not do. Null: only path policy processing applies. */
  readonly leafPolicies: readonly string[] | null;
  /** When the leaf has an extendedKeyUsage, one of these must be in it. Null: free. */
  readonly leafExtendedKeyUsage: readonly string[] | null;
}

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const EMAIL_PROTECTION = '1.3.6.1.5.5.7.3.4';
const DOCUMENT_SIGNING = '1.3.6.1.5.5.7.3.36';

const NEVER_ON_A_CARD = KEY_USAGE.keyCertSign | KEY_USAGE.crlSign;

const RFC5280: Profile = {
  name: 'rfc5280',
  algorithms: GENERAL_ALGORITHMS,
  maxIntermediates: 10,
  cardRules: false,
  authorityAsLeaf: false,
  leafKeyUsage: null,
  leafPolicies: null,
  leafExtendedKeyUsage: null,
};

/** 利用者証明用: digitalSignature and nothing that signs documents, so that neither certificate passes as the other. */
const JPKI_AUTH: Profile = {
  name: 'jpki-auth',
  algorithms: CARD_ALGORITHMS,
  maxIntermediates: 0,
  cardRules: true,
  authorityAsLeaf: false,
  leafKeyUsage: { required: KEY_USAGE.digitalSignature, forbidden: NEVER_ON_A_CARD | KEY_USAGE.nonRepudiation },
  leafPolicies: [OID.jpkiAuthenticationPolicy],
  leafExtendedKeyUsage: [CLIENT_AUTHENTICATION],
};

/** 署名用: digitalSignature and nonRepudiation. */
const JPKI_SIGN: Profile = {
  name: 'jpki-sign',
  algorithms: CARD_ALGORITHMS,
  maxIntermediates: 0,
  cardRules: true,
  authorityAsLeaf: false,
  leafKeyUsage: { required: KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation, forbidden: NEVER_ON_A_CARD },
  leafPolicies: [OID.jpkiSignaturePolicy],
  leafExtendedKeyUsage: [EMAIL_PROTECTION, DOCUMENT_SIGNING],
};

/** What a caller may set without changing what the profile is for. */
export interface ProfileOverrides {
  /** Replaces the policy OIDs of a card profile (the test environment has others). */
  readonly policies?: readonly string[] | undefined;
  readonly maxIntermediates?: number | undefined;
  readonly extendedKeyUsage?: readonly string[] | undefined;
  /** Lets the general profile judge an authority's own certificate. Card profiles never do. */
  readonly authorityAsLeaf?: boolean | undefined;
  /** For published suites only. */
  readonly allowSha1ForTest?: boolean | undefined;
}

/** The rules of a profile. */
export function profileFor(name: ProfileName, overrides: ProfileOverrides = {}): Profile {
  const base = name === 'rfc5280' ? RFC5280 : name === 'jpki-auth' ? JPKI_AUTH : JPKI_SIGN;
  return {
    ...base,
    algorithms: overrides.allowSha1ForTest === true ? withSha1ForTest(base.algorithms) : base.algorithms,
    maxIntermediates: overrides.maxIntermediates ?? base.maxIntermediates,
    authorityAsLeaf: overrides.authorityAsLeaf === true && !base.cardRules,
    leafPolicies: base.leafPolicies === null ? null : (overrides.policies ?? base.leafPolicies),
    leafExtendedKeyUsage: overrides.extendedKeyUsage ?? base.leafExtendedKeyUsage,
  };
}

/** Which profile judges which of the card's certificates. */
export function profileNameFor(type: CertificateType): ProfileName {
  return type === 'user_authentication' ? 'jpki-auth' : 'jpki-sign';
}
