import { existsSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import ipaddr from 'ipaddr.js';
import { storeAddress } from '../event-store/kurrent/kurrent-address.js';

/** The settings that the table below looks at. One that could not be read is absent. */
export interface JudgedSettings {
  readonly dataDir?: string;
  readonly host?: string;
  readonly tlsCertFile?: string | null;
  readonly eventStore?: string;
  readonly governmentUrl?: string | null;
  readonly linkUrl?: string | null;
  readonly oidcIssuer?: string | null;
  readonly oidcJwksUrl?: string | null;
  readonly kafkaTokenUrl?: string | null;
  readonly auditCopyKafkaTokenUrl?: string | null;
  readonly tsaUrl?: string | null;
  readonly tsaUsername?: string | null;
  readonly masterKeyFile?: string | null;
  readonly serverSecretFile?: string | null;
  readonly governmentTokenFile?: string | null;
}

type Address =
  'governmentUrl' | 'linkUrl' | 'oidcIssuer' | 'oidcJwksUrl' | 'kafkaTokenUrl' | 'auditCopyKafkaTokenUrl' | 'tsaUrl';

/** Addresses over which something secret goes, or something that is believed because of where it comes from. Those
 *  of OCSP, revocation lists, witnesses and copies of checkpoints are not among them: what goes there is public and
 *  signed. */
const SECRET_ADDRESSES: readonly (readonly [Address, string, string])[] = [
  ['governmentUrl', 'HONNIN_GOVERNMENT_URL', 'photographs, certificates and the token of the government server'],
  ['linkUrl', 'HONNIN_JPKI_LINK_URL', 'which certificates and cards belong together'],
  ['oidcIssuer', 'HONNIN_OIDC_ISSUER', 'where the keys are by which sign-ins are believed'],
  ['oidcJwksUrl', 'HONNIN_OIDC_JWKS_URL', 'the keys by which sign-ins are believed'],
  ['kafkaTokenUrl', 'HONNIN_KAFKA_TOKEN_URL', 'the secret for Kafka'],
  ['auditCopyKafkaTokenUrl', 'HONNIN_AUDIT_COPY_KAFKA_TOKEN_URL', 'the secret for Kafka'],
  ['tsaUrl', 'HONNIN_TSA_URL', 'the password of HONNIN_TSA_USERNAME'],
];

const KEY_FILES = [
  ['masterKeyFile', 'HONNIN_MASTER_KEY_FILE'],
  ['serverSecretFile', 'HONNIN_SERVER_SECRET_FILE'],
  ['governmentTokenFile', 'HONNIN_GOVERNMENT_TOKEN_FILE'],
] as const;
/** Bits of a mode that let anybody in but the owner. */
const OTHERS = 0o077;

/** What production refuses of settings that can be read, one sentence each: the one table for the start, which
 *  prints it or refuses, and for `doctor`. What is absent cannot be wrong.
 *   @param options.isKeyInMemory the master key is in no file */
export function productionFaults(
  settings: JudgedSettings,
  { isKeyInMemory }: { readonly isKeyInMemory: boolean },
): readonly string[] {
  return [
    ...listening(settings),
    ...addresses(settings),
    ...keyBesideData(settings, isKeyInMemory),
    ...openFiles(settings),
  ];
}

/** Whether only this machine is reached by a host: an address of the loopback, or its name. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true;
  return ipaddr.isValid(bare) && ipaddr.process(bare).range() === 'loopback';
}

function listening({ host, tlsCertFile }: JudgedSettings): readonly string[] {
  if (host === undefined || isLoopback(host) || tlsCertFile !== null) return [];
  const what = 'booths would send photographs, and people their tokens, over plain http';
  return [
    `HONNIN_HOST=${host}: ${what}; give HONNIN_TLS_CERT and HONNIN_TLS_KEY, or listen on 127.0.0.1 behind a TLS proxy`,
  ];
}

function addresses(settings: JudgedSettings): readonly string[] {
  const plain = SECRET_ADDRESSES.filter(
    ([name]) => isPlain(settings[name]) && (name !== 'tsaUrl' || settings.tsaUsername),
  );
  const faults = plain.map(
    ([name, env, what]) => `${env}=${settings[name]}: ${what} would go over plain http; give an https address`,
  );
  const { eventStore } = settings;
  if (eventStore === undefined || eventStore === 'sqlite') return faults;
  const { hosts, usesTls } = storeAddress(eventStore);
  if (usesTls || hosts.every(({ host }) => isLoopback(host))) return faults;
  return [...faults, `HONNIN_EVENT_STORE: events would go to ${hosts[0]?.host} without TLS; leave tls=false out`];
}

/** Secret means https, or this machine. */
function isPlain(url: string | null | undefined): boolean {
  if (url === null || url === undefined || !URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol !== 'https:' && !isLoopback(hostname);
}

function keyBesideData({ dataDir, masterKeyFile }: JudgedSettings, isKeyInMemory: boolean): readonly string[] {
  if (isKeyInMemory || dataDir === undefined || masterKeyFile === undefined) return [];
  const isInside = masterKeyFile === null || !/^\.\.(\/|$)/.test(relative(dataDir, masterKeyFile));
  if (!isInside) return [];
  const how = 'make one elsewhere: (umask 077; head -c 32 /dev/urandom > /etc/honnin/master.key)';
  return [`HONNIN_MASTER_KEY_FILE: the master key lies beside the data that it protects; ${how}`];
}

/** The data folder is made private at every start; what lies elsewhere is not ours to change. */
function openFiles(settings: JudgedSettings): readonly string[] {
  return KEY_FILES.flatMap(([name, env]) => {
    const file = settings[name];
    if (!file || !existsSync(file) || (statSync(file).mode & OTHERS) === 0) return [];
    return [`${env}=${file}: others can read it; run: chmod 600 ${file}`];
  });
}
