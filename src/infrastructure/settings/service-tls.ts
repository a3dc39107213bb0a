import { fetchOver, readOwnTls, type OwnTls } from '../http/own-tls.js';
import type { Config } from './config.js';

type Service = 'authority' | 'link' | 'government' | 'oidc' | 'tsa';

/** How a service is met that has a certificate of its own authority or demands one of ours. Files are read when it is
 *  asked for. @returns null where the settings name none */
export function serviceTls({ values }: Config, service: Service): OwnTls | null {
  return readOwnTls({
    caFile: values[`${service}CaFile`],
    certFile: values[`${service}CertFile`],
    keyFile: values[`${service}KeyFile`],
  });
}

/** Asks it as `fetch` does. @returns nothing where the settings name no files for it */
export function serviceFetch(
  config: Config,
  service: Service,
): { readonly fetch?: (url: string, init: RequestInit) => Promise<Response> } {
  const tls = serviceTls(config, service);
  return tls === null ? {} : { fetch: (url, init) => fetchOver(tls, url, init) };
}
