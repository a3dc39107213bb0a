import { join } from 'node:path';
import { BoothClient } from '../../dist/booth/booth-client.js';
import { generateBoothKey } from '../../dist/booth/booth-key.js';
import { DurableCaptureCounter } from '../../dist/booth/capture-counter.js';
import { loadDemoFace, type DemoFaceName } from '../../dist/sandbox/card/demo-faces.js';
import { SyntheticCard } from '../../dist/sandbox/card/synthetic-card.js';
import type { FromBooths, ToBooths } from './messages.ts';

/** The booths, as a process of their own, each with one person who registers again and again. Arguments: a folder, and
 *  the faces of the people with commas between them. */
const [folder = '', faces = ''] = process.argv.slice(2);
const names = faces.split(',') as DemoFaceName[];
const keys = names.map((_, i) => ({ boothId: `bench-booth-${i}`, key: generateBoothKey() }));
const photos = await Promise.all(names.map((face) => loadDemoFace(face)));
// Claims 1 and 2: no reference image, so that every registration is one comparison, like the one it is measured beside.
const consent = { textVersion: '2026-11', keepReferenceImage: false };
let booths: { readonly client: BoothClient; readonly card: SyntheticCard; readonly photo: Uint8Array }[] = [];

tell({ is: 'known', booths: keys.map(({ boothId, key }) => ({ boothId, publicKey: key.publicKeySpki })) });
process.on('message', (message: ToBooths) => {
  if (message.do === 'end') return process.disconnect();
  if (message.do === 'open')
    booths = keys.map(({ boothId, key }, i) => ({
      client: new BoothClient({
        baseUrl: message.url,
        boothId,
        key,
        counter: new DurableCaptureCounter(join(folder, boothId)),
      }),
      card: new SyntheticCard(message.cards[i]!),
      photo: photos[i]!,
    }));
  else
    register(message.each).then(
      (latencies) => tell({ is: 'registered', latencies }),
      (error: unknown) => tell({ is: 'failed', why: error instanceof Error ? (error.stack ?? '') : String(error) }),
    );
});

/** @returns milliseconds from the card to the government's answer, one for each registration */
async function register(each: number): Promise<number[]> {
  const latencies: number[] = [];
  await Promise.all(
    booths.map(async ({ client, card, photo }) => {
      const { authenticationPin: pin, accessNumber } = card.secrets;
      for (let n = 0; n < each; n += 1) {
        const begun = performance.now();
        const { receipt } = await client.register({ card: card.connect(), pin, accessNumber, photo, consent });
        for await (const { status } of client.follow(receipt, { by: 'events' }))
          if (status === 'not_registered' || status === 'visit_again')
            throw new Error(`a registration ended as ${status}`);
        latencies.push(performance.now() - begun);
      }
    }),
  );
  return latencies;
}

// Nobody is left behind by a bench that fails.
process.once('disconnect', () => process.exit());

function tell(message: FromBooths): void {
  process.send?.(message);
}
