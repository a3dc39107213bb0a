export type BoothEvent =
  /** The public key is Ed25519, SubjectPublicKeyInfo, DER, base64. */
  | {
      readonly type: 'BoothEnrolled';
      readonly data: { readonly boothId: string; readonly publicKey: string; readonly by: string };
    }
  | {
      readonly type: 'BoothKeyRotated';
      readonly data: { readonly publicKey: string; readonly keyVersion: number; readonly by: string };
    }
  | {
      readonly type: 'BoothSuspended';
      readonly data: { readonly reason: 'lost' | 'tampered' | 'maintenance' | 'retired'; readonly by: string };
    }
  | { readonly type: 'BoothResumed'; readonly data: { readonly by: string } };
export const SUSPENSION_REASONS = ['lost', 'tampered', 'maintenance', 'retired'] as const;
