/** Refusals after which the holder may simply be photographed again: the signatures are tied to a nonce that no longer
 * counts. */
export const RECAPTURE_CODES: ReadonlySet<string> = new Set([
  'nonce_unknown',
  'nonce_expired',
  'nonce_replayed',
  'captured_too_long_ago',
]);

/** Refusals that concern the booth itself: no request of it gets through until an administrator acts. */
export const BOOTH_CODES: ReadonlySet<string> = new Set([
  'booth_not_enrolled',
  'booth_is_suspended',
  'booth_signature_invalid',
  'booth_certificate_missing',
  'booth_certificate_untrusted',
  'booth_certificate_of_another',
]);

/** What a problem document (RFC 9457) says. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly problem: Readonly<Record<string, unknown>>;
}

/** Anything that the booth program reports to its caller. */
export class BoothError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The server understood the request and refused it: final, never repeated. */
export class ServerRefusedError extends BoothError {
  readonly status: number;
  /** The stable code of the problem document. */
  readonly code: string;
  /** The whole problem document, for what a screen shows of it. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(refusal: Refusal) {
    super(`${refusal.code}: ${refusal.detail}`);
    this.status = refusal.status;
    this.code = refusal.code;
    this.problem = refusal.problem;
  }
}

/** The request came too late; a new photograph with a new nonce is needed. Never signed again silently: the holder must
 * be there. */
export class RecaptureNeededError extends ServerRefusedError {}

/** The server does not trust this booth (any more). Says nothing about a request that was sent before. */
export class BoothNotTrustedError extends ServerRefusedError {}

/** No answer to a question that changes nothing (challenge, status). */
export class ServerUnreachableError extends BoothError {}

/** No clear answer to a request: the server may or may not have it. The same bytes may be sent again, nothing else. */
export class UncertainOutcomeError extends BoothError {
  readonly attempts: number;

  constructor(attempts: number, cause: unknown) {
    super(`no clear answer after ${attempts} attempts`, { cause });
    this.attempts = attempts;
  }
}

/** One try is left and the holder has not confirmed that it may be used: a wrong one blocks the card until the
 * municipal office releases it. */
export class LastTryNotConfirmedError extends BoothError {}

/** The right class for a refusal. */
export function refusalError(refusal: Refusal): ServerRefusedError {
  if (RECAPTURE_CODES.has(refusal.code)) return new RecaptureNeededError(refusal);
  return BOOTH_CODES.has(refusal.code) ? new BoothNotTrustedError(refusal) : new ServerRefusedError(refusal);
}
