import type { PhotoProblem } from './photo/photo-problem.js';

/** Why a command was refused. Closed: one table maps each code to an HTTP status. */
export type Refusal =
  | { readonly code: 'already_received' }
  | { readonly code: 'not_found' }
  | { readonly code: 'nothing_known_then' }
  | { readonly code: 'wrong_stage'; readonly data: { readonly stage: string; readonly command: string } }
  | { readonly code: 'case_can_go_on'; readonly data: { readonly stage: string } }
  | { readonly code: 'material_differs' }
  | { readonly code: 'material_missing' }
  /** `rule`: why its registrant was erased, or `case_ended`. */
  | { readonly code: 'image_erased'; readonly data: { readonly erasedAtUtc: string; readonly rule: string } }
  | { readonly code: 'submission_id_mismatch' }
  | { readonly code: 'registrant_erased' }
  /** The key stands for another registrant by now. */
  | { readonly code: 'registrant_linked' }
  | { readonly code: 'image_unknown'; readonly data: { readonly imageId: string } }
  | { readonly code: 'hold_not_open' }
  /** A look that is not what it says it is for. */
  | { readonly code: 'purpose_does_not_fit'; readonly data: { readonly purpose: string; readonly why: string } }
  | { readonly code: 'opinion_already_given' }
  | { readonly code: 'opinion_not_given' }
  | { readonly code: 'opinions_complete' }
  | { readonly code: 'opinion_contradicts_reason'; readonly data: { readonly reasons: readonly string[] } }
  | { readonly code: 'opinions_missing'; readonly data: { readonly given: number; readonly needed: number } }
  | { readonly code: 'outcome_differs_from_opinions'; readonly data: { readonly opinion: string } }
  | { readonly code: 'third_officer_needed' }
  | { readonly code: 'booth_unknown' }
  | { readonly code: 'booth_exists' }
  | { readonly code: 'booth_retired' }
  | { readonly code: 'person_not_locked_out' }
  | { readonly code: 'consumer_unknown' }
  | { readonly code: 'consumer_not_stopped' }
  | { readonly code: 'event_not_waiting' }
  | { readonly code: 'event_not_skippable' }
  | { readonly code: 'replay_failed' }
  | { readonly code: 'act_unknown' }
  | { readonly code: 'act_own_proposal' }
  | { readonly code: 'act_waits' }
  | { readonly code: 'act_closed'; readonly data: { readonly stage: string } }
  /** A disclosure that does not say in which file it is written down. */
  | { readonly code: 'reference_missing' }
  | { readonly code: 'lists_of_a_case' }
  | { readonly code: 'checkpoint_unknown'; readonly data: { readonly problem: string } }
  | { readonly code: 'policy_version_unknown' }
  | { readonly code: 'policy_own_proposal' }
  | { readonly code: 'policy_not_approved' }
  /** `undone`: names of the values that came into force since, and that it would take back. */
  | {
      readonly code: 'policy_outdated';
      readonly data: { readonly basedOn: number; readonly active: number | null; readonly undone: readonly string[] };
    }
  | { readonly code: 'policy_report_invalid'; readonly data: { readonly problem: string } }
  | { readonly code: 'policy_invalid'; readonly data: { readonly field: string; readonly problem: string } }
  | PhotoProblem
  | { readonly code: DoorRefusalCode };

/** What a booth's request can be refused for before anything of it is stored. */
export type DoorRefusalCode =
  | 'malformed_request'
  | 'request_too_large'
  | 'photo_too_large'
  | 'photo_unsupported'
  | 'photo_damaged'
  | 'my_number_present'
  | 'booth_not_enrolled'
  | 'booth_is_suspended'
  | 'booth_signature_invalid'
  | 'digest_mismatch'
  | 'nonce_unknown'
  | 'nonce_expired'
  | 'nonce_replayed'
  | 'captured_in_future'
  | 'captured_too_long_ago'
  | 'consent_text_unknown'
  | 'consent_needed_for_registry'
  | 'certificate_type_not_accepted'
  | 'idempotency_key_missing'
  | 'idempotency_key_reused';
