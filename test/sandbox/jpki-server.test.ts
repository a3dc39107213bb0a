import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { fromBER, type Sequence } from 'asn1js';
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { serialOf } from '../../src/sandbox/pki/certificate-authority.js';
import { startJpkiServer, type JpkiServer } from '../../src/sandbox/jpki/jpki-server.js';
import { SyntheticCard, type SyntheticCardData } from '../../src/sandbox/card/synthetic-card.js';
import { pem } from '../../src/sandbox/pki/x509-writer.js';
import { openssl, samplePicture, save, temporaryFolder, type ProgramResult } from './support.js';
import type { CertificateType } from '../../src/domain/values/certificate-status.js';
import { peer } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

const folder = temporaryFolder();
const lines: string[] = [];
let jpki: JpkiServer;
let picture: Buffer;
let shared: SyntheticCard;

beforeAll(async () => {
  picture = await samplePicture();
  jpki = await startJpkiServer({ print: (line) => lines.push(line) });
  shared = await jpki.issueCard({ picture });
  save(folder.path, 'auth.pem', jpki.anchorsPem.user_authentication);
  save(folder.path, 'sign.pem', jpki.anchorsPem.digital_signature);
});

afterAll(async () => {
  await jpki.close();
  folder.remove();
});

const anchorFile = (type: CertificateType): string =>
  path.join(folder.path, type === 'user_authentication' ? 'auth.pem' : 'sign.pem');

function certificateFile(card: SyntheticCard, type: CertificateType = 'user_authentication'): string {
  return save(folder.path, `${card.id}-${type}.pem`, pem('CERTIFICATE', card.certificate(type)));
}

async function ask(
  card: SyntheticCard,
  type: CertificateType = 'user_authentication',
  ...more: string[]
): Promise<ProgramResult> {
  const anchor = anchorFile(type);
  return openssl(
    'ocsp',
    '-issuer',
    anchor,
    '-cert',
    certificateFile(card, type),
    '-url',
    jpki.ocspUrl,
    '-CAfile',
    anchor,
    '-timeout',
    '5',
    ...more,
  );
}

