import { KEY_USAGE, OID } from './oids.js';
import { CARD_ALGORITHMS, GENERAL_ALGORITHMS, withSha1ForTest } from './public-key.js';
export const PROFILE_NAMES = ['rfc5280', 'jpki-auth', 'jpki-sign'];
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const EMAIL_PROTECTION = '1.3.6.1.5.5.7.3.4';
const DOCUMENT_SIGNING = '1.3.6.1.5.5.7.3.36';
const NEVER_ON_A_CARD = KEY_USAGE.keyCertSign | KEY_USAGE.crlSign;
const RFC5280 = {
    name: 'rfc5280',
    algorithms: GENERAL_ALGORITHMS,
    maxIntermediates: 10,
    cardRules: false,
    leafKeyUsage: null,
    leafPolicies: null,
    leafExtendedKeyUsage: null,
};
/** 利用者証明用: digitalSignature and nothing that signs documents, so that neither certificate passes as the other. */
const JPKI_AUTH = {
    name: 'jpki-auth',
    algorithms: CARD_ALGORITHMS,
    maxIntermediates: 1,
    cardRules: true,
    leafKeyUsage: { required: KEY_USAGE.digitalSignature, forbidden: NEVER_ON_A_CARD | KEY_USAGE.nonRepudiation },
    leafPolicies: [OID.jpkiAuthenticationPolicy],
    leafExtendedKeyUsage: [CLIENT_AUTHENTICATION],
};
/** 署名用: digitalSignature and nonRepudiation. */
const JPKI_SIGN = {
    name: 'jpki-sign',
    algorithms: CARD_ALGORITHMS,
    maxIntermediates: 1,
    cardRules: true,
    leafKeyUsage: { required: KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation, forbidden: NEVER_ON_A_CARD },
    leafPolicies: [OID.jpkiSignaturePolicy],
    leafExtendedKeyUsage: [EMAIL_PROTECTION, DOCUMENT_SIGNING],
};
/** The rules of a profile. */
export function profileFor(name, overrides = {}) {
    const base = name === 'rfc5280' ? RFC5280 : name === 'jpki-auth' ? JPKI_AUTH : JPKI_SIGN;
    return {
        ...base,
        algorithms: overrides.allowSha1ForTest === true ? withSha1ForTest(base.algorithms) : base.algorithms,
        maxIntermediates: overrides.maxIntermediates ?? base.maxIntermediates,
        leafPolicies: base.leafPolicies === null ? null : (overrides.policies ?? base.leafPolicies),
        leafExtendedKeyUsage: overrides.extendedKeyUsage ?? base.leafExtendedKeyUsage,
    };
}
/** Which profile judges which of the card's certificates. */
export function profileNameFor(type) {
    return type === 'user_authentication' ? 'jpki-auth' : 'jpki-sign';
}
//# sourceMappingURL=profiles.js.map