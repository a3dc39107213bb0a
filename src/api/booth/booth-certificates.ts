import { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiSettings } from '../api-settings.js';
import { ProblemError, type ProblemCode } from '../contract/problems.js';
import { isTrusted } from '../edge/client-address.js';
import { Metrics } from '../metrics.js';

/** What a booth is told about its certificate. */
export const BOOTH_CERTIFICATE_PROBLEMS = [
  'booth_certificate_missing',
  'booth_certificate_untrusted',
  'booth_certificate_of_another',
] as const satisfies readonly ProblemCode[];

type CertificateFault = (typeof BOOTH_CERTIFICATE_PROBLEMS)[number];

interface Shown {
  readonly certificate: X509Certificate;
  /** Whether the handshake found a path to one of our authorities. A proxy's word is not taken for that. */
  readonly isPathKnown: boolean;
}

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
/** RFC 9440: a byte sequence of structured fields, the certificate in DER. */
const BYTE_SEQUENCE = /^:([A-Za-z0-9+/]+={0,2}):$/;

/** Asks booths for the certificate of their connection, beside the signature of what they send. A certificate is a
 *  booth's when one of our authorities issued it and its common name is the booth's id: so it can be renewed without
 *  another enrolment. Without the setting nothing is asked.
 *
 *  Wrong ones are counted and not put on record, as everything that shows no signature: who has none could else fill
 *  the log. */
@Injectable()
export class BoothCertificates {
  private readonly authorities: readonly X509Certificate[];

  constructor(
    private readonly settings: ApiSettings,
    private readonly metrics: Metrics,
  ) {
    this.authorities = (settings.boothCertificates?.authorities ?? []).map((pem) => new X509Certificate(pem));
  }

  /** @param boothId as the request states it; null where it states none yet: then only whether one is shown, and good
   *  @throws {ProblemError} `booth_certificate_missing`, `booth_certificate_untrusted`, `booth_certificate_of_another` */
  mustFit(request: FastifyRequest, boothId: string | null): void {
    const fault = this.faultOf(request, boothId);
    if (fault === null) return;
    this.metrics.doorRefusals.inc({ code: fault });
    throw new ProblemError(fault);
  }

  private faultOf(request: FastifyRequest, boothId: string | null): CertificateFault | null {
    const { boothCertificates: asked } = this.settings;
    if (asked === null) return null;
    const shown = this.shownBy(request, asked.header);
    if (shown === 'none') return asked.mode === 'required' ? 'booth_certificate_missing' : null;
    if (shown === 'unreadable' || !this.isGood(shown)) return 'booth_certificate_untrusted';
    return boothId === null || commonNameOf(shown.certificate) === boothId ? null : 'booth_certificate_of_another';
  }

  /** A proxy ends the booth's connection, so only its word can count there; whoever else writes the field is not heard.
   *  `nearest` trusts everybody who connects: enough for an address, too little for a certificate, which is no secret. */
  private shownBy({ socket, headers }: FastifyRequest, header: string): Shown | 'none' | 'unreadable' {
    const { trustProxy: trust } = this.settings;
    if (trust !== 'nearest' && isTrusted(trust, socket.remoteAddress ?? '')) {
      const certificate = certificateIn(headers[header]);
      return certificate === 'none' || certificate === 'unreadable' ? certificate : { certificate, isPathKnown: false };
    }
    if (!(socket instanceof TLSSocket)) return 'none';
    // A session that is taken up again counts as authorized also where it never had a certificate.
    const certificate = socket.getPeerX509Certificate();
    return certificate === undefined ? 'none' : { certificate, isPathKnown: socket.authorized };
  }

  /** Connections outlive certificates, so the times are compared with each request; by the clock of the machine, as the
   *  handshake does. */
  private isGood({ certificate, isPathKnown }: Shown): boolean {
    return isInForce(certificate) && (isPathKnown || (isForClients(certificate) && this.isIssuedByOurs(certificate)));
  }

  private isIssuedByOurs(certificate: X509Certificate): boolean {
    return this.authorities.some(
      (one) => one.ca && isInForce(one) && certificate.checkIssued(one) && certificate.verify(one.publicKey),
    );
  }
}

function isInForce({ validFrom, validTo }: X509Certificate): boolean {
  const now = Date.now();
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}

/** Of a certificate that limits its purposes, as one in a handshake is judged. */
function isForClients({ keyUsage, ca }: X509Certificate): boolean {
  // Node calls the extended purposes so. Absent: for all.
  return !ca && ((keyUsage as readonly string[] | undefined)?.includes(CLIENT_AUTHENTICATION) ?? true);
}

/** @returns null where there is none, or more than one */
function commonNameOf(certificate: X509Certificate): string | null {
  const names = certificate.subject.split('\n').filter((line) => line.startsWith('CN='));
  return names.length === 1 ? (names[0] as string).slice('CN='.length) : null;
}

/** As RFC 9440 writes it, or as PEM with the escapes of an address, which is how nginx does. Empty: none. */
function certificateIn(field: string | string[] | undefined): X509Certificate | 'none' | 'unreadable' {
  if (field === undefined || field === '') return 'none';
  const text = String(field);
  const der = BYTE_SEQUENCE.exec(text)?.[1];
  try {
    return new X509Certificate(der === undefined ? decodeURIComponent(text) : Buffer.from(der, 'base64'));
  } catch {
    // Why it is none is the proxy's matter.
    return 'unreadable';
  }
}
