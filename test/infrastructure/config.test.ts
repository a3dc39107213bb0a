import { describe, expect, it } from '@jest/globals';
import { Config, ConfigError } from '../../src/infrastructure/settings/config.js';

describe('configuration', () => {
  it('works with nothing set', () => expect(Config.from({}).values.port).toBe(8080));

  it('names every faulty and every misspelt setting at once', () => {
    expect(() => Config.from({ HONNIN_PORT: 'abc', HONNIN_PROT: '1', HONNIN_TLS_CERT: 'cert.pem' })).toThrow(
      ConfigError,
    );
    expect(() => Config.from({ HONNIN_PORT: 'abc', HONNIN_PROT: '1', HONNIN_TLS_CERT: 'cert.pem' })).toThrow(
      /HONNIN_PORT=abc[^]*HONNIN_PROT[^]*HONNIN_TLS_KEY/,
    );
  });

  it.each([
    [{}, false],
    [{ HONNIN_JPKI_AUTH_ANCHORS: 'a.pem' }, false],
    [{ HONNIN_JPKI_OCSP_URL: 'http://127.0.0.1/ocsp' }, false],
    [{ HONNIN_JPKI_AUTH_ANCHORS: 'a.pem', HONNIN_JPKI_OCSP_URL: 'http://127.0.0.1/ocsp' }, true],
    [
      {
        HONNIN_JPKI_SIGN_ANCHORS: 'a.pem',
        HONNIN_JPKI_CRL_SIGN_URL: 'http://127.0.0.1/crl',
        HONNIN_JPKI_STATUS_ORDER: 'crl',
      },
      true,
    ],
  ])('with %j certificates can be checked: %s', (environment, expected) =>
    expect(Config.from(environment as Record<string, string>).canCheckCertificates).toBe(expected),
  );
});
