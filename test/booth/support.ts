import { generateBoothKey, type BoothKey } from '../../src/booth/booth-key.js';
import { BoothClient, type Capture } from '../../src/booth/booth-client.js';
import { startJpkiServer } from '../../src/sandbox/jpki/jpki-server.js';
import { SyntheticCard } from '../../src/sandbox/card/synthetic-card.js';
import { samplePicture } from '../sandbox/support.js';

export const boothKey: BoothKey = generateBoothKey();

/** A client that never waits, with what it would have waited for. */
export function clientOf(
  baseUrl: string,
  options: { attemptsMax?: number; timeoutMs?: number } = {},
): { client: BoothClient; waits: number[] } {
  const waits: number[] = [];
  let count = 0;
  const client = new BoothClient({
    baseUrl,
    boothId: 'booth-1',
    key: boothKey,
    counter: { next: () => (count += 1) },
    timeoutMs: 5_000,
    ...options,
    wait: async (ms) => void waits.push(ms),
  });
  return { client, waits };
}

/** One card for a whole test file; each test gets a fresh copy, so that counters do not carry over. */
export async function cardMaker(): Promise<{
  card: () => SyntheticCard;
  photo: Buffer;
  capture: (card?: SyntheticCard) => Capture;
}> {
  const photo = await samplePicture();
  const jpki = await startJpkiServer({ print: () => undefined });
  const original = await jpki.issueCard({
    picture: photo,
    certificateTypes: ['user_authentication', 'digital_signature'],
  });
  await jpki.close();
  const card = (): SyntheticCard => new SyntheticCard(original.toJson());
  const capture = (one = card()): Capture => ({
    card: one.connect(),
    pin: one.secrets.authenticationPin,
    accessNumber: one.secrets.accessNumber,
    photo,
    capturedAtUtc: '2026-11-23T01:02:03.000Z',
    consent: { textVersion: 'consent-1', keepReferenceImage: true },
  });
  return { card, photo, capture };
}
