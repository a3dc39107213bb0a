/** A person of the office who is kept out before the access token ends, and let back in. One stream, `lockout-staff`:
 *  the name of a stream is told in clear, so it names nobody. */
export type LockoutEvent =
  /** By one administrator, at once. */
  | {
      readonly type: 'StaffLockedOut';
      readonly data: {
        readonly subject: string;
        readonly reason: LockoutReason;
        /** Where more is written about it: the number of an order, a ticket or a file. */
        readonly reference: string;
        readonly by: string;
      };
    }
  /** Two people agreed to it. */
  | { readonly type: 'StaffReadmitted'; readonly data: { readonly subject: string; readonly by: string } };

export const LOCKOUT_REASONS = ['left_office', 'lost_device', 'suspected_misuse', 'stolen_credentials'] as const;
export type LockoutReason = (typeof LOCKOUT_REASONS)[number];
