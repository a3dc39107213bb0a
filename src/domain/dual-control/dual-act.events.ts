/** What nobody does alone, because it cannot be undone or lets a device in. */
export type DualAct =
  | {
      readonly act: 'erase_registrant';
      readonly requestId: string;
      readonly rule: 'consent_withdrawn' | 'retention_limit' | 'request_of_the_person';
    }
  | { readonly act: 'enrol_booth'; readonly boothId: string; readonly publicKey: string }
  | { readonly act: 'rotate_booth_key'; readonly boothId: string; readonly publicKey: string }
  | { readonly act: 'resume_booth'; readonly boothId: string }
  | { readonly act: 'skip_event'; readonly consumer: string; readonly eventId: string }
  | { readonly act: 'readmit_person'; readonly subject: string };

/** Why it is proposed, by act. */
export const ACT_REASONS = {
  erase_registrant: ['consent_withdrawn', 'retention_limit', 'request_of_the_person'],
  enrol_booth: ['new_site', 'replacement', 'trial'],
  rotate_booth_key: ['scheduled', 'repair', 'suspected_disclosure'],
  resume_booth: ['maintenance_done', 'found_again', 'false_alarm'],
  readmit_person: ['false_alarm', 'device_replaced', 'cleared', 'returned'],
  skip_event: ['fault_of_this_program', 'done_by_other_means', 'without_effect'],
} as const satisfies Readonly<Record<DualAct['act'], readonly string[]>>;
export type ActReason = (typeof ACT_REASONS)[DualAct['act']][number];

export type DualActEvent =
  | {
      readonly type: 'ActProposed';
      readonly data: {
        readonly proposal: DualAct;
        readonly reason: ActReason;
        /** Where more is written about it: the number of an order, a ticket or a file. */
        readonly reference: string;
        readonly by: string;
      };
    }
  /** By another person. Until the instant it can be declined; from then on it is carried out. */
  | { readonly type: 'ActApproved'; readonly data: { readonly by: string; readonly notBeforeUtc: string } }
  /** By anybody with the role; by the proposer it is a withdrawal. */
  | { readonly type: 'ActDeclined'; readonly data: { readonly by: string } }
  /** Its time has come: from here on nobody can decline it. */
  | { readonly type: 'ActBegun'; readonly data: Readonly<Record<string, never>> }
  /** The refusal says why it was no longer possible, and then nothing was done. */
  | { readonly type: 'ActCarriedOut'; readonly data: { readonly refusal: string | null } };
