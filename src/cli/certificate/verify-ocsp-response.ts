import type { CliCommand } from '../command.js';
import { runStatusTool, STATUS_EXIT_HELP, STATUS_OPTIONS_HELP } from './verify-status.js';

export const command: CliCommand = {
  help: `
Says what an OCSP response proves about a certificate, with the rules of the server: who signed, for which certificate, when.

  ./honnin verify-ocsp-response --issuer FILE --cert FILE [OPTIONS] RESPONSE
  ./honnin verify-ocsp-response --batch [FILE]

${STATUS_OPTIONS_HELP}
  --nonce HEX              the nonce that the response must carry

${STATUS_EXIT_HELP}
A batch line: {"id", "issuer": base64 DER, "certificate": base64 DER, "response": base64 DER, "nonce": hex, "at",
"maxStatusAgeSeconds", "issuerTrustedByKey", "allowSha1ForTest"}; out: {"id", "status", "reason", "detail", "elapsedMs"}.

Example
  ./honnin verify-ocsp-response --issuer auth-root.pem --cert card.der --at 2026-11-23T05:02:00Z kept.ors
`,
  run: (args) => runStatusTool(args, 'ocsp'),
};
