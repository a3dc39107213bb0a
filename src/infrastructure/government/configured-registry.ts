import type { GovernmentRegistry } from '../../application/ports/outside/government-registry.js';
import { readSettingFile, SETTINGS, type Config } from '../settings/config.js';
import { serviceTls } from '../settings/service-tls.js';
import { UnconfiguredGovernmentRegistry } from '../unconfigured.js';
import { HttpGovernmentRegistry } from './http-government-registry.js';

/** The government server as the settings describe it. */
export function governmentRegistry(config: Config): GovernmentRegistry {
  const { governmentUrl: url, governmentTokenFile, governmentTimeoutMs: timeoutMs } = config.values;
  if (url === null) return new UnconfiguredGovernmentRegistry();
  const token =
    governmentTokenFile === null
      ? null
      : readSettingFile(SETTINGS.governmentTokenFile.env, governmentTokenFile).toString('utf8').trim();
  return new HttpGovernmentRegistry({ url, token, timeoutMs, tls: serviceTls(config, 'government') });
}
