import type { LossReason } from '../audit/log/loss-declaration.js';

/** What two administrators accept to be lost. Stream `installation-loss`. @req R22 */
export type LossEvent =
  | {
      readonly type: 'LossProposed';
      readonly data: {
        readonly lossId: string;
        /** Name of the signed log until now, and from now on. */
        readonly oldOrigin: string;
        readonly newOrigin: string;
        /** The newest checkpoint that is known to have been signed. Roots are base64. */
        readonly signedSize: number;
        readonly signedRoot: string;
        /** What the signed log goes on from. */
        readonly keptSize: number;
        readonly keptRoot: string;
        /** Events that are in the store and fit what was signed. */
        readonly events: number;
        readonly reason: LossReason;
        /** Where more is written about it: the number of an incident or an order. */
        readonly reference: string;
        /** Receipts and events that others still have and the store does not, and the SHA-256 of their list. */
        readonly gone: number;
        readonly goneSha256: string | null;
        readonly by: string;
      };
    }
  /** By another person. From here on the signed log has its new name. */
  | { readonly type: 'LossAccepted'; readonly data: { readonly lossId: string; readonly by: string } };
