import { accept, assertNever, refuse, type Decider, type Decision } from '../decider.js';
import { addMs } from '../values/instant.js';
import type { LinkRelation, RegistrantEvent, Tombstone } from './registrant.events.js';

const DAY_MS = 86_400_000;

export type RegistrantCommand =
  | { readonly type: 'GiveConsent'; readonly textVersion: string; readonly requestId: string }
  | {
      readonly type: 'RegisterImage';
      readonly imageId: string;
      readonly requestId: string;
      readonly capturedAtUtc: string;
      readonly image: string;
    }
  | { readonly type: 'ConfirmImage'; readonly imageId: string }
  | {
      readonly type: 'WithdrawImage';
      readonly imageId: string;
      readonly reason: 'government_refused' | 'request_ended' | 'replaced';
    }
  | { readonly type: 'AddCertificate'; readonly subjectKey: string; readonly relation: LinkRelation }
  | {
      readonly type: 'LinkCertificate';
      readonly registrantKey: string;
      readonly relation: LinkRelation;
      readonly source: string;
    }
  | {
      readonly type: 'EraseRegistrant';
      readonly rule: 'consent_withdrawn' | 'retention_limit' | 'request_of_the_person';
      readonly by: string;
      readonly tombstone: Tombstone | null;
    };

export interface RegisteredImage {
  readonly imageId: string;
  readonly requestId: string;
  readonly capturedAtUtc: string;
  readonly image: string;
  readonly status: 'provisional' | 'confirmed' | 'withdrawn';
}

export interface RegistrantState {
  readonly consent: { readonly textVersion: string } | null;
  readonly images: readonly RegisteredImage[];
  /** The registrant that this certificate key stands for, or null when it stands for itself. */
  readonly linkedTo: string | null;
  /** Keys of the person's other certificates. */
  readonly certificates: readonly string[];
  readonly erased: boolean;
  /** The tombstone of its erasure: the key is never used again. Null while it is not erased, and after an erasure of
   *  before there were tombstones, from which a person came back under the same key. */
  readonly tombstone: Tombstone | null;
}

/** A person as far as we know one: a pseudonymous key, a consent, registered face images. */
export const registrantDecider: Decider<RegistrantState, RegistrantCommand, RegistrantEvent> = {
  initial: { consent: null, images: [], linkedTo: null, certificates: [], erased: false, tombstone: null },
  decide,
  evolve,
};

/** The reference for claim 3: the newest confirmed image by capture time (A7), or null at a first registration.
 * @req R13 R14 */
export function referenceImage(state: RegistrantState): RegisteredImage | null {
  const confirmed = state.images.filter((i) => i.status === 'confirmed');
  return confirmed.reduce<RegisteredImage | null>(
    (newest, i) => (newest === null || Date.parse(i.capturedAtUtc) > Date.parse(newest.capturedAtUtc) ? i : newest),
    null,
  );
}

/** Whether nothing was ever stored under this key. */
export function isUnused({ consent, images, linkedTo, certificates, erased }: RegistrantState): boolean {
  return consent === null && images.length === 0 && linkedTo === null && certificates.length === 0 && !erased;
}

/** The tombstone of an erasure at this instant. */
export function tombstoneOf(days: number, nowUtc: string): Tombstone {
  return { days, untilUtc: days === 0 ? null : addMs(nowUtc, days * DAY_MS) };
}

/** What was possible after an erasure of before there were tombstones: to come back was to agree anew, or to bring
 * another certificate. */
const AFTER_ERASURE: ReadonlySet<RegistrantCommand['type']> = new Set([
  'EraseRegistrant',
  'GiveConsent',
  'AddCertificate',
  'LinkCertificate',
]);

