import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CERTIFICATE_TYPES } from '../../domain/values/certificate-status.js';
import type { CardSecret, SyntheticCardData } from './synthetic-card.js';

/** `card.json` of a card in files, for booths of any language; docs/test-card.md is what they are written from. */
export interface CardIndex {
  readonly format: 'honnin-test-card/v1';
  readonly cardId: string;
  readonly holder: SyntheticCardData['holder'];
  readonly secrets: Readonly<Record<CardSecret, string>>;
  /** Each member that ends in `File` is a name in the same folder. */
  readonly certificates: Readonly<Record<string, CardIndexKey & { readonly certificateFile: string }>>;
  readonly face: {
    readonly recordFile: string;
    readonly issuerCertificateFile: string;
    readonly imageFile: string;
    readonly issuerRootFile: string;
    readonly cardKey: CardIndexKey;
  };
  /** What a camera would give: null where the card was made from a JPEG 2000. */
  readonly photoFile: string | null;
}

interface CardIndexKey {
  readonly algorithm: 'RSASSA-PKCS1-v1_5 with SHA-256' | 'ECDSA P-384 with SHA-384, DER';
  readonly privateKeyFile: string;
}

/** What stands beside the card in its folder. */
export interface CardCompany {
  /** JPEG 2000 that the face record holds. */
  readonly faceImage: Uint8Array;
  /** Public key (PEM) by which the face record's issuer certificate is judged. */
  readonly issuerRootPem: string;
  /** A plain JPEG for the booth to send. */
  readonly photo: Uint8Array | null;
}

/** Writes a card as files: DER, PKCS#8 PEM, the two files of the surface application, pictures, and an index.
 *  @returns the index, as it is in `card.json` */
export function writeCardFolder(folder: string, card: SyntheticCardData, company: CardCompany): CardIndex {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const save = (name: string, content: Uint8Array | string): string => {
    writeFileSync(path.join(folder, name), content, { mode: 0o600 });
    return name;
  };
  const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');
  const certificates = CERTIFICATE_TYPES.flatMap((type) => {
    const held = card.certificates[type];
    if (held === undefined) return [];
    const name = type.replace('_', '-');
    return [
      [
        type,
        {
          certificateFile: save(`${name}.der`, bytes(held.certificate)),
          privateKeyFile: save(`${name}-key.pem`, held.privateKey),
          algorithm: algorithmOf(held.privateKey),
        },
      ] as const,
    ];
  });
  const index: CardIndex = {
    format: 'honnin-test-card/v1',
    cardId: card.cardId,
    holder: card.holder,
    secrets: card.secrets,
    certificates: Object.fromEntries(certificates),
    face: {
      recordFile: save('card-record.bin', bytes(card.cardRecord)),
      issuerCertificateFile: save('card-issuer-certificate.bin', bytes(card.cardIssuerCertificate)),
      imageFile: save('face.jp2', company.faceImage),
      issuerRootFile: save('issuer-root.pem', company.issuerRootPem),
      cardKey: { privateKeyFile: save('card-key.pem', card.surfaceKey), algorithm: algorithmOf(card.surfaceKey) },
    },
    photoFile: company.photo === null ? null : save('photo.jpg', company.photo),
  };
  save('card.json', `${JSON.stringify(index, null, 1)}\n`);
  return index;
}

function algorithmOf(privateKeyPem: string): CardIndexKey['algorithm'] {
  const { asymmetricKeyType } = createPublicKey(createPrivateKey(privateKeyPem));
  return asymmetricKeyType === 'rsa' ? 'RSASSA-PKCS1-v1_5 with SHA-256' : 'ECDSA P-384 with SHA-384, DER';
}
