import type { CertificateHolder } from '../../application/ports/certificate-verifier.js';
import { SubjectLinker, type PreviousCertificate } from '../../application/ports/subject-linker.js';

export interface LinkSettings {
  /** Address of the authentication server's link service, or null where the operator has none: then every certificate stands for itself. */
  readonly url: string | null;
  readonly timeoutMs: number;
}

/** Asks the authentication server for the certificate that a renewed one replaced: `GET {url}?issuer=<hex DER>&serial=<hex>`
 *  answers 200 `{"previous": {"issuer": hex, "serial": hex}}` or `{"previous": null}`. Our own wire: no public format exists. */
export class HttpSubjectLinker extends SubjectLinker {
  constructor(private readonly settings: LinkSettings) {
    super();
  }

  async previousOf({ issuerName, serialNumber }: CertificateHolder): Promise<PreviousCertificate> {
    const { url, timeoutMs } = this.settings;
    if (url === null) return { answer: 'none' };
    try {
      const address = new URL(url);
      address.searchParams.set('issuer', Buffer.from(issuerName).toString('hex'));
      address.searchParams.set('serial', serialNumber);
      const response = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs), headers: { accept: 'application/json' } });
      if (response.status !== 200) return { answer: 'unknown', cause: `http_${response.status}` };
      return parsed((await response.json()) as unknown, url);
    } catch {
      // Unreachable, too slow or not JSON: nothing can be said about an earlier card.
      return { answer: 'unknown', cause: 'unreachable' };
    }
  }
}

function parsed(body: unknown, source: string): PreviousCertificate {
  const previous = (body as { previous?: unknown } | null)?.previous;
  if (previous === null) return { answer: 'none' };
  const { issuer, serial } = (previous ?? {}) as Record<string, unknown>;
  if (typeof issuer !== 'string' || typeof serial !== 'string' || !/^(?:[0-9a-f]{2})+$/.test(issuer) || !/^[0-9a-f]{1,64}$/.test(serial)) return { answer: 'unknown', cause: 'malformed_answer' };
  return { answer: 'previous', holder: { issuerName: Buffer.from(issuer, 'hex'), serialNumber: serial }, source };
}
