import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { CERTIFICATE_TYPES, type CertificateType } from '../../domain/values/certificate-status.js';
import { writeCardFolder } from '../../sandbox/card/card-folder.js';
import { isJp2 } from '../../sandbox/card/card-photo.js';
import { DEMO_STORIES, loadDemoFace } from '../../sandbox/card/demo-faces.js';
import { faceImageOf } from '../../sandbox/jpki/jpki-server.js';
import { issueCardIn, type CardWish } from '../../sandbox/sandbox.js';
import { EXIT, UsageError } from '../command.js';

/** What `sandbox --help` says of it. */
export const CARD_HELP = `
  ./honnin sandbox card --data DIR --out DIR [--picture FILE] [--certificate TYPE] [--holder NAME] [--p384]
        makes a card and writes it as files that a booth of any language can read: certificates in DER, keys in PEM, the
        face record as the card holds it, pictures, and card.json, which names them (docs/test-card.md). The sandbox may
        run or not; a server that uses it takes the card at once
`;

/** Makes a card and writes it as files. Arguments are those behind `sandbox card`. */
export async function makeCard(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      out: { type: 'string' },
      picture: { type: 'string' },
      certificate: { type: 'string', multiple: true },
      holder: { type: 'string' },
      p384: { type: 'boolean' },
    },
  });
  const { data, out, picture, holder, p384 } = values;
  if (data === undefined) throw new UsageError('--data DIR is missing: the folder of the sandbox');
  if (out === undefined) throw new UsageError('--out DIR is missing: a folder for the card');
  if (existsSync(out) && readdirSync(out).length > 0) throw new UsageError(`${out} is not empty`);
  if (picture !== undefined && !existsSync(picture)) throw new UsageError(`there is no file ${picture}`);
  const { onCard, photo } = await picturesOf(picture);
  const wish: CardWish = {
    picture: onCard,
    certificateTypes: typesFrom(values.certificate),
    ...(holder !== undefined && { holder: { name: holder } }),
    ...(p384 === true && { keyAlgorithm: 'P-384' }),
  };
  const { card, root } = await issueCardIn(path.resolve(data), wish).catch((error: unknown) => {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  });
  const faceImage = faceImageOf(card.cardRecord);
  writeCardFolder(out, card.toJson(), { faceImage, issuerRootPem: root.publicKeyPem, photo });
  const { authenticationPin, signingPassword, accessNumber } = card.secrets;
  process.stdout.write(
    [
      `Synthetic card ${path.join(out, 'card.json')}`,
      `  PIN ${authenticationPin}, signing password ${signingPassword}, access number ${accessNumber}`,
      '',
    ].join('\n'),
  );
  return EXIT.ok;
}

/** The certificates that a card is to hold. @throws {UsageError} for another name */
export function typesFrom(names: readonly string[] | undefined): CertificateType[] {
  return (names ?? ['user_authentication']).map((name) => {
    const type = CERTIFICATE_TYPES.find((known) => known === name);
    if (type === undefined) throw new UsageError(`--certificate is one of ${CERTIFICATE_TYPES.join(', ')}`);
    return type;
  });
}

interface Pictures {
  readonly onCard: Uint8Array;
  readonly photo: Uint8Array | null;
}

async function picturesOf(file: string | undefined): Promise<Pictures> {
  if (file === undefined) {
    const { card, captured } = DEMO_STORIES.samePerson;
    return { onCard: await loadDemoFace(card), photo: await loadDemoFace(captured) };
  }
  const onCard = readFileSync(file);
  if (isJp2(onCard)) return { onCard, photo: null };
  const plain = await sharp(onCard)
    .rotate()
    .jpeg({ quality: 92 })
    .toBuffer()
    .catch((error: unknown) => {
      throw new UsageError(`${file} cannot be read as a picture: ${(error as Error).message}`);
    });
  return { onCard, photo: plain };
}
