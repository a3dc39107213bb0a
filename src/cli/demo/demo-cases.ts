import sharp from 'sharp';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace, type DemoFaceName } from '../../sandbox/card/demo-faces.js';
import type { SyntheticCard } from '../../sandbox/card/synthetic-card.js';
import type { DemoWorld } from './demo-world.js';

/** A case: what is done, and the event that must end it. */
export interface DemoCase {
  readonly name: string;
  readonly expected: string;
  /** Starts the case. @returns the receipt. */
  start(world: DemoWorld, people: People): Promise<string>;
  /** What happens while the case runs; it ends when the expected end is in sight. */
  meanwhile?(world: DemoWorld, requestId: string): Promise<void>;
  /** A fact beside the outcome. @returns what is wrong, or null. */
  check?(world: DemoWorld, requestId: string): Promise<string | null>;
}

/** Cards that appear in more than one case. */
export class People {
  private readonly cards = new Map<string, SyntheticCard>();

  constructor(private readonly world: DemoWorld) {}

  /** The person's card, made at first use with this photograph on it. */
  async card(person: string, face: DemoFaceName): Promise<SyntheticCard> {
    const known = this.cards.get(person);
    if (known) return known;
    const card = await this.world.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto(face) });
    this.cards.set(person, card);
    return card;
  }

  /** The person gets a new card with another photograph on it; the old one becomes invalid. */
  async renew(person: string, face: DemoFaceName): Promise<SyntheticCard> {
    const old = this.cards.get(person);
    if (!old) throw new Error(`${person} has no card yet`);
    const card = await this.world.sandbox.jpki.renew(old, await loadCardPhoto(face));
    this.cards.set(person, card);
    return card;
  }
}

const HANAKO = 'Hanako';

