import type { HistoryEvent } from './demo-world.js';

/** Prints a case as people read it while it happens: a line per event with the time since the first one. Bookkeeping of
 * the saga is left out, and nothing is printed twice. */
export class LiveTimeline {
  private printed = 0;

  constructor(private readonly say: (line: string) => void) {}

  /** @param events the whole history as it is known now */
  update(events: readonly HistoryEvent[]): void {
    const first = events[0];
    if (!first) return;
    for (const event of events.slice(this.printed).filter(isOfTheCase)) {
      const elapsed = (Date.parse(event.recordedAtUtc) - Date.parse(first.recordedAtUtc)) / 1000;
      this.say(
        `    ${event.recordedAtUtc.slice(11, 23)}  +${elapsed.toFixed(2).padStart(6)} s  ${event.type.padEnd(25)} ${detail(event)}`,
      );
    }
    this.printed = Math.max(this.printed, events.length);
  }
}

/** True for the events that tell the story, false for the saga's own bookkeeping. */
export function isOfTheCase({ stream }: Pick<HistoryEvent, 'stream'>): boolean {
  return !stream.startsWith('saga-') && !stream.startsWith('challenge-');
}

/** What is worth saying of an event in a few words. Officers may see scores; holders never do. */
function detail({ type, data }: HistoryEvent): string {
  const text = (key: string) => String(data[key]);
  switch (type) {
    case 'RequestReceived':
      return `from ${text('boothId')}, captured ${text('capturedAtUtc').slice(11, 19)}, ${text('mode')}`;
    case 'CertificateVerified': {
      const evidence = data['evidence'] as { method: string; status: string };
      return `${evidence.method} says ${evidence.status}; card record signed and card present`;
    }
    case 'CertificateRejected': {
      const evidence = data['evidence'] as { revocationReason: string | null } | null;
      return `${text('reason')}${evidence?.revocationReason ? ` (${evidence.revocationReason})` : ''}`;
    }
    case 'CertificateCheckDeferred':
    case 'FaceComparisonDeferred':
    case 'SubmissionDeferred':
      return `${text('cause')}; attempt ${text('attempt')}, next at ${text('nextAttemptAtUtc').slice(11, 19)}`;
    case 'FaceMatched':
    case 'FaceReferred':
    case 'FaceMismatched':
      return `card ${text('cardPoints')} points (needed ${text('thresholdPoints')}), registered ${registered(data['registered'])}`;
    case 'FaceNotComparable':
      return `${text('image')} image: ${text('reason')}${typeof data['measure'] === 'string' ? ` (${data['measure']})` : ''}`;
    case 'Held':
      if (data['boundPoints'] === null) return `${text('reason')}; due ${text('dueAtUtc').slice(0, 10)}`;
      return `${text('reason')}: ${text('cardPoints')} − ${text('registeredPoints')} = ${text('differencePoints')}, bound ${text('boundPoints')}; due ${text('dueAtUtc').slice(0, 10)}`;
    case 'OpinionGiven':
      return `${text('officer')}: ${text('opinion')} (${text('reason')})`;
    case 'OpinionWithdrawn':
      return `${text('officer')}`;
    case 'HoldResolved':
    case 'HoldRejected':
    case 'HoldReleased':
      return `by ${(data['officers'] as string[]).join(' and ')}`;
    case 'SubmissionAttempted':
    case 'SubmittedToGovernment':
      return `submission ${text('submissionId').slice(0, 8)}, attempt ${text('attempt')}`;
    case 'GovernmentAccepted':
      return `reference ${text('reference')}`;
    case 'GovernmentRefused':
    case 'FaceImageWithdrawn':
      return text('reason');
    case 'RefusedEvidenceRetained':
      return `sealed evidence kept until ${text('eraseAtUtc').slice(0, 10)}`;
    case 'FaceImageRegistered':
      return 'kept as registered image, provisional';
    default:
      return '';
  }
}

function registered(value: unknown): string {
  const { comparison, points, reason } = value as { comparison: string; points?: number; reason?: string };
  return comparison === 'compared' ? `${points} points` : `not applicable (${reason})`;
}
