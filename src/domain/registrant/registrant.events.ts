import type { Commitment } from '../registration/registration.events.js';

/** How a certificate came to a registrant: it is the other one on a card, it replaced an earlier one, or both were
 * registrants already when the authority said that they are one person. */
export type LinkRelation = 'same_card' | 'renewal' | 'joined';

export type RegistrantEvent =
  | { readonly type: 'ConsentGiven'; readonly data: { readonly textVersion: string; readonly requestId: string } }
  | { readonly type: 'ConsentWithdrawn'; readonly data: { readonly by: string } }
  /** Provisional: becomes a reference only when the government accepts (A9), at once in REGISTRY_ONLY. @req R12 */
  | {
      readonly type: 'FaceImageRegistered';
      readonly data: {
        readonly imageId: string;
        readonly requestId: string;
        readonly capturedAtUtc: string;
        readonly image: Commitment;
      };
    }
  | { readonly type: 'FaceImageConfirmed'; readonly data: { readonly imageId: string } }
  | {
      readonly type: 'FaceImageWithdrawn';
      readonly data: {
        readonly imageId: string;
        readonly reason: 'government_refused' | 'request_ended' | 'replaced' | 'consent_withdrawn' | 'erased';
      };
    }
  /** In the stream of the registrant: this key, too, is the person's. It comes before `CertificateLinked`, so that an
   *  erasure knows of every key. */
  | {
      readonly type: 'CertificateAdded';
      readonly data: { readonly subjectKey: string; readonly relation: LinkRelation };
    }
  /** In the stream of another certificate's key: from here on it means the registrant (A14). */
  | {
      readonly type: 'CertificateLinked';
      readonly data: {
        readonly registrantKey: string;
        readonly relation: LinkRelation;
        /** Address that said so. */
        readonly source: string;
      };
    }
  /** From here on the key stands for nobody: no card leads to it, and who comes back gets another one. */
  | {
      readonly type: 'RegistrantErased';
      readonly data: {
        readonly rule: 'consent_withdrawn' | 'retention_limit' | 'request_of_the_person';
        readonly by: string;
        /** What stays of the person's cards; null in events of before there were tombstones, after which a person
         *  came back under the same key. */
        readonly tombstone: Tombstone | null;
      };
    };

/** For how long a card that comes again is answered "erased before" and nothing else: the days of the policy, and when
 *  they are over; none for 0 days. */
export type Tombstone = { readonly days: number; readonly untilUtc: string | null };
