import { describe, expect, it } from '@jest/globals';
import * as pkijs from 'pkijs';
import { parseCertificate, type Certificate } from '../../src/infrastructure/x509/certificate/certificate.js';
import { entriesFor, parseCrl, type Crl } from '../../src/infrastructure/x509/revocation/crl.js';
import { DerError } from '../../src/infrastructure/x509/asn1/der.js';
import { parseOcspResponse } from '../../src/infrastructure/x509/revocation/ocsp-response.js';
import {
  crlExt,
  DAY,
  ecKey,
  makeAuthority,
  makeCrl,
  makeLargeCrl,
  makeOcspResponse,
  makeSingleResponse,
  NOW,
  rsaKey,
} from './support/certificate-factory.js';
import { limboCases, pkitsCases, suitesMissing } from './support/conformance-data.js';
import { elsewhere } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

/** pkijs reads the same bytes with a parser that shares nothing with ours. Where both can read them, every field must
 * be the same. */

const hex = (bytes: ArrayBuffer | Uint8Array): string => Buffer.from(bytes as Uint8Array).toString('hex');
const seconds = (time: { value: Date }): number => time.value.getTime() / 1000;
const extensionList = (list: readonly pkijs.Extension[] | undefined): string[] =>
  (list ?? []).map((e) => `${e.extnID} ${e.critical} ${hex(e.extnValue.valueBlock.valueHexView)}`);
const ourExtensions = (list: readonly { oid: string; critical: boolean; value: Buffer }[]): string[] =>
  list.map((e) => `${e.oid} ${e.critical} ${hex(e.value)}`);

function fieldsOfPkijs(der: Buffer): object {
  const c = pkijs.Certificate.fromBER(der);
  return {
    version: c.version + 1,
    serial: hex(c.serialNumber.valueBlock.valueHexView),
    tbs: hex(c.tbsView),
    issuer: hex(c.issuer.toSchema().toBER()),
    subject: hex(c.subject.toSchema().toBER()),
    notBefore: seconds(c.notBefore),
    notAfter: seconds(c.notAfter),
    publicKey: hex(c.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView),
    signature: hex(c.signatureValue.valueBlock.valueHexView),
    algorithms: [c.signatureAlgorithm.algorithmId, c.signature.algorithmId],
    extensions: extensionList(c.extensions),
  };
}

function fieldsOfOurs(c: Certificate): object {
  const oid = (algorithm: Buffer): string =>
    new pkijs.AlgorithmIdentifier({ schema: pkijsSchema(algorithm) }).algorithmId;
  return {
    version: c.version,
    serial: hex(c.serial),
    tbs: hex(c.tbs),
    issuer: hex(c.issuer),
    subject: hex(c.subject),
    notBefore: c.notBefore,
    notAfter: c.notAfter,
    publicKey: hex(c.publicKeyBits),
    signature: hex(c.signature),
    algorithms: [oid(c.signatureAlgorithm), oid(c.tbsSignatureAlgorithm)],
    extensions: ourExtensions(c.extensionList),
  };
}

function pkijsSchema(der: Buffer): unknown {
  return pkijs.AlgorithmIdentifier.fromBER(der).toSchema();
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    // pkijs throws errors of many kinds; that it refuses is all that counts here.
    return null;
  }
}

function unique(list: readonly Uint8Array[]): Buffer[] {
  return [...new Map(list.map((bytes) => [hex(bytes), Buffer.from(bytes)])).values()];
}

describeUnless(elsewhere(suitesMissing), 'public suites', () => {
  const cases = suitesMissing === null ? [...pkitsCases(), ...limboCases()] : [];
  const certificates = unique(
    cases.flatMap((c) => [c.check.certificate, ...c.check.trustAnchors, ...(c.check.intermediates ?? [])]),
  );
  const crls = unique(cases.flatMap((c) => c.check.crls ?? []));

  it('every certificate reads the same', () => {
    let both = 0;
    const oursOnly: string[] = [];
    // The pathological certificates of the suite take pkijs seconds each; ours reads them in
    // test/certificate/conformance.test.ts.
    const ordinary = certificates.filter((der) => der.length <= 8192);
    for (const der of ordinary) {
      const ours = attempt(() => parseCertificate(der));
      const theirs = attempt(() => fieldsOfPkijs(der));
      if (ours === null) continue;
      if (theirs === null) oursOnly.push(hex(ours.serial));
      else expect(fieldsOfOurs(ours)).toEqual(theirs);
      both += theirs === null ? 0 : 1;
    }
    process.stdout.write(
      `\n${ordinary.length} certificates: ${both} read by both and equal, ${oursOnly.length} by ours alone, ${ordinary.length - both - oursOnly.length} refused by ours\n`,
    );
    expect(both).toBeGreaterThan(ordinary.length * 0.95);
  });

  it('every CRL reads the same, entry by entry', () => {
    let entries = 0;
    for (const der of crls) {
      const ours = attempt(() => parseCrl(der));
      if (ours !== null) entries += compareCrl(ours, der);
    }
    process.stdout.write(`\n${crls.length} CRLs with ${entries} entries read the same\n`);
    expect(entries).toBeGreaterThanOrEqual(48);
  });
});

