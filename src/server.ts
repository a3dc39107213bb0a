import 'reflect-metadata';
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ApiSettings, DEFAULT_UPLOADS } from './api/api-settings.js';
import { createApp } from './api/create-app.js';
import { AppModule } from './app.module.js';
import { Config } from './infrastructure/config.js';

export interface RunningServer {
  /** Base address without a trailing slash. */
  readonly url: string;
  /** Ends gracefully: requests finish, effects under way finish, everything is closed. */
  close(): Promise<void>;
}

/** Starts the server with settings from environment variables: the one program of claims 8 to 10, in both variants. @req R21 R22 R23 R24
 *
 *  @throws {ConfigError} for wrong settings, an error in plain words when the data folder is in use. */
export async function startServer(environment: Readonly<Record<string, string | undefined>>): Promise<RunningServer> {
  const config = Config.from(environment);
  const { host, port } = config.values;
  mkdirSync(config.inData(), { recursive: true, mode: 0o700 });
  const settings = await apiSettings(config);
  const app = await createApp(AppModule.with(config, settings), settings);
  await app.listen({ host, port });
  const address = app.getHttpServer().address() as { readonly port: number };
  return { url: `${settings.tls ? 'https' : 'http'}://${host}:${address.port}`, close: () => app.close() };
}

async function apiSettings({ values }: Config): Promise<ApiSettings> {
  const { connections, connectionsPerAddress, boothPlaces, challengePlaces, challengePlacesPerAddress, sharedPlaces, streamsPerReceipt, streamsPerAddress, clientAddressHeader, refusalsPerAddress, refusals } = values;
  const { booth, challenge, stranger } = DEFAULT_UPLOADS;
  const { oidcIssuer, oidcAudience, oidcJwksUrl, oidcRolesClaim, tlsCertFile, tlsKeyFile, trustProxy, metricsToken, logLevel, challengesPerMinute, registrationsPerMinute, statusPerMinute, photoChecksPerMinute } = values;
  return new ApiSettings({
    oidc: oidcIssuer === null ? null : { issuer: oidcIssuer, audience: oidcAudience, jwksUri: oidcJwksUrl, rolesClaim: oidcRolesClaim },
    tls: tlsCertFile === null || tlsKeyFile === null ? null : { cert: await readFile(tlsCertFile, 'utf8'), key: await readFile(tlsKeyFile, 'utf8') },
    rateLimits: { challengesPerMinute, registrationsPerMinute, statusPerMinute, photoChecksPerMinute },
    limits: { connectionsMax: connections, connectionsPerAddressMax: connectionsPerAddress, eventStreamsPerReceiptMax: streamsPerReceipt, eventStreamsPerAddressMax: streamsPerAddress },
    uploads: {
      booth: { ...booth, placesMax: boothPlaces },
      challenge: { ...challenge, placesMax: challengePlaces, perHolderMax: challengePlacesPerAddress },
      stranger: { ...stranger, placesMax: sharedPlaces },
    },
    trustProxy,
    clientAddressHeader,
    refusals: { perSourcePerMinute: refusalsPerAddress, perMinute: refusals },
    metricsToken,
    logLevel,
  });
}
