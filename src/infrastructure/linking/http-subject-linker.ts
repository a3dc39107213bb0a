import { fetchOver, type OwnTls } from '../http/own-tls.js';
import type { CertificateHolder } from '../../application/ports/outside/certificate-verifier.js';
import { SubjectLinker, type CardLinks, type LinkQuestion } from '../../application/ports/registrant/subject-linker.js';

export interface LinkSettings {
  /** Address of the authentication server's link service, or null where the operator has none: then every certificate
   *  stands for itself. */
  readonly url: string | null;
  readonly timeoutMs: number;
  /** Our own certificates for it; absent or null: none. */
  readonly tls?: OwnTls | null;
}

/** Larger than any honest answer. */
const ANSWER_BYTES_MAX = 16 * 1024;

/** Asks the authentication server which certificates and cards belong together:
 *  `GET {url}?issuer=<hex DER>&serial=<hex>[&cardKey=<hex SHA-256>]` answers 200
 *  `{"previous": {"issuer": hex, "serial": hex} | null, "sameCard"?: the same | null, "card"?: "same" | "other" |
 * null}`.
 *  A member that is not there is not told. Our own wire: no public format exists. */
export class HttpSubjectLinker extends SubjectLinker {
  constructor(private readonly settings: LinkSettings) {
    super();
  }

  get isConfigured(): boolean {
    return this.settings.url !== null;
  }

  async linksOf({ holder, cardKeySha256 }: LinkQuestion): Promise<CardLinks> {
    const { url, timeoutMs, tls = null } = this.settings;
    if (url === null) return { answer: 'no_service' };
    try {
      const address = new URL(url);
      address.searchParams.set('issuer', Buffer.from(holder.issuerName).toString('hex'));
      address.searchParams.set('serial', holder.serialNumber);
      if (cardKeySha256 !== null) address.searchParams.set('cardKey', cardKeySha256);
      const response = await fetchOver(tls, address.href, {
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
        headers: { accept: 'application/json' },
      });
      if (response.status !== 200) return { answer: 'unknown', cause: `http_${response.status}` };
      const text = await boundedText(response);
      return text === null ? MALFORMED : parsed(JSON.parse(text) as unknown, url);
    } catch (error) {
      // Unreachable, too slow or not JSON: nothing can be said about cards.
      return error instanceof SyntaxError ? MALFORMED : { answer: 'unknown', cause: 'unreachable' };
    }
  }
}

const MALFORMED: CardLinks = { answer: 'unknown', cause: 'malformed_answer' };

/** @returns null for an answer that is larger than any honest one */
async function boundedText(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array;
    length += bytes.length;
    if (length > ANSWER_BYTES_MAX) return null;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const FACE_RECORDS: Readonly<Record<string, 'same_card' | 'other_card'>> = { same: 'same_card', other: 'other_card' };

/** A service that says a thing in a form that is not known says nothing that may be believed: the whole answer counts
 *  as none. */
function parsed(body: unknown, source: string): CardLinks {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return MALFORMED;
  const { previous, sameCard, card } = body as Record<string, unknown>;
  const [before, other] = [
    certificateIn(previous),
    sameCard === undefined ? ('not_told' as const) : certificateIn(sameCard),
  ] as const;
  const faceRecord =
    card === undefined || card === null
      ? 'not_told'
      : typeof card === 'string' && Object.hasOwn(FACE_RECORDS, card)
        ? FACE_RECORDS[card]
        : undefined;
  if (before === undefined || other === undefined || faceRecord === undefined) return MALFORMED;
  return { answer: 'known', previous: before, otherCertificate: other, faceRecord, source };
}

/** @returns undefined for something that is neither a certificate nor null */
function certificateIn(value: unknown): CertificateHolder | null | undefined {
  if (value === null) return null;
  const { issuer, serial } = (typeof value === 'object' ? value : {}) as Record<string, unknown>;
  if (
    typeof issuer !== 'string' ||
    typeof serial !== 'string' ||
    !/^(?:[0-9a-f]{2})+$/.test(issuer) ||
    !/^[0-9a-f]{1,64}$/.test(serial)
  )
    return undefined;
  // Leading zeros are no part of a number; a certificate names its own without them.
  return { issuerName: Buffer.from(issuer, 'hex'), serialNumber: serial.replace(/^0+(?=.)/, '') };
}