describeUnless(peer('openssl'), 'the JPKI stand-in, judged by openssl', () => {
  it('says on its first line that it is a stand-in', () => {
    expect(lines[0]).toMatch(/^STAND-IN: .*authentication server/);
  });

  it.each(['user_authentication', 'digital_signature'] as const)(
    'issues a %s certificate that openssl accepts strictly, in the profile of the card',
    async (type) => {
      const card = await jpki.issueCard({ picture, certificateTypes: [type] });
      const verified = await openssl(
        'verify',
        '-x509_strict',
        '-CAfile',
        anchorFile(type),
        certificateFile(card, type),
      );
      expect(verified).toMatchObject({ code: 0 });
      const text = (await openssl('x509', '-in', certificateFile(card, type), '-noout', '-text')).output;
      expect(text).toMatch(/O = JPKI-TEST/);
      expect(text).toMatch(/Key Usage: critical\n\s+Digital Signature(, Non Repudiation)?\n/);
      expect(text.includes('Non Repudiation')).toBe(type === 'digital_signature');
      expect(text).toContain(`Policy: 1.2.392.200149.8.5.1.${type === 'digital_signature' ? '1.20' : '3.30'}`);
      expect(text).toMatch(/DirName: ?C = JP, O = JPKI-TEST.*CN = City-0 CRLDP/);
      expect(text).not.toMatch(
        /URI:(?!http:\/\/www\.jpki-test\.invalid)|CPS: (?!http:\/\/www\.jpki-test\.invalid)|Authority Information Access/,
      );
      const other = type === 'digital_signature' ? 'user_authentication' : 'digital_signature';
      expect((await openssl('verify', '-CAfile', anchorFile(other), certificateFile(card, type))).code).not.toBe(0);
    },
  );

  it('issues P-384 certificates for the next card', async () => {
    const card = await jpki.issueCard({ picture, keyAlgorithm: 'P-384' });
    expect(
      (await openssl('verify', '-x509_strict', '-CAfile', anchorFile('user_authentication'), certificateFile(card)))
        .code,
    ).toBe(0);
    expect(new X509Certificate(card.certificate('user_authentication')).publicKey.asymmetricKeyDetails).toMatchObject({
      namedCurve: 'secp384r1',
    });
  });

  it.each(['-sha1', '-sha256'])(
    'answers good with the nonce and a verified delegated signature (CertID %s) @req R6',
    async (hash) => {
      const card = await jpki.issueCard({ picture });
      const anchor = anchorFile('user_authentication');
      // openssl takes the CertID hash only when it stands before the certificate.
      const result = await openssl(
        'ocsp',
        hash,
        '-issuer',
        anchor,
        '-cert',
        certificateFile(card),
        '-url',
        jpki.ocspUrl,
        '-CAfile',
        anchor,
        '-text',
      );
      expect(result.output).toContain('Response verify OK');
      expect(result.output).toMatch(/: good/);
      expect(result.output).toMatch(hash === '-sha1' ? /Hash Algorithm: sha1/ : /Hash Algorithm: sha256/);
      expect(result.output).not.toMatch(/no nonce in response/i);
      expect(jpki.history.at(-1)).toMatchObject({
        kind: 'ocsp',
        subject: serialOf(card.certificate('user_authentication')),
      });
    },
  );

  it('answers revoked with its reason, in OCSP and in the CRL', async () => {
    const card = await jpki.issueCard({ picture });
    const list = async (): Promise<string> => {
      const crl = Buffer.from(await (await fetch(jpki.crlUrls.user_authentication)).arrayBuffer());
      return save(folder.path, 'auth.crl', pem('X509 CRL', crl));
    };
    const verify = async (): Promise<ProgramResult> =>
      openssl(
        'verify',
        '-crl_check',
        '-CAfile',
        anchorFile('user_authentication'),
        '-CRLfile',
        await list(),
        certificateFile(card),
      );
    expect((await verify()).code).toBe(0);
    jpki.revoke(card, 'key_compromise');
    expect((await ask(card)).output).toMatch(/: revoked[\s\S]*Reason: keyCompromise/);
    const judged = await verify();
    expect(judged.code).not.toBe(0);
    expect(judged.output).toMatch(/certificate revoked/);
    const text = (
      await openssl('crl', '-in', await list(), '-CAfile', anchorFile('user_authentication'), '-noout', '-text')
    ).output;
    expect(text).toMatch(/verify OK/);
    expect(text).toMatch(/Key Compromise/);
  });

  it('holds and releases, but never takes back a revocation for good', async () => {
    const card = await jpki.issueCard({ picture });
    jpki.hold(card);
    expect((await ask(card)).output).toMatch(/: revoked[\s\S]*Reason: certificateHold/);
    jpki.release(card);
    expect((await ask(card)).output).toMatch(/: good/);
    jpki.revoke(card, 'cessation_of_operation');
    expect(() => jpki.release(card)).toThrow(RangeError);
    expect(() => jpki.revoke(card, 'superseded')).toThrow(RangeError);
  });

  it('answers unknown for a serial that was never issued, and unauthorized for another issuer', async () => {
    const anchor = anchorFile('user_authentication');
    const result = await openssl(
      'ocsp',
      '-issuer',
      anchor,
      '-serial',
      '0x1234',
      '-url',
      jpki.ocspUrl,
      '-CAfile',
      anchor,
    );
    expect(result.output).toMatch(/: unknown/);
    await openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      path.join(folder.path, 'k'),
      '-out',
      path.join(folder.path, 'foreign.pem'),
      '-subj',
      '/CN=x',
    );
    const foreign = await openssl(
      'ocsp',
      '-issuer',
      path.join(folder.path, 'foreign.pem'),
      '-serial',
      '1',
      '-url',
      jpki.ocspUrl,
      '-CAfile',
      anchor,
    );
    expect(foreign.output).toMatch(/unauthorized/);
  });

  it.each([
    ['tryLater', /trylater/],
    ['internalError', /internalerror/],
    ['unauthorized', /unauthorized/],
    ['stale', /expired/],
    ['future', /not yet valid/],
    ['wrongNonce', /Nonce Verify error/],
    ['withoutNonce', /no nonce in response/],
    ['badSignature', /Response Verify Failure|signature failure/],
    ['foreignResponder', /Response Verify Failure/],
    ['responderWithoutEku', /Response Verify Failure/],
    ['responderExpired', /Response Verify Failure/],
    ['userCertificateSigns', /Response Verify Failure/],
    ['withoutCertificates', /Response Verify Failure/],
    ['wrongSerial', /No Status found/],
    ['wrongIssuerHash', /No Status found|certid/i],
    ['garbage', /Error|unable|missing/i],
    ['truncated', /Error|unable|missing/i],
    ['http500', /Error|500/i],
    ['drop', /Error/i],
    ['statusUnknown', /: unknown/],
  ] as const)('plays the fault %s so that openssl objects', async (fault, complaint) => {
    jpki.ocspFaults.play([fault]);
    expect((await ask(shared)).output).toMatch(complaint);
    expect(jpki.ocspFaults.played.at(-1)).toBe(fault);
    expect((await ask(shared)).output).toMatch(/Response verify OK[\s\S]*: good/);
  });

  it('lets the authority itself sign, which openssl accepts', async () => {
    jpki.ocspFaults.play(['signedByAuthority']);
    expect((await ask(shared)).output).toMatch(/Response verify OK[\s\S]*: good/);
  });

  it('plays wrong CRLs', async () => {
    const judge = async (): Promise<string> => {
      const crl = Buffer.from(await (await fetch(jpki.crlUrls.digital_signature)).arrayBuffer());
      return (
        await openssl(
          'crl',
          '-inform',
          'DER',
          '-in',
          save(folder.path, 'sign.crl', crl),
          '-CAfile',
          anchorFile('digital_signature'),
          '-noout',
        )
      ).output;
    };
    expect(await judge()).toMatch(/verify OK/);
    jpki.crlFaults.play(['badSignature', 'garbage', 'ofOtherAuthority']);
    expect(await judge()).toMatch(/verify failure/);
    expect(await judge()).toMatch(/unable|Could not|error/i);
    expect(await judge()).toMatch(/Error getting CRL issuer|verify failure/i);
    const first = await fetch(jpki.crlUrls.digital_signature);
    const again = await fetch(jpki.crlUrls.digital_signature, {
      headers: { 'if-none-match': first.headers.get('etag') ?? '' },
    });
    expect(again.status).toBe(304);
  });

  it('issues expired and not yet valid certificates on demand', async () => {
    const expired = await jpki.issueCard({
      picture,
      notBefore: new Date('2020-01-01'),
      notAfter: new Date('2025-01-01'),
    });
    expect(
      (await openssl('verify', '-CAfile', anchorFile('user_authentication'), certificateFile(expired))).output,
    ).toMatch(/certificate has expired/);
    const early = await jpki.issueCard({
      picture,
      notBefore: new Date('2040-01-01'),
      notAfter: new Date('2045-01-01'),
    });
    expect(
      (await openssl('verify', '-CAfile', anchorFile('user_authentication'), certificateFile(early))).output,
    ).toMatch(/not yet valid/);
  });

  it('renews a card: new certificate, linked to the old one, which becomes superseded', async () => {
    const old = await jpki.issueCard({ picture, certificateTypes: ['user_authentication', 'digital_signature'] });
    const renewed = await jpki.renew(old);
    expect((await ask(old)).output).toMatch(/Reason: superseded/);
    expect((await ask(renewed)).output).toMatch(/: good/);
    const issuer = issuerNameHex(renewed.certificate('user_authentication'));
    const link = async (serial: string): Promise<unknown> =>
      (await fetch(`${jpki.linksUrl}?issuer=${issuer}&serial=${serial}`)).json();
    const [oldSerial, serial] = [old, renewed].map((card) => serialOf(card.certificate('user_authentication'))) as [
      string,
      string,
    ];
    expect(await link(serial)).toEqual({
      card: null,
      previous: { issuer, serial: oldSerial },
      sameCard: {
        issuer: issuerNameHex(renewed.certificate('digital_signature')),
        serial: serialOf(renewed.certificate('digital_signature')),
      },
    });
    expect(await link(oldSerial)).toMatchObject({ previous: null });
    expect(await link('abc')).toMatchObject({ code: 'unknown_certificate' });
  });

  it('goes down and comes back on the same address, and is slow on demand', async () => {
    const card = await jpki.issueCard({ picture });
    await jpki.down();
    await expect(fetch(jpki.ocspUrl, { method: 'POST' })).rejects.toThrow();
    expect((await fetch(`${jpki.controlUrl}/control/history`)).status).toBe(200);
    await jpki.down('unavailable');
    expect((await fetch(jpki.ocspUrl, { method: 'POST' })).status).toBe(503);
    await jpki.up();
    expect((await ask(card)).output).toMatch(/: good/);
    jpki.slow(60_000);
    await expect(fetch(jpki.ocspUrl, { method: 'POST', signal: AbortSignal.timeout(100) })).rejects.toThrow(
      /timeout|abort/i,
    );
    jpki.slow(0);
    expect((await ask(card)).output).toMatch(/: good/);
  });

  it('can be driven from another process over /control/', async () => {
    const post = async (call: string, body: unknown): Promise<Response> =>
      fetch(`${jpki.controlUrl}/control/${call}`, { method: 'POST', body: JSON.stringify(body) });
    const made = await post('cards', { pictureBase64: picture.toString('base64') });
    expect(made.status).toBe(201);
    const data = (await made.json()) as SyntheticCardData;
    const card = new SyntheticCard(data);
    expect((await ask(card)).output).toMatch(/: good/);
    expect((await post('revoke', { card: data, reason: 'affiliation_changed' })).status).toBe(200);
    expect((await ask(card)).output).toMatch(/Reason: affiliationChanged/);
    expect((await post('revoke', { card: data, reason: 'no such reason' })).status).toBe(400);
    expect((await post('faults', { play: ['tryLater'] })).status).toBe(200);
    expect((await ask(card)).output).toMatch(/trylater/);
    expect((await post('faults', { always: 'no such fault' })).status).toBe(400);
    expect((await post('outage', { mode: 'refused' })).status).toBe(200);
    await expect(fetch(jpki.ocspUrl, { method: 'POST' })).rejects.toThrow();
    expect((await post('outage', { mode: 'none' })).status).toBe(200);
    expect((await ask(card)).output).toMatch(/affiliationChanged/);
  });

  it('keeps keys and revocations over a restart when it has a state file', async () => {
    const stateFile = path.join(folder.path, 'jpki.json');
    const first = await startJpkiServer({ stateFile, print: () => undefined });
    const card = await first.issueCard({ picture });
    first.revoke(card, 'superseded');
    const anchor = Buffer.from(first.anchors.user_authentication);
    await first.close();
    const second = await startJpkiServer({ stateFile, print: () => undefined });
    try {
      expect(anchor.equals(second.anchors.user_authentication)).toBe(true);
      const file = save(folder.path, 'second.pem', second.anchorsPem.user_authentication);
      const result = await openssl(
        'ocsp',
        '-issuer',
        file,
        '-cert',
        certificateFile(card),
        '-url',
        second.ocspUrl,
        '-CAfile',
        file,
      );
      expect(result.output).toMatch(/: revoked[\s\S]*Reason: superseded/);
    } finally {
      await second.close();
    }
  });
});

/** The issuer's DER name, read with a parser that is not ours. */
function issuerNameHex(certificate: Uint8Array): string {
  const tbs = (fromBER(Uint8Array.from(certificate)).result as Sequence).valueBlock.value[0] as Sequence;
  const issuer = tbs.valueBlock.value[3];
  if (issuer === undefined) throw new Error('no issuer');
  return Buffer.from(issuer.toBER()).toString('hex');
}
