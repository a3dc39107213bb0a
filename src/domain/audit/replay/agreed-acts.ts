import type { DualAct } from '../../dual-control/dual-act.events.js';
import type { Json } from '../../event-envelope.js';
import { canonicalJson } from '../../values/canonical-json.js';
import type { LeafEvent } from '../log/leaf.js';

/** What an act does when it is carried out, and what of the event has to be as it was proposed. */
const CARRIED_OUT: Readonly<Record<string, { readonly act: DualAct['act']; readonly told: TellsProposal }>> = {
  RegistrantErased: {
    act: 'erase_registrant',
    told: ({ data, metadata }) => ({ requestId: metadata.correlationId, rule: data['rule'] }),
  },
  BoothEnrolled: { act: 'enrol_booth', told: ({ data: { boothId, publicKey } }) => ({ boothId, publicKey }) },
  BoothKeyRotated: {
    act: 'rotate_booth_key',
    told: ({ stream, data: { publicKey } }) => ({ boothId: nameIn(stream), publicKey }),
  },
  BoothResumed: { act: 'resume_booth', told: ({ stream }) => ({ boothId: nameIn(stream) }) },
  EventSkipped: { act: 'skip_event', told: ({ stream, data: { eventId } }) => ({ consumer: nameIn(stream), eventId }) },
  StaffReadmitted: { act: 'readmit_person', told: ({ data: { subject } }) => ({ subject }) },
};
type TellsProposal = (leaf: LeafEvent) => Readonly<Record<string, unknown>>;

/** Events that there never were without an act: those of earlier versions had one administrator. */
const ALWAYS: ReadonlySet<string> = new Set(['EventSkipped', 'StaffReadmitted']);
/** Who tells erasures again that a copy of this log did not have yet when an installation went on from it. */
export const RESTORE_ACTOR = 'system:restore';
/** That nothing is named that people agreed to. */
export const NOBODY_AGREED = 'no two people agreed to it';
/** From this version on two administrators agree to an erasure. */
const ERASURE_AGREED_SINCE = 2;

interface Act {
  readonly proposal: Readonly<Record<string, unknown>>;
  readonly by: unknown;
  begunAt: number | null;
  overAt: number | null;
}

/** Which acts two people agreed to, as far as a history was read: what cannot be undone stands on one of them. Says
 * nothing of an act whose beginning is not at hand. */
export class AgreedActs {
  private readonly acts = new Map<string, Act>();
  /** The act that an approval belongs to, by the approval's event id. */
  private readonly approvals = new Map<string, string>();
  private readonly erasures = new Map<
    string,
    { readonly index: number; readonly rule: unknown; readonly by: unknown }
  >();

  /** @param index place of the event; events are learned in the order of the log */
  learn(index: number, { type, stream, id, data }: LeafEvent): void {
    if (type === 'RegistrantErased') this.erasures.set(id, { index, rule: data['rule'], by: data['by'] });
    if (type === 'ActProposed')
      this.acts.set(stream, { proposal: objectOf(data['proposal']), by: data['by'], begunAt: null, overAt: null });
    const act = this.acts.get(stream);
    if (!act) return;
    if (type === 'ActApproved') this.approvals.set(id, stream);
    if (type === 'ActBegun') act.begunAt ??= index;
    if (type === 'ActCarriedOut' || type === 'ActDeclined') act.overAt ??= index;
  }

  /** Why an event does not stand on an act of two people, or null: it does, needs none, or what it names is not at hand.
   *  @param options.writtenAs the version of its shape in which it stands in the log
   *  @param options.isPartial whether events before it may be missing */
  fault(
    index: number,
    leaf: LeafEvent,
    { writtenAs, isPartial }: { readonly writtenAs: number; readonly isPartial: boolean },
  ): string | null {
    const rule = CARRIED_OUT[leaf.type];
    if (!rule) return null;
    const cause = leaf.metadata.causationId;
    const first = leaf.type === 'RegistrantErased' ? this.erasures.get(cause) : undefined;
    if (first && first.index < index) {
      const isSame = alike([first.rule, first.by], [leaf.data['rule'], leaf.data['by']]);
      return isSame ? null : 'it names an erasure by another person or another rule';
    }
    const act = this.acts.get(this.approvals.get(cause) ?? '');
    if (!act) return isPartial || !this.needsAct(index, leaf, rule.act, writtenAs) ? null : NOBODY_AGREED;
    if (!alike(act.proposal, { act: rule.act, ...rule.told(leaf) })) return 'the two people agreed to something else';
    if (!alike([act.by], [leaf.data['by']])) return 'another person proposed it than it names';
    const isRunning = act.begunAt !== null && act.begunAt < index && (act.overAt === null || act.overAt > index);
    return isRunning ? null : 'what the two people agreed to had not begun, or was over';
  }

  /** Histories from before the time of two people are right as they are: in them no act of its kind came earlier. */
  private needsAct(index: number, leaf: LeafEvent, act: DualAct['act'], writtenAs: number): boolean {
    if (ALWAYS.has(leaf.type)) return true;
    if (leaf.type === 'RegistrantErased' && writtenAs >= ERASURE_AGREED_SINCE) return true;
    // The first start lets booths in from a file, once: they are in the log in front of everything else.
    return [...this.acts.values()].some(
      ({ proposal, begunAt }) => proposal['act'] === act && begunAt !== null && begunAt < index,
    );
  }
}

function nameIn(stream: string): string {
  return stream.slice(stream.indexOf('-') + 1);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** What is missing is like nothing. */
function alike(one: object, other: object): boolean {
  return [one, other].every((all) => !Object.values(all).includes(undefined)) && textOf(one) === textOf(other);
}

function textOf(value: object): string {
  return canonicalJson(value as Json);
}
