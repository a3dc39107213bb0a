import type { CliCommand } from '../command.js';
import { runStatusTool, STATUS_EXIT_HELP, STATUS_OPTIONS_HELP } from './verify-status.js';

export const command: CliCommand = {
  help: `
Says what a CRL proves about a certificate, with the rules of the server: who signed, what it covers, when. Delta CRLs, indirect
CRLs and CRLs for some of the reasons never make a certificate good here.

  ./honnin verify-crl --issuer FILE --cert FILE [OPTIONS] CRL
  ./honnin verify-crl --batch [FILE]

${STATUS_OPTIONS_HELP}

${STATUS_EXIT_HELP}
A batch line: {"id", "issuer": base64 DER, "certificate": base64 DER, "crl": base64 DER, "at", "maxStatusAgeSeconds",
"issuerTrustedByKey", "allowSha1ForTest"}; out: {"id", "status", "reason", "detail", "elapsedMs"}.

Example
  ./honnin verify-crl --issuer auth-root.pem --cert card.der auth.crl
`,
  run: (args) => runStatusTool(args, 'crl'),
};
