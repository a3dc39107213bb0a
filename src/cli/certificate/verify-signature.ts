import { parseArgs } from 'node:util';
import { CERTIFICATE_RULES } from '../../infrastructure/jpki/certificate-check.js';
import { checkSignatureVector, type SignatureVector } from '../../infrastructure/jpki/offline/offline-status.js';
import {
  elapsedSince,
  neverCrashWithAVerdict,
  readInputFile,
  readOneDer,
  runBatch,
  write,
  type BatchLine,
} from './certificate-input.js';
import { EXIT, UsageError, type CliCommand } from '../command.js';

export const command: CliCommand = {
  help: `
Checks one signature with the code that checks those of certificates, cards, OCSP responses and CRLs.

  ./honnin verify-signature --key FILE --alg NAME --signature FILE MESSAGE
  ./honnin verify-signature --batch [FILE]

  --key FILE             SubjectPublicKeyInfo, PEM or DER
  --alg NAME             sha256WithRSAEncryption, ecdsa-with-SHA384 and their kin; common spellings such as RSA-SHA256 or
                         SHA384withECDSA are understood. RSA is PKCS#1 v1.5, ECDSA signatures are DER
  --signature FILE       the signature's bytes
  --allow-sha1-for-test  for published test suites; the server has no such option
  MESSAGE                file with the signed bytes

Prints one JSON object. Exit code: 0 valid, 1 invalid, 64 wrong usage, 70 internal error. With --batch: 0 when every line got a
verdict, 64 when a line was not a case (verdict "unknown", reason "usage"), 70 when a bug stopped a line.
A batch line: {"id", "spki", "algorithm", "message", "signature", "allowSha1ForTest"}; bytes are base64, or all of them hexadecimal
if the key is. Out: {"id", "verdict", "reason", "detail", "elapsedMs"}.

Example
  ./honnin verify-signature --key card-key.pem --alg sha256WithRSAEncryption --signature envelope.sig envelope.bin
`,
  async run(args) {
    neverCrashWithAVerdict();
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        batch: { type: 'boolean' },
        key: { type: 'string' },
        alg: { type: 'string' },
        signature: { type: 'string' },
        'allow-sha1-for-test': { type: 'boolean' },
      },
    });
    if (positionals.length > 1) throw new UsageError('one message at a time; use --batch for many');
    if (values.batch === true)
      return runBatch(positionals[0], (line) => checkSignatureVector(vectorOf(line)), 'verdict');
    const [message] = positionals;
    if (message === undefined || values.key === undefined || values.alg === undefined || values.signature === undefined)
      throw new UsageError('--key, --alg, --signature and a message file are needed');
    const started = performance.now();
    const verdict = checkSignatureVector({
      spki: readOneDer(values.key),
      algorithm: values.alg,
      message: readInputFile(message),
      signature: readInputFile(values.signature),
      allowSha1ForTest: values['allow-sha1-for-test'],
    });
    await write(
      `${JSON.stringify({ version: CERTIFICATE_RULES.version, ...verdict, elapsedMs: elapsedSince(started) })}\n`,
    );
    return verdict.verdict === 'valid' ? EXIT.ok : EXIT.failed;
  },
};

/** A key is a SEQUENCE, so its first byte is 30: hexadecimal text begins with `30`, base64 with `M`. The rest of the
 * line follows it. */
function vectorOf(line: BatchLine): SignatureVector {
  const hex = /^30(?:[0-9a-fA-F]{2})*$/.test(line.text('spki') ?? '');
  const bytes = (name: string): Buffer => {
    const text = line.text(name);
    if (text === undefined) throw new UsageError(`'${name}' is missing`);
    if (!hex) return line.bytes(name);
    if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw new UsageError(`'${name}' is not hexadecimal, but the key is`);
    return Buffer.from(text, 'hex');
  };
  const algorithm = line.text('algorithm');
  if (algorithm === undefined) throw new UsageError("'algorithm' is missing");
  return {
    spki: bytes('spki'),
    algorithm,
    message: bytes('message'),
    signature: bytes('signature'),
    allowSha1ForTest: line.flag('allowSha1ForTest'),
  };
}
