import type { Commitment } from '../registration/registration.events.js';

export type RegistrantEvent =
  | { readonly type: 'ConsentGiven'; readonly data: { readonly textVersion: string; readonly requestId: string } }
  | { readonly type: 'ConsentWithdrawn'; readonly data: { readonly by: string } }
  /** Provisional: becomes a reference only when the government accepts (A9), at once in REGISTRY_ONLY. @req R12 */
  | { readonly type: 'FaceImageRegistered'; readonly data: { readonly imageId: string; readonly requestId: string; readonly capturedAtUtc: string; readonly image: Commitment } }
  | { readonly type: 'FaceImageConfirmed'; readonly data: { readonly imageId: string } }
  | { readonly type: 'FaceImageWithdrawn'; readonly data: { readonly imageId: string; readonly reason: 'government_refused' | 'request_ended' | 'replaced' | 'consent_withdrawn' | 'erased' } }
  /** In the stream of a renewed certificate's key: from here on it means the earlier registrant (A14). */
  | { readonly type: 'CertificateLinked'; readonly data: { readonly registrantKey: string; readonly source: string } }
  | { readonly type: 'RegistrantErased'; readonly data: { readonly rule: 'consent_withdrawn' | 'retention_limit' | 'request_of_the_person'; readonly by: string } };