function compareCrl(ours: Crl, der: Buffer): number {
  const theirs = pkijs.CertificateRevocationList.fromBER(der);
  expect({
    issuer: hex(ours.issuer),
    thisUpdate: ours.thisUpdate,
    nextUpdate: ours.nextUpdate,
    tbs: hex(ours.tbs),
    version: ours.version - 1,
    signature: hex(ours.signature),
  }).toEqual({
    issuer: hex(theirs.issuer.toSchema().toBER()),
    thisUpdate: seconds(theirs.thisUpdate),
    nextUpdate: theirs.nextUpdate === undefined ? null : seconds(theirs.nextUpdate),
    tbs: hex(theirs.tbsView),
    version: theirs.version,
    signature: hex(theirs.signatureValue.valueBlock.valueHexView),
  });
  const list = theirs.revokedCertificates ?? [];
  expect(ours.indexed.entryCount).toBe(list.length);
  for (const entry of list) {
    const serial = Buffer.from(entry.userCertificate.valueBlock.valueHexView);
    expect(entriesFor(ours, serial, () => true).map((e) => e.revokedAt)).toContain(seconds(entry.revocationDate));
  }
  return list.length;
}

describe('generated input', () => {
  const authority = makeAuthority(ecKey());

  it('a CRL of 500 entries reads the same; pkijs reads none of 5,000', () => {
    const der = makeLargeCrl(authority, 500, { thisUpdate: NOW });
    expect(compareCrl(parseCrl(der), der)).toBe(500);
    const larger = makeLargeCrl(authority, 5000, { thisUpdate: NOW });
    expect(parseCrl(larger).indexed.entryCount).toBe(5000);
    expect(() => pkijs.CertificateRevocationList.fromBER(larger)).toThrow();
  });

  it('CRL fields read the same with and without what is optional', () => {
    for (const changes of [
      {},
      { nextUpdate: null },
      { version: 1 as const, number: null, authorityKey: null },
      { entries: [{ serial: 5, revokedAt: NOW, extensions: [crlExt.reason(6)] }] },
      { thisUpdate: NOW + 9000 * DAY, nextUpdate: NOW + 9001 * DAY },
    ]) {
      const der = makeCrl({ issuer: authority, thisUpdate: NOW, ...changes });
      compareCrl(parseCrl(der), der);
    }
  });

  it('OCSP answers read the same', () => {
    for (const key of [ecKey(), rsaKey()]) {
      const issuer = makeAuthority(key);
      const common = { issuer, serial: 0x7f00ff, thisUpdate: NOW - 60 };
      for (const changes of [
        { nextUpdate: NOW + 900, nonce: Buffer.alloc(32, 1) },
        { byKey: true },
        { status: 'unknown' as const },
        { status: { revokedAt: NOW - 99, reason: 4 } },
        { certificates: [issuer.certificate] },
        { hash: 'sha256' as const, more: [makeSingleResponse({ ...common, serial: 6 })] },
      ]) {
        const der = makeOcspResponse({ ...common, ...changes });
        const ours = parseOcspResponse(der);
        if ('error' in ours) throw new Error(ours.error);
        const theirs = pkijs.BasicOCSPResponse.fromBER(
          pkijs.OCSPResponse.fromBER(der).responseBytes!.response.valueBlock.valueHexView,
        );
        expect({
          tbs: hex(ours.tbs),
          signature: hex(ours.signature),
          producedAt: ours.producedAt,
          certificates: ours.certificates.map((c) => hex(c.der)),
          extensions: ourExtensions(ours.extensions),
          responses: ours.responses.map((r) => [
            r.certId.hashOid,
            hex(r.certId.issuerNameHash),
            hex(r.certId.issuerKeyHash),
            hex(r.certId.serial),
            r.thisUpdate,
            r.nextUpdate,
          ]),
        }).toEqual({
          tbs: hex(theirs.tbsResponseData.tbsView),
          signature: hex(theirs.signature.valueBlock.valueHexView),
          producedAt: theirs.tbsResponseData.producedAt.getTime() / 1000,
          certificates: (theirs.certs ?? []).map((c) => hex(c.toSchema(false).toBER())),
          extensions: extensionList(theirs.tbsResponseData.responseExtensions),
          responses: theirs.tbsResponseData.responses.map((r) => [
            r.certID.hashAlgorithm.algorithmId,
            hex(r.certID.issuerNameHash.valueBlock.valueHexView),
            hex(r.certID.issuerKeyHash.valueBlock.valueHexView),
            hex(r.certID.serialNumber.valueBlock.valueHexView),
            r.thisUpdate.getTime() / 1000,
            r.nextUpdate === undefined ? null : r.nextUpdate.getTime() / 1000,
          ]),
        });
      }
    }
  });

  it('ours refuses BER that pkijs reads', () => {
    const der = authority.certificate;
    const longForm = Buffer.concat([Buffer.of(0x30, 0x83, 0), der.subarray(2)]);
    expect(der[1]).toBe(0x82);
    expect(() => pkijs.Certificate.fromBER(longForm)).not.toThrow();
    expect(() => parseCertificate(longForm)).toThrow(DerError);
    expect(() => pkijs.Certificate.fromBER(Buffer.concat([der, Buffer.of(0)]))).not.toThrow();
    expect(() => parseCertificate(Buffer.concat([der, Buffer.of(0)]))).toThrow(DerError);
  });
});
