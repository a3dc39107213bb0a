import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { sign, createPrivateKey } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CertificateVerdict } from '../../src/application/ports/outside/certificate-verifier.js';
import { certificateVerifier } from '../../src/infrastructure/jpki/configured-verifiers.js';
import { UnconfiguredCertificateVerifier } from '../../src/infrastructure/unconfigured.js';
import { Config, ConfigError } from '../../src/infrastructure/settings/config.js';
import { startJpkiServer, type JpkiServer } from '../../src/sandbox/jpki/jpki-server.js';
import type { SyntheticCard } from '../../src/sandbox/card/synthetic-card.js';

/** The verifier as the settings build it, against the stand-in for the authentication server, which writes its
 * certificates, OCSP answers and CRLs with code of its own. */

const folder = mkdtempSync(path.join(tmpdir(), 'stand-in-'));
const JP2 = Buffer.concat([Buffer.from('0000000c6a5020200d0a870a', 'hex'), Buffer.alloc(500, 1)]);
let jpki: JpkiServer;
let cards: Record<'good' | 'revoked' | 'next', SyntheticCard>;

beforeAll(async () => {
  jpki = await startJpkiServer({ print: () => undefined });
  const both = ['user_authentication', 'digital_signature'] as const;
  cards = {
    good: await jpki.issueCard({ faceImage: JP2, certificateTypes: both }),
    revoked: await jpki.issueCard({ faceImage: JP2, certificateTypes: both }),
    next: await jpki.issueCard({ faceImage: JP2, keyAlgorithm: 'P-384' }),
  };
  jpki.revoke(cards.revoked, 'affiliation_changed');
  writeFileSync(path.join(folder, 'auth.pem'), jpki.anchorsPem.user_authentication);
  writeFileSync(path.join(folder, 'sign.der'), jpki.anchors.digital_signature);
}, 180_000);
afterAll(async () => {
  await jpki.close();
  rmSync(folder, { recursive: true });
});

let folders = 0;
function config(changes: Record<string, string> = {}): Config {
  return Config.from({
    HONNIN_ENVIRONMENT: 'test',
    HONNIN_DATA: path.join(folder, `data-${folders++}`),
    HONNIN_JPKI_AUTH_ANCHORS: path.join(folder, 'auth.pem'),
    HONNIN_JPKI_SIGN_ANCHORS: path.join(folder, 'sign.der'),
    HONNIN_JPKI_OCSP_URL: jpki.ocspUrl,
    HONNIN_JPKI_CRL_AUTH_URL: jpki.crlUrls.user_authentication,
    HONNIN_JPKI_CRL_SIGN_URL: jpki.crlUrls.digital_signature,
    HONNIN_JPKI_TIMEOUT_MS: '2000',
    ...changes,
  });
}

type Type = 'user_authentication' | 'digital_signature';
async function verify(settings: Config, card: SyntheticCard, type: Type = 'user_authentication'): Promise<string> {
  const signedBytes = Buffer.from('envelope');
  const key = createPrivateKey(card.toJson().certificates[type]!.privateKey);
  const signature = sign(key.asymmetricKeyType === 'rsa' ? 'sha256' : 'sha384', signedBytes, key);
  return short(
    await certificateVerifier(settings).verify({
      certificate: card.certificate(type),
      certificateType: type,
      signedBytes,
      signature,
      at: new Date().toISOString(),
    }),
  );
}

function short(v: CertificateVerdict): string {
  return v.verdict === 'unknown'
    ? `unknown: ${v.cause}`
    : `${v.verdict} by ${v.evidence.method}${v.verdict === 'invalid' ? `: ${v.reason}` : ''}`;
}

// @req R6
describe('the configured verifier against the stand-in', () => {
  it.each(['ocsp', 'crl', 'ocsp-then-crl', 'crl-then-ocsp'])(
    'judges both certificates of a card by %s',
    async (order) => {
      const method = order.split('-')[0]!;
      const settings = config({ HONNIN_JPKI_STATUS_ORDER: order });
      for (const type of ['user_authentication', 'digital_signature'] as const) {
        expect(await verify(settings, cards.good, type)).toBe(`valid by ${method}`);
        expect(await verify(settings, cards.revoked, type)).toBe(`invalid by ${method}: revoked`);
      }
      expect(await verify(settings, cards.next)).toBe(`valid by ${method}`);
    },
  );

  it('falls back to the CRL while the responder fails, and keeps the CRL in the data folder', async () => {
    const settings = config({ HONNIN_JPKI_STATUS_ORDER: 'ocsp-then-crl' });
    jpki.ocspFaults.play(['http500']);
    expect(await verify(settings, cards.good)).toBe('valid by crl');
    const kept = settings.inData('auth.crl');
    expect(existsSync(kept) && readFileSync(kept)[0]).toBe(0x30);
  });

  it.each(['stale', 'badSignature', 'garbage', 'truncated', 'ofOtherAuthority', 'http500', 'drop'] as const)(
    'leaves a card undecided when the CRL is %s',
    async (fault) => {
      jpki.crlFaults.play([fault]);
      expect(await verify(config({ HONNIN_JPKI_STATUS_ORDER: 'crl' }), cards.good)).toMatch(/^unknown: /);
      expect(await verify(config({ HONNIN_JPKI_STATUS_ORDER: 'crl' }), cards.good)).toBe('valid by crl');
    },
  );

  it('says at the start which address a status order needs', () => {
    expect(() =>
      certificateVerifier(
        config({
          HONNIN_JPKI_STATUS_ORDER: 'ocsp-then-crl',
          HONNIN_JPKI_CRL_AUTH_URL: '',
          HONNIN_JPKI_CRL_SIGN_URL: '',
        }),
      ),
    ).toThrow(ConfigError);
    expect(() => certificateVerifier(config({ HONNIN_JPKI_STATUS_ORDER: 'ocsp', HONNIN_JPKI_OCSP_URL: '' }))).toThrow(
      ConfigError,
    );
    expect(certificateVerifier(config({ HONNIN_JPKI_AUTH_ANCHORS: '', HONNIN_JPKI_SIGN_ANCHORS: '' }))).toBeInstanceOf(
      UnconfiguredCertificateVerifier,
    );
  });
});
