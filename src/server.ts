import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import { Logger as NestLogger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { ApiSettings, DEFAULT_TURNS, DEFAULT_UPLOADS } from './api/api-settings.js';
import { createApp } from './api/create-app.js';
import { createLog } from './api/log.js';
import { AppModule } from './app.module.js';
import { consoleFolder, version } from './console/build-page.js';
import { certificatesIn } from './infrastructure/settings/certificate-files.js';
import { Config, ConfigError, settingsInForce, urlOf } from './infrastructure/settings/config.js';
import { serviceFetch } from './infrastructure/settings/service-tls.js';
import { EventStoreUnavailableError } from './application/ports/store/event-store.js';
import { InstallationError } from './infrastructure/installation/installation.js';
import { Foundation } from './infrastructure/installation/foundation.js';
import type { WaitingDoor } from './api/edge/waiting-door.js';
import { PatientStart, type Waiting } from './patient-start.js';

export interface RunningServer {
  /** Base address without a trailing slash. */
  readonly url: string;
  /** What an operator should know of this start, one sentence each. */
  readonly remarks: readonly string[];
  /** Ends gracefully: requests finish, effects under way finish, everything is closed. */
  close(): Promise<void>;
}

export interface StartOptions {
  /** 32 bytes that no file has. What they open ends with this process. */
  readonly masterKey?: Uint8Array;
  /** Whether SIGINT and SIGTERM end the server and the process. Default: true. */
  readonly takesSignals?: boolean;
  /** Told why the server cannot start yet, each time that the reason is another one. */
  readonly onWaiting?: (waiting: Waiting) => void;
}

/** Starts the server with settings from environment variables: the one program of claims 8 to 10, in both variants.
 *  Where the event store is elsewhere and away, or elects a leader, it waits, live and not ready. @req R21 R22 R23 R24
 *
 *  @throws {ConfigError} for wrong settings, {EventStoreUnavailableError} when another server works in the data
 *  folder or on the store, or when the store does not let us in, {InstallationError} when parts are missing or do not
 *  belong together. */
export async function startServer(
  environment: Readonly<Record<string, string | undefined>>,
  { masterKey, takesSignals = true, onWaiting = () => {} }: StartOptions = {},
): Promise<RunningServer> {
  const config = Config.from(environment, { isServing: true, ...(masterKey !== undefined && { masterKey }) });
  const { host, port } = config.values;
  const settings = await apiSettings(config);
  const log = createLog(settings);
  log.info({ version: version(), node: process.version, settings: settingsInForce(config) }, 'starting');
  const patience = new PatientStart(config, settings, { takesSignals, onWaiting });
  const server = await patience.build(() => BuiltServer.of(config, settings, log));
  const running = await server.listen({ host, port }, patience.door);
  if (takesSignals) running.enableShutdownHooks();
  // Nothing can be read or written any more; what is under way ends with that, and the process with it.
  server.foundation.whenLost((message) => {
    new NestLogger('Server').fatal(message);
    void running.close();
  });
  const address = running.getHttpServer().address() as { readonly port: number };
  const remarks = [
    ...config.productionFaults.map((fault) => `production would refuse ${fault}`),
    ...config.gaps,
    ...server.foundation.remarks,
  ];
  const url = urlOf(config, address.port);
  for (const remark of remarks) log.warn(remark);
  log.info({ url }, 'listening');
  server.foundation.whenClosed(() => log.info({ url }, 'stopped'));
  return { url, remarks, close: () => running.close() };
}

/** Whether a start failed for what an operator can put right: settings, another server, parts, a port; no bug. */
export function isOfOperators(error: unknown): error is Error {
  const kinds = [ConfigError, EventStoreUnavailableError, InstallationError];
  return error instanceof Error && (kinds.some((kind) => error instanceof kind) || 'code' in error);
}

/** The whole server, ready to listen. Whatever was opened on the way is closed again where it fails, or the process
 *  would not end and keep the data folder. */
class BuiltServer {
  private constructor(
    private readonly app: NestFastifyApplication,
    readonly foundation: Foundation,
  ) {}

  static async of(config: Config, settings: ApiSettings, log: Logger): Promise<BuiltServer> {
    const foundation = await Foundation.open(config);
    let app: NestFastifyApplication | null = null;
    try {
      app = await createApp(AppModule.with(config, settings, foundation), settings, log);
      await app.init();
      return new BuiltServer(app, foundation);
    } catch (error) {
      await app?.close();
      await foundation.close();
      throw error;
    }
  }

  /** @param door what listens already, and is followed without a moment in which nothing listens; null: nothing */
  async listen(
    where: { readonly host: string; readonly port: number },
    door: WaitingDoor | null,
  ): Promise<NestFastifyApplication> {
    try {
      await this.app.listen(door?.successor(where) ?? where);
      door?.retire();
      return this.app;
    } catch (error) {
      await door?.close();
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.foundation.close();
  }
}

/** The file was looked at before. */
const authoritiesIn = (bytes: Buffer): readonly string[] => (certificatesIn(bytes) ?? []).map(String);

/** One page costs as much as so many other answers. */
const PAGES_OF_OTHERS = 20;

async function apiSettings(config: Config): Promise<ApiSettings> {
  const { values } = config;
  const {
    connections,
    connectionsPerAddress,
    boothPlaces,
    challengePlaces,
    challengePlacesPerAddress,
    sharedPlaces,
    streamsPerReceipt,
    streamsPerAddress,
    clientAddressHeader,
    refusalsPerAddress,
    refusals,
    strangersPerSecond,
    othersPerSecond,
  } = values;
  const { question, shown, stranger: unshown, page, other } = DEFAULT_TURNS;
  const { booth, challenge, stranger } = DEFAULT_UPLOADS;
  const {
    oidcIssuer,
    oidcAudience,
    oidcJwksUrl,
    oidcRolesClaim,
    tlsCertFile,
    tlsKeyFile,
    trustProxy,
    metricsToken,
    operatorPort,
    operatorHost,
    logLevel,
    challengesPerMinute,
    registrationsPerMinute,
    statusPerMinute,
    photoChecksPerMinute,
  } = values;
  return new ApiSettings({
    console: {
      clientId: values.consoleClientId,
      clientSecret: values.consoleClientSecret,
      scope: values.consoleScope,
      url: values.consoleUrl,
      folder: consoleFolder(),
    },
    oidc:
      oidcIssuer === null
        ? null
        : {
            issuer: oidcIssuer,
            audience: oidcAudience,
            jwksUri: oidcJwksUrl,
            rolesClaim: oidcRolesClaim,
            ...serviceFetch(config, 'oidc'),
          },
    tls:
      tlsCertFile === null || tlsKeyFile === null
        ? null
        : { cert: await readFile(tlsCertFile, 'utf8'), key: await readFile(tlsKeyFile, 'utf8') },
    boothCertificates:
      values.boothCertificates === 'off' || values.boothCertificatesCaFile === null
        ? null
        : {
            mode: values.boothCertificates,
            authorities: authoritiesIn(await readFile(values.boothCertificatesCaFile)),
            header: values.boothCertificatesHeader,
          },
    rateLimits: { challengesPerMinute, registrationsPerMinute, statusPerMinute, photoChecksPerMinute },
    limits: {
      connectionsMax: connections,
      connectionsPerAddressMax: connectionsPerAddress,
      eventStreamsPerReceiptMax: streamsPerReceipt,
      eventStreamsPerAddressMax: streamsPerAddress,
    },
    uploads: {
      booth: { ...booth, placesMax: boothPlaces },
      challenge: { ...challenge, placesMax: challengePlaces, perHolderMax: challengePlacesPerAddress },
      stranger: { ...stranger, placesMax: sharedPlaces },
    },
    turns: {
      question: { ...question, perSecondBeside: strangersPerSecond },
      shown: { ...shown, perSecondBeside: strangersPerSecond },
      stranger: { ...unshown, perSecondBeside: Math.max(1, strangersPerSecond / 2) },
      page: { ...page, perSecondBeside: Math.max(1, othersPerSecond / PAGES_OF_OTHERS) },
      other: { ...other, perSecondBeside: othersPerSecond },
    },
    trustProxy,
    clientAddressHeader,
    refusals: { perSourcePerMinute: refusalsPerAddress, perMinute: refusals },
    metricsToken,
    operatorPort: operatorPort === null ? null : { host: operatorHost, port: operatorPort },
    logLevel,
  });
}
