import { CertificateVerifier, type CertificateVerdict } from '../application/ports/outside/certificate-verifier.js';
import { GovernmentRegistry } from '../application/ports/outside/government-registry.js';
import type { GovernmentAnswer } from '../domain/registration/registration.js';

/** Stands where no authentication server is configured: says that it does not know, so that requests wait instead of
 * being refused. */
export class UnconfiguredCertificateVerifier extends CertificateVerifier {
  readonly algorithm = { id: 'unconfigured', version: '1' };

  override async verify(): Promise<CertificateVerdict> {
    return {
      verdict: 'unknown',
      cause: 'no_status_source',
      detail: 'no trust anchors or no status source are configured',
    };
  }
}

/** Stands where no government server is configured: nothing is sent, and the request waits. */
export class UnconfiguredGovernmentRegistry extends GovernmentRegistry {
  override async submit(): Promise<GovernmentAnswer> {
    return { answer: 'unknown', cause: 'not_configured' };
  }

  override async ask(): Promise<GovernmentAnswer> {
    return { answer: 'unknown', cause: 'not_configured' };
  }
}