function decide(state: RegistrantState, command: RegistrantCommand): Decision<RegistrantEvent> {
  if (state.erased && !AFTER_ERASURE.has(command.type)) return refuse({ code: 'registrant_erased' });
  if (state.tombstone !== null && command.type !== 'EraseRegistrant') return refuse({ code: 'registrant_erased' });
  switch (command.type) {
    case 'GiveConsent':
      if (state.linkedTo !== null) return refuse({ code: 'registrant_linked' });
      if (!state.erased && state.consent?.textVersion === command.textVersion) return accept();
      return accept({ type: 'ConsentGiven', data: { textVersion: command.textVersion, requestId: command.requestId } });
    case 'RegisterImage': {
      const { imageId, requestId, capturedAtUtc, image } = command;
      if (state.linkedTo !== null) return refuse({ code: 'registrant_linked' });
      if (state.images.some((i) => i.imageId === imageId)) return accept();
      return accept({ type: 'FaceImageRegistered', data: { imageId, requestId, capturedAtUtc, image } });
    }
    case 'ConfirmImage': {
      const found = state.images.find((i) => i.imageId === command.imageId);
      if (!found || found.status === 'withdrawn')
        return refuse({ code: 'image_unknown', data: { imageId: command.imageId } });
      if (found.status === 'confirmed') return accept();
      // A replaced reference is not kept: one image per person is enough for claim 3, and less is better (A15). A
      // request that took long may be confirmed after one that was captured later; then it is its own image that goes.
      const confirmed = state.images.filter((i) => i.status === 'confirmed');
      const newest = confirmed.reduce(
        (a, b) => (Date.parse(b.capturedAtUtc) > Date.parse(a.capturedAtUtc) ? b : a),
        found,
      );
      const replaced = [...confirmed, found].filter((i) => i.imageId !== newest.imageId);
      return accept<RegistrantEvent>(
        { type: 'FaceImageConfirmed', data: { imageId: command.imageId } },
        ...replaced.map((i): RegistrantEvent => ({
          type: 'FaceImageWithdrawn',
          data: { imageId: i.imageId, reason: 'replaced' },
        })),
      );
    }
    case 'WithdrawImage': {
      const found = state.images.find((i) => i.imageId === command.imageId);
      if (!found || found.status === 'withdrawn') return accept();
      // An end by an operator takes back what was never confirmed, and nothing else.
      if (command.reason === 'request_ended' && found.status === 'confirmed') return accept();
      return accept({ type: 'FaceImageWithdrawn', data: { imageId: command.imageId, reason: command.reason } });
    }
    case 'AddCertificate': {
      const { subjectKey, relation } = command;
      if (state.linkedTo !== null) return refuse({ code: 'registrant_linked' });
      return state.certificates.includes(subjectKey)
        ? accept()
        : accept({ type: 'CertificateAdded', data: { subjectKey, relation } });
    }
    case 'LinkCertificate': {
      const { registrantKey, relation, source } = command;
      if (state.linkedTo === registrantKey) return accept();
      // What was decided about an unused key does not hold for a registrant: who decided must look again.
      if (state.linkedTo !== null || (relation !== 'joined' && !isUnused(state)))
        return refuse({ code: 'registrant_linked' });
      return accept({ type: 'CertificateLinked', data: { registrantKey, relation, source } });
    }
    case 'EraseRegistrant':
      if (state.erased) return accept();
      return accept({
        type: 'RegistrantErased',
        data: { rule: command.rule, by: command.by, tombstone: command.tombstone },
      });
    default:
      return assertNever(command);
  }
}

function evolve(state: RegistrantState, event: RegistrantEvent): RegistrantState {
  switch (event.type) {
    case 'ConsentGiven':
      return { ...state, consent: { textVersion: event.data.textVersion }, erased: false };
    case 'ConsentWithdrawn':
      return { ...state, consent: null };
    case 'FaceImageRegistered':
      return { ...state, images: [...state.images, { ...event.data, status: 'provisional' }] };
    case 'FaceImageConfirmed':
      return { ...state, images: withStatus(state.images, event.data.imageId, 'confirmed') };
    case 'FaceImageWithdrawn':
      return { ...state, images: withStatus(state.images, event.data.imageId, 'withdrawn') };
    case 'CertificateAdded':
      return { ...state, certificates: [...state.certificates, event.data.subjectKey], erased: false };
    case 'CertificateLinked':
      return { ...state, linkedTo: event.data.registrantKey, erased: false };
    case 'RegistrantErased':
      return {
        ...state,
        erased: true,
        tombstone: event.data.tombstone,
        consent: null,
        images: state.images.map((i) => ({ ...i, status: 'withdrawn' })),
      };
    default:
      return assertNever(event);
  }
}

function withStatus(
  images: readonly RegisteredImage[],
  imageId: string,
  status: RegisteredImage['status'],
): readonly RegisteredImage[] {
  return images.map((i) => (i.imageId === imageId ? { ...i, status } : i));
}
