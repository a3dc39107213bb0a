import type { GovernmentAnswer } from '../../../domain/registration/registration.js';
import type { CertificateType } from '../../../domain/values/certificate-status.js';

export interface GovernmentSubmission {
  /** The same in every attempt: the government server de-duplicates on it (A19). */
  readonly submissionId: string;
  readonly photo: Uint8Array;
  /** Linked to the photograph (claim 2). @req R11 */
  readonly capturedAtUtc: string;
  readonly certificate: Uint8Array;
  readonly certificateType: CertificateType;
  readonly policyVersion: number;
}

/** The administrative server's registration interface (registration request means 53). @req R8 R27 */
export abstract class GovernmentRegistry {
  /** Anything but a clear answer is `unknown`: the server may or may not have the photograph. */
  abstract submit(submission: GovernmentSubmission): Promise<GovernmentAnswer>;
  /** What became of a submission. `unknown` also when the server does not know the id. */
  abstract ask(submissionId: string): Promise<GovernmentAnswer>;
}
