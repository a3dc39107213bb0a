import type { DoorRefusalCode } from '../refusal.js';

export type ViewedImage = 'photo' | 'card_face' | 'registered_face';

/** `hold_review`: to decide an open hold. `audit`: the office's own audit. `disclosure`: for the person, or for whoever
 * may ask about them. */
export const LOOK_PURPOSES = ['hold_review', 'audit', 'disclosure'] as const;
export type LookPurpose = (typeof LOOK_PURPOSES)[number];

/** Nobody reviews a hold with a bundle. */
export const EXPORT_PURPOSES = ['audit', 'disclosure'] as const satisfies readonly LookPurpose[];
export type ExportPurpose = (typeof EXPORT_PURPOSES)[number];

/** What a look rests on: a hold that was open for this officer, a file that it names, or only the word of who
 * looked. */
export type LookGrounds = 'open_hold' | 'reference' | 'none';

/** What was looked at: the record of one case in one of its forms, a hold at the desk, the case of a receipt, a list of
 * cases or of accesses, entries of the audit log, what other thresholds would have done to whom, events that a consumer
 * could not take, cases that wait for an administrator. */
export const VIEWED_RECORDS = [
  'case_history',
  'case_state',
  'case_difference',
  'case_explanation',
  'case_of_receipt',
  'hold',
  'list',
  'list_difference',
  'log_entries',
  'what_if',
  'parked_events',
  'waiting_cases',
  'lockouts',
] as const;
export type ViewedRecords = (typeof VIEWED_RECORDS)[number];

/** Looking is an act: it is stored before the answer is given. Streams `access-<yyyy-mm-dd>`. */
export type AccessEvent =
  | {
      readonly type: 'BiometricViewed';
      readonly data: {
        readonly officer: string;
        readonly requestId: string;
        readonly image: ViewedImage;
        readonly purpose: LookPurpose;
        /** Where more is written about it: the number of a request, an order or a file. Every disclosure has one. */
        readonly reference: string | null;
        /** null: looks of before, which were held against nothing. */
        readonly grounds: LookGrounds | null;
      };
    }
  /** Records left the house. `query` is its canonical text; `leaves` counts the events that went out; `attached` is
   * what others had said of the log by then and went along: the size whose timestamp, and the cosigned checkpoint. It
   * is null in exports of before, which did not say so. */
  | {
      readonly type: 'AuditExported';
      readonly data: {
        readonly by: string;
        readonly query: string;
        readonly treeSize: number;
        readonly leaves: number;
        readonly withOpenings: boolean;
        readonly withEvidence: boolean;
        readonly attached: { readonly timestampedSize: number | null; readonly cosigned: string | null } | null;
        /** null: exports of before, which stated none. */
        readonly purpose: ExportPurpose | null;
        /** Where more is written about it: the number of a request, an order or a file. Every disclosure has one. */
        readonly reference: string | null;
      };
    }
  /** Records were looked at. `query` is the canonical text of what was asked besides; `requestId` is null where it was
   * about more than one case. */
  | {
      readonly type: 'RecordsViewed';
      readonly data: {
        readonly by: string;
        readonly what: ViewedRecords;
        readonly requestId: string | null;
        readonly query: string;
      };
    }
  | {
      readonly type: 'AccessRefused';
      readonly data: { readonly subject: string; readonly what: string; readonly reason: string };
    };

/** What came to the door and was turned away: the refusal, and nothing of the request. Streams `door-<id>`. */
export type DoorEvent =
  | {
      readonly type: 'RequestRefusedAtDoor';
      readonly data: { readonly code: DoorRefusalCode; readonly boothId: string | null };
    }
  /** Refusals of one minute beyond those that got an event of their own: how many, by code, in the order of the
   * codes. */
  | {
      readonly type: 'RequestsRefusedAtDoor';
      readonly data: {
        readonly sinceUtc: string;
        readonly untilUtc: string;
        readonly refusals: readonly { readonly code: DoorRefusalCode; readonly count: number }[];
      };
    };

/** A key that somebody owns, told by the keyed digest of what came under it; nothing else of it is kept. The stream can
 * be started once, and that is what decides. A request owns its Idempotency-Key before anything of it is stored
 * (streams `claim-<requestId>`), a command of a signed-in person before it is carried out (streams `command-<id>`). */
export type ClaimEvent =
  | {
      readonly type: 'RequestClaimed';
      readonly data: { readonly requestId: string; readonly boothId: string; readonly requestDigest: string };
    }
  | { readonly type: 'CommandClaimed'; readonly data: { readonly commandDigest: string } };

/** A nonce that was used, by the request that used it. Streams `challenge-<hash>`: the store itself makes it
 * single-use. */
export type ChallengeEvent = {
  readonly type: 'ChallengeConsumed';
  readonly data: { readonly requestId: string; readonly boothId: string };
};
