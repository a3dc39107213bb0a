import { readFileSync } from 'node:fs';
import {
  CheckpointOutlets,
  type OutletName,
  type OutletStatus,
} from '../../../application/ports/audit/checkpoint-outlets.js';
import { parseWitnessKey } from '../../../domain/audit/log/cosignature.js';
import { NoteFormatError } from '../../../domain/audit/log/signed-note.js';
import type { TimestampAuthority } from '../../../application/ports/audit/timestamp-authority.js';
import { splitSource, trustAnchor, type TrustAnchor } from '../../x509/path/trust-anchors.js';
import { ConfigError, readSettingFile, type Config } from '../../settings/config.js';
import { serviceTls } from '../../settings/service-tls.js';
import { checkpointTopic } from '../../kafka/kafka-checkpoint-topic.js';
import { HttpTimestampAuthority, NoTimestampAuthority } from '../../timestamp/http-timestamp-authority.js';
import { OutletRunner, type Outlet } from './checkpoint-outlet.js';
import { folderOutlet, kafkaOutlet, timestampOutlet, urlOutlet } from './outlets.js';
import { sha256 } from '../digest.js';
import type { TileLog } from '../log/tile-log.js';
import { witnessOutlet, type Witness } from './witnesses.js';

/** The authority that the settings name. @throws {ConfigError} for anchors that are none */
export function timestampAuthority(config: Config): TimestampAuthority {
  const {
    tsaUrl,
    tsaAnchorFiles,
    tsaPolicyOid,
    tsaTimeoutMs,
    tsaClockSeconds,
    tsaUsername,
    tsaPasswordFile,
    tsaCrlUrls,
  } = config.values;
  if (tsaUrl === null) return new NoTimestampAuthority();
  const basic =
    tsaUsername === null || tsaPasswordFile === null ? null : { username: tsaUsername, passwordFile: tsaPasswordFile };
  if (basic) readSettingFile('HONNIN_TSA_PASSWORD_FILE', basic.passwordFile);
  return new HttpTimestampAuthority({
    url: tsaUrl,
    anchors: timestampAnchors(tsaAnchorFiles),
    policy: tsaPolicyOid,
    timeoutMs: tsaTimeoutMs,
    clockToleranceMs: tsaClockSeconds * 1000,
    crlUrls: tsaCrlUrls,
    basic,
    tls: serviceTls(config, 'tsa'),
  });
}

/** Anchors of timestamp authorities out of files. @throws {ConfigError} naming the file */
export function timestampAnchors(files: readonly string[], env = 'HONNIN_TSA_ANCHORS'): readonly TrustAnchor[] {
  return files.flatMap((file) => {
    try {
      return splitSource(readFileSync(file)).map((der) => trustAnchor(der));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const detail = code === undefined ? `is not a certificate (${message})` : `cannot be read (${code})`;
      throw new ConfigError([`${env}=${file}: ${detail}`]);
    }
  });
}

/** @throws {ConfigError} for a key that is none */
function witnessOf({ url, key }: { readonly url: string; readonly key: string }): Witness {
  try {
    return { url, key: parseWitnessKey(key, sha256) };
  } catch (error) {
    if (error instanceof NoteFormatError) throw new ConfigError([`HONNIN_WITNESSES: ${error.message}`]);
    throw error;
  }
}

/** Time between two deliveries of each outlet that is configured. */
export function outletIntervals({ values }: Config): ReadonlyMap<OutletName, number> {
  const copyMs = values.auditCopySeconds * 1000;
  const all: [OutletName, boolean, number][] = [
    ['timestamp', values.tsaUrl !== null, values.tsaSeconds * 1000],
    ['folder', values.auditCopyFolder !== null, copyMs],
    ['url', values.auditCopyUrl !== null, copyMs],
    ['kafka', values.auditCopyKafkaBrokers.length > 0, copyMs],
    ['witness', values.witnesses.length > 0, values.witnessSeconds * 1000],
  ];
  return new Map(all.filter(([, isConfigured]) => isConfigured).map(([name, , everyMs]) => [name, everyMs]));
}

/** Every configured way on which checkpoints get out, each with its own loop: one that is stuck holds no other up. */
export class ConfiguredOutlets extends CheckpointOutlets {
  private readonly runners: readonly OutletRunner[];

  constructor(outlets: readonly Outlet[], log: TileLog) {
    super();
    this.runners = outlets.map((outlet) => new OutletRunner(outlet, log));
  }

  static from(config: Config, log: TileLog, authority: TimestampAuthority): ConfiguredOutlets {
    const { auditCopyFolder, auditCopyUrl, witnesses, witnessesNeeded } = config.values;
    const topic = checkpointTopic(config);
    const make: Record<OutletName, (everyMs: number) => Outlet | null> = {
      timestamp: (everyMs) => (authority.configured ? timestampOutlet(authority, log, everyMs) : null),
      folder: (everyMs) => (auditCopyFolder === null ? null : folderOutlet(auditCopyFolder, everyMs)),
      url: (everyMs) => (auditCopyUrl === null ? null : urlOutlet(auditCopyUrl, everyMs)),
      witness: (everyMs) =>
        witnesses.length === 0
          ? null
          : witnessOutlet(witnesses.map(witnessOf), witnessesNeeded ?? witnesses.length, log, everyMs),
      kafka: (everyMs) => (topic === null ? null : kafkaOutlet(topic, everyMs)),
    };
    return new ConfiguredOutlets(
      [...outletIntervals(config)].flatMap(([name, everyMs]) => make[name](everyMs) ?? []),
      log,
    );
  }

  start(): this {
    for (const runner of this.runners) runner.start();
    return this;
  }

  async stop(): Promise<void> {
    await Promise.all(this.runners.map((runner) => runner.stop()));
  }

  override status(): readonly OutletStatus[] {
    return this.runners.map((runner) => runner.status());
  }
}
