import type { CertificateHolder } from './certificate-verifier.js';

export type PreviousCertificate = { readonly answer: 'none' } | { readonly answer: 'previous'; readonly holder: CertificateHolder; readonly source: string } | { readonly answer: 'unknown'; readonly cause: string };

/** The authentication server's link from a renewed certificate to the one before it (decision A14). Used for nothing else. */
export abstract class SubjectLinker {
  abstract previousOf(holder: CertificateHolder): Promise<PreviousCertificate>;
}
