import type { GovernmentRegistry } from '../../application/ports/outside/government-registry.js';
import { readOwnTls, type OwnTls } from '../http/own-tls.js';
import { readSettingFile, SETTINGS, type Config } from '../settings/config.js';
import { UnconfiguredGovernmentRegistry } from '../unconfigured.js';
import { HttpGovernmentRegistry } from './http-government-registry.js';

/** How the government server is met, where it asks for more than others do. */
export function governmentTls({ values }: Config): OwnTls | null {
  return readOwnTls({
    caFile: values.governmentCaFile,
    certFile: values.governmentCertFile,
    keyFile: values.governmentKeyFile,
  });
}

/** The government server as the settings describe it. */
export function governmentRegistry(config: Config): GovernmentRegistry {
  const { governmentUrl: url, governmentTokenFile, governmentTimeoutMs: timeoutMs } = config.values;
  if (url === null) return new UnconfiguredGovernmentRegistry();
  const token =
    governmentTokenFile === null
      ? null
      : readSettingFile(SETTINGS.governmentTokenFile.env, governmentTokenFile).toString('utf8').trim();
  return new HttpGovernmentRegistry({ url, token, timeoutMs, tls: governmentTls(config) });
}
