import { Injectable } from '@nestjs/common';
import { registrants } from './aggregates.js';
import { DecideAndAppend } from './commands/decide-and-append.js';
import { derivedId } from './ids.js';
import type { CertificateHolder } from './ports/certificate-verifier.js';
import { Secrets } from './ports/secrets.js';
import { SubjectLinker } from './ports/subject-linker.js';

const RENEWALS_MAX = 8;

/** Finds the pseudonymous registrant key of a card, also when the card was renewed (decision A14).
 *  The key is a keyed hash of issuer and serial number: nobody without our key can go back from it, and the serial is kept nowhere. */
@Injectable()
export class SubjectResolver {
  constructor(
    private readonly secrets: Secrets,
    private readonly linker: SubjectLinker,
    private readonly aggregates: DecideAndAppend,
  ) {}

  /** @returns the key, or null when the authentication server cannot say now whether there was an earlier card. */
  async resolve(holder: CertificateHolder, requestId: string, renewals = 0): Promise<string | null> {
    const key = this.keyOf(holder);
    const { state, stored } = await this.aggregates.load(registrants, key);
    if (state.linkedTo !== null) return state.linkedTo;
    if (stored.length > 0 || renewals >= RENEWALS_MAX) return key;
    const previous = await this.linker.previousOf(holder);
    if (previous.answer === 'unknown') return null;
    if (previous.answer === 'none') return key;
    const registrantKey = await this.resolve(previous.holder, requestId, renewals + 1);
    if (registrantKey === null || registrantKey === key) return registrantKey;
    const commandId = derivedId('link', key, registrantKey);
    await this.aggregates.execute(registrants, key, { type: 'LinkCertificate', registrantKey, source: previous.source }, { commandId, actor: 'system:subject-resolver', correlationId: requestId, causationId: requestId, policyVersion: null });
    return registrantKey;
  }

  private keyOf({ issuerName, serialNumber }: CertificateHolder): string {
    return Buffer.from(this.secrets.keyedHash('subject-key', Buffer.concat([issuerName, Buffer.from(`\n${serialNumber}`)]))).toString('hex').slice(0, 40);
  }
}