export const DEMO_CASES: readonly DemoCase[] = [
  {
    name: 'accepted',
    expected: 'GovernmentAccepted',
    start: async (world, people) =>
      world.register(
        await people.card(HANAKO, DEMO_STORIES.samePerson.card),
        await loadDemoFace(DEMO_STORIES.samePerson.captured),
      ),
    check: async (world, requestId) => {
      const received = (await world.history(requestId)).find((e) => e.type === 'RequestReceived');
      const kept = world.sandbox.government.submissions.at(-1);
      return kept?.capturedAtUtc === received?.data['capturedAtUtc']
        ? null
        : 'the government server does not have the capture time with the photograph';
    },
  },
  {
    name: 'other person',
    expected: 'FaceMismatched',
    start: async (world, people) =>
      world.register(
        await people.card('Yoko', DEMO_STORIES.differentPeople.card),
        await loadDemoFace(DEMO_STORIES.differentPeople.captured),
      ),
  },
  {
    name: 'revoked certificate',
    expected: 'CertificateRejected',
    start: async (world, people) => {
      const card = await people.card('Sachiko', 'sample2-right-mirrored');
      world.sandbox.jpki.revoke(card, 'key_compromise');
      return world.register(card, await loadDemoFace('sample2-right'));
    },
    check: async (world, requestId) => {
      const events = await world.history(requestId);
      if (events.some((e) => e.type.startsWith('Face')))
        return 'a face was compared although the certificate is revoked';
      const reason = events.find((e) => e.type === 'CertificateRejected')?.data['reason'];
      return reason === 'revoked' ? null : `the certificate was rejected as ${String(reason)}`;
    },
  },
  {
    name: 'authentication server down, then back',
    expected: 'GovernmentAccepted',
    start: async (world, people) => {
      const card = await people.card('Kazuko', 'sample4-second-mirrored');
      await world.sandbox.jpki.down();
      return world.register(card, await loadDemoFace('sample4-second'));
    },
    meanwhile: async (world, requestId) => {
      await world.until(requestId, ['CertificateCheckDeferred']);
      await world.sandbox.jpki.up();
    },
  },
  {
    name: 'government down, then back (submitted once)',
    expected: 'GovernmentAccepted',
    start: async (world, people) => {
      const card = await people.card('Michiko', 'sample5-fourth-mirrored');
      await world.sandbox.government.down();
      // And when it is back it stores the first submission and loses the connection before it can say so.
      world.sandbox.government.faults.play(['drop_after_storing']);
      return world.register(card, await loadDemoFace('sample5-fourth'));
    },
    meanwhile: async (world, requestId) => {
      await world.until(requestId, ['SubmissionDeferred']);
      await world.sandbox.government.up();
    },
    check: async (world, requestId) => {
      const submissionId = (await world.history(requestId)).find((e) => e.type === 'SubmissionAttempted')?.data[
        'submissionId'
      ];
      const stored = world.sandbox.government.history.filter(
        (a) => a.submissionId === submissionId && a.outcome === 'stored',
      ).length;
      const repeated = world.sandbox.government.history.filter(
        (a) => a.submissionId === submissionId && a.outcome === 'repeated',
      ).length;
      return stored === 1 && repeated >= 1
        ? null
        : `the government server stored it ${stored} times and saw ${repeated} repetitions`;
    },
  },
  {
    name: 'second registration of the same person',
    expected: 'GovernmentAccepted',
    start: async (world, people) =>
      world.register(
        await people.card(HANAKO, DEMO_STORIES.samePerson.card),
        await loadDemoFace(`${DEMO_STORIES.samePerson.captured}-mirrored`),
      ),
    check: async (world, requestId) => {
      const matched = (await world.history(requestId)).find((e) => e.type === 'FaceMatched');
      return (matched?.data['registered'] as { comparison?: string } | undefined)?.comparison === 'compared'
        ? null
        : 'the registered image was not compared';
    },
  },
  {
    name: 'renewed card fits, registered face does not',
    expected: 'HoldRejected',
    start: async (world, people) => {
      const { card, captured } = DEMO_STORIES.cardOfAnother;
      return world.register(await people.renew(HANAKO, card), await loadDemoFace(captured));
    },
    meanwhile: async (world, requestId) => {
      await world.until(requestId, ['HoldOpened']);
      for (const officer of ['officer-a', 'officer-b']) {
        await world.call(officer, 'POST', `/v1/holds/${requestId}/opinions`, {
          opinion: 'reject',
          reason: 'different_person',
        });
      }
      await world.call('officer-a', 'POST', `/v1/holds/${requestId}/resolution`, {
        outcome: 'rejected',
        reason: 'different_person',
      });
    },
    check: async (world, requestId) =>
      (await world.history(requestId)).some((e) => e.type === 'SubmissionAttempted')
        ? 'a held request was submitted'
        : null,
  },
  {
    // The sample photographs hold no sequence of one person: the mirror image of a half-turned face plays the turn to
    // the left.
    name: 'further frames are judged, and decide nothing by default',
    expected: 'GovernmentAccepted',
    start: async (world, people) => {
      const [photo, turnedLeft] = [await loadDemoFace('sample6-second'), await loadDemoFace('sample6-second-mirrored')];
      const checked = await world.booth.checkPhoto(photo);
      if (!checked.usable) throw new Error(`a good photograph was checked as ${JSON.stringify(checked)}`);
      return world.register(await people.card('Midori', 'sample6-second-mirrored'), photo, {
        frames: () => [turnedLeft],
      });
    },
    check: async (world, requestId) => {
      const events = await world.history(requestId);
      const { prompt } = events.find((e) => e.type === 'RequestReceived')?.data['frames'] as { prompt: string };
      const { frames } = events.find((e) => e.type === 'FaceMatched')?.data['signals'] as {
        frames: Record<string, unknown>;
      };
      const expected = { count: 1, samePerson: true, movement: true, promptFollowed: prompt === 'turn-left' };
      return Object.entries(expected).every(([name, value]) => frames[name] === value)
        ? null
        : `asked for ${prompt}, the frames were judged as ${JSON.stringify(frames)}`;
    },
  },
  {
    name: 'no face in the photograph',
    expected: 'FaceNotComparable',
    start: async (world, people) => {
      const photo = await emptyBooth();
      const { usable, reasons } = await world.booth.checkPhoto(photo);
      if (usable || reasons[0]?.reason !== 'no_face')
        throw new Error(`an empty booth was checked as ${JSON.stringify({ usable, reasons })}`);
      // The guidance is not followed here, to show that the server itself does not compare such a photograph.
      return world.register(await people.card('Fumiko', 'sample1-left-mirrored'), photo);
    },
  },
  {
    name: 'registry only',
    expected: 'KeptInRegistry',
    start: async (world, people) =>
      world.register(await people.card('Fumiko', 'sample1-left-mirrored'), await loadDemoFace('sample1-left'), {
        mode: 'REGISTRY_ONLY',
      }),
    check: async (world, requestId) =>
      (await world.history(requestId)).some((e) => e.type === 'SubmissionAttempted')
        ? 'something was sent to the government server'
        : null,
  },
  {
    name: 'government refuses',
    expected: 'GovernmentRefused',
    start: async (world, people) => {
      world.sandbox.government.decide({ decide: 'refuse', reason: 'photo_not_acceptable' });
      return world.register(await people.card('Yuki', 'sample6-fourth-mirrored'), await loadDemoFace('sample6-fourth'));
    },
    check: async (world, requestId) => {
      const events = await world.until(requestId, ['FaceImageWithdrawn']);
      world.sandbox.government.decide({ decide: 'accept' });
      return events.some((e) => e.type === 'FaceImageConfirmed') ? 'a refused photograph became the reference' : null;
    },
  },
];

/** What a booth photographs when nobody stands in front of it: a grey wall, a little uneven. */
function emptyBooth(): Promise<Buffer> {
  const wall =
    '<svg xmlns="http://www.w3.org/2000/svg" width="720" height="960"><defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="#c9c7c2"/><stop offset="1" stop-color="#a9a6a0"/></linearGradient></defs><rect width="720" height="960" fill="url(#g)"/></svg>';
  return sharp(Buffer.from(wall)).jpeg({ quality: 90 }).toBuffer();
}
