import { X509Certificate } from 'node:crypto';

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a file, PEM (several blocks) or DER. @returns null where there is none, or one that is none */
export function certificatesIn(bytes: Buffer): readonly X509Certificate[] | null {
  const pem = bytes.toString('latin1').match(PEM_CERTIFICATE);
  try {
    return (pem ?? [bytes]).map((one) => new X509Certificate(one));
  } catch {
    // Whatever it is: the caller says what a certificate looks like.
    return null;
  }
}
