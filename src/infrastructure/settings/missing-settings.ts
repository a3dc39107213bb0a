/** The settings without which parts of the work cannot be done. One that could not be read is absent. */
export interface NeededSettings {
  readonly authAnchorFiles?: readonly string[];
  readonly signAnchorFiles?: readonly string[];
  readonly statusOrder?: 'ocsp' | 'crl' | 'ocsp-then-crl' | 'crl-then-ocsp';
  readonly ocspUrl?: string | null;
  readonly crlAuthUrls?: readonly string[];
  readonly crlSignUrls?: readonly string[];
  readonly cardIssuerKeysFile?: string | null;
  readonly governmentUrl?: string | null;
  readonly oidcIssuer?: string | null;
  readonly auditOrigin?: string;
  readonly kafkaBrokers?: readonly string[];
  readonly kafkaSource?: string;
}

/** What is not set and leaves requests or people waiting, one sentence each: a start says it, production refuses it. */
export function missingSettings(settings: NeededSettings): readonly string[] {
  const { authAnchorFiles = [], signAnchorFiles = [], statusOrder, crlAuthUrls = [], crlSignUrls = [] } = settings;
  const rules: readonly (readonly [boolean, string])[] = [
    [
      authAnchorFiles.length + signAnchorFiles.length === 0,
      'HONNIN_JPKI_AUTH_ANCHORS is not set: no certificate can be checked; give the roots of the authentication server',
    ],
    [
      statusOrder !== 'crl' && settings.ocspUrl === null,
      'HONNIN_JPKI_OCSP_URL is not set: nobody can be asked whether a certificate is revoked',
    ],
    [
      statusOrder !== undefined && statusOrder !== 'ocsp' && crlAuthUrls.length + crlSignUrls.length === 0,
      `HONNIN_JPKI_CRL_AUTH_URL is not set, and HONNIN_JPKI_STATUS_ORDER=${statusOrder} asks for lists of revocations`,
    ],
    [settings.cardIssuerKeysFile === null, 'HONNIN_CARD_ISSUER_KEYS is not set: every card face record is refused'],
    [settings.governmentUrl === null, 'HONNIN_GOVERNMENT_URL is not set: what is confirmed waits and is not sent'],
    [
      settings.oidcIssuer === null,
      'HONNIN_OIDC_ISSUER is not set: no officer, auditor or administrator can sign in, and held requests wait',
    ],
  ];
  return rules.filter(([isMissing]) => isMissing).map(([, words]) => words);
}

/** Defaults that two installations must not share. They are remarked on and never refused: the name of a log that has
 *  begun cannot be changed.
 *   @param defaults the values that come without a setting */
export function sharedNames(
  { auditOrigin, kafkaBrokers = [], kafkaSource }: NeededSettings,
  defaults: { readonly auditOrigin: string; readonly kafkaSource: string },
): readonly string[] {
  const rules: readonly (readonly [boolean, string])[] = [
    [
      auditOrigin === defaults.auditOrigin,
      `HONNIN_AUDIT_ORIGIN is ${defaults.auditOrigin}, as with every installation that does not set it: auditors ` +
        'cannot tell two logs apart by their names. Set it before the first start; later honnin recover changes it',
    ],
    [
      kafkaBrokers.length > 0 && kafkaSource === defaults.kafkaSource,
      `HONNIN_KAFKA_SOURCE is ${defaults.kafkaSource}, as with every installation that does not set it: consumers of ` +
        'two cannot tell their events apart',
    ],
  ];
  return rules.filter(([isShared]) => isShared).map(([, words]) => words);
}
