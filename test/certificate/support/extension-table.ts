/** What becomes of each extension where it stands critical: acted upon, refused, or harmless, for the reason given.
 * Rows are tested one by one in
 * `test/certificate/undecidable.test.ts`, `crl.test.ts` and `ocsp-certificate-verifier.test.ts`. */
export const EXTENSION_TABLE = `## Extensions, and what becomes of them

\`acted\`: the verdict follows from it. \`refused\`: the certificate, list or answer does not count. \`harmless\`: it cannot make anything valid
that is not. A critical extension that is not in the table is refused everywhere; so is one that stands twice. Undecidable counts against.

| extension | anchor | intermediate | leaf | OCSP responder | timestamp signer |
| --- | --- | --- | --- | --- | --- |
| basicConstraints | acted; must be critical | acted; critical on cards | acted: no authority; no pathLen | acted: no authority | acted: as leaf |
| keyUsage | acted | acted | acted by profile | acted | acted: signatures alone |
| extendedKeyUsage | acted: must hold the purpose; without a purpose refused when critical | as anchor | acted by profile and setting (below) | acted: id-kp-OCSPSigning | acted: timeStamping alone, critical |
| certificatePolicies | refused when critical without anyPolicy, else harmless: the anchor is chosen by hand | acted | acted | harmless: no policy is asked for | acted as in a path |
| policyMappings | refused when critical | acted; refused on cards | harmless: nothing below | refused when critical | as leaf |
| policyConstraints | acted (RFC 5937); refused on cards | acted; refused on cards | acted; refused on cards | refused when critical | as leaf |
| inhibitAnyPolicy | acted (RFC 5937); refused on cards | acted; refused on cards | harmless; refused on cards | refused when critical | as leaf |
| nameConstraints | acted; refused on cards | acted; refused on cards | refused: no authority | refused when critical | as leaf |
| subjectAltName | acted: held to constraints above, well-formed | acted | acted | harmless: chosen by key and issuer | acted: may name the authority |
| issuerAltName, crlDistributionPoints | harmless: addresses are configured, never taken from here | same; the points scope a CRL | same | same | same |
| authorityKeyIdentifier, subjectKeyIdentifier | acted; refused when critical | acted; refused when critical | acted; refused when critical | refused when critical | as leaf |
| id-pkix-ocsp-nocheck | refused when critical | refused when critical | refused when critical | acted; must be NULL | as leaf |

**Which extended key usages** the real cards carry is not public. A certificate without the extension, or with
anyExtendedKeyUsage, serves every profile; one with it must allow one of

| profile | setting of the server | option of \`audit verify\` | default |
| --- | --- | --- | --- |
| \`jpki-auth\` | \`HONNIN_JPKI_AUTH_USAGE_OIDS\` | \`--auth-usage OID…\` | \`1.3.6.1.5.5.7.3.2\` (client authentication) |
| \`jpki-sign\` | \`HONNIN_JPKI_SIGN_USAGE_OIDS\` | \`--sign-usage OID…\` | \`1.3.6.1.5.5.7.3.4\`, \`1.3.6.1.5.5.7.3.36\` (e-mail protection, document signing) |
| \`rfc5280\` | – | \`verify-certificate --extended-key-usage OID…\` | free |

Settings from which a verdict follows (policies, usages, oldest answer) are sealed with its evidence. Who makes it again
with others gets neither "right" nor "wrong": \`certificate_settings\` says what the server had and which option says the
same ([0083](decisions/0083-settings-are-kept-with-the-evidence.md)).

| name form under constraints | compared | undecidable, so refused |
| --- | --- | --- |
| directoryName | PrintableString, UTF8String, BMPString, UniversalString, IA5String, VisibleString, NumericString, prepared by RFC 4518 and full case folding | TeletexString and other historic types; private, unassigned and prohibited characters |
| rfc822Name, emailAddress in the subject, SmtpUTF8Mailbox (RFC 9598) | host by labels, local part letter by letter | a host that is not in ASCII; what is no mailbox |
| dNSName, and a common name that reads as a host (wildcards, other dots and widths) | by labels | what has dots and no spaces and is no host name |
| uniformResourceIdentifier | its host | without a fully qualified host |
| iPAddress, and a common name that is one | by mask | |
| otherName, x400Address, ediPartyName, registeredID | | always, where such a constraint exists |

| in a CRL or its entries | |
| --- | --- |
| issuingDistributionPoint | acted; "only users" and "only authorities" say nothing of certificates of version 1 and 2 |
| cRLNumber | acted: an older list never speaks beside a newer one of the same key and scope, even one that ran out |
| deltaCRLIndicator, certificateIssuer | acted for paths; refused for cards |
| reasonCode, invalidityDate | acted: a key that was bad before it was revoked proves nothing from then on |
| any other, critical | refused |

| time | |
| --- | --- |
| a CRL beside a timestamp | counts as "not revoked" only when it was in force at the stated time or later |
| times with fractions, offsets or years before 1950 in UTCTime | malformed |`;
