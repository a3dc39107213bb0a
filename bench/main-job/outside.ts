import { join } from 'node:path';
import { loadCardPhoto, type DemoFaceName } from '../../dist/sandbox/card/demo-faces.js';
import { sandboxSettings, startSandbox } from '../../dist/sandbox/sandbox.js';
import type { FromOutside, ToOutside } from './messages.ts';

/** Everything that is not ours, as a process of its own: the authority, the government and the others, and the cards
 *  that they issued. Arguments: a folder, and the faces of the cards' holders with commas between them. */
const [folder = '', faces = ''] = process.argv.slice(2);
const sandbox = await startSandbox({ folder: join(folder, 'sandbox'), print: () => {} });
const cards = await Promise.all(
  faces.split(',').map(async (face) => {
    const faceImage = await loadCardPhoto(`${face}-mirrored` as DemoFaceName);
    return (await sandbox.jpki.issueCard({ faceImage })).toJson();
  }),
);
tell({ is: 'ready', settings: sandboxSettings(sandbox), cards });
process.on('message', (message: ToOutside) => {
  if (message.do === 'count') tell({ is: 'counted', submissions: sandbox.government.submissions.length });
  else void sandbox.close().then(() => process.disconnect());
});

// Nobody is left behind by a bench that fails.
process.once('disconnect', () => process.exit());

function tell(message: FromOutside): void {
  process.send?.(message);
}
