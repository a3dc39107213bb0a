import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { isObjectIdentifier } from '../x509/asn1/oids.js';
import { ConfigError } from './config-error.js';
import { clientAddress, withoutPassword } from '../event-store/kurrent/kurrent-address.js';
import { missingSettings, sharedNames } from './missing-settings.js';
import { isLoopback, productionFaults } from './production-faults.js';
import { settingFileFaults } from './setting-files.js';

export { ConfigError };

/** How one setting is read. `read` throws an Error whose message says what to write instead. */
interface Setting<T> {
  readonly env: string;
  readonly help: string;
  /** As people would write it; null: absent. */
  readonly fallback: string | null;
  readonly read: (text: string | null) => T;
}

function setting<T>(env: string, fallback: string | null, help: string, read: (text: string | null) => T): Setting<T> {
  return { env, fallback, help, read };
}

/** Every setting of the server, its default and its check. All are environment variables; every one works when
 * absent. */
export const SETTINGS = {
  dataDir: setting(
    'HONNIN_DATA',
    './data',
    'Folder of everything that is kept: events, read models, vault, keys.',
    path,
  ),
  eventStore: setting(
    'HONNIN_EVENT_STORE',
    'sqlite',
    'sqlite for the embedded log in the data folder, or the address of an EventStoreDB or KurrentDB (esdb://… or kurrentdb://…) of this installation’s own.',
    eventStoreAddress,
  ),
  host: setting('HONNIN_HOST', '127.0.0.1', 'Address to listen on.', text),
  port: setting('HONNIN_PORT', '8080', 'Port to listen on; 0 takes a free one.', integer(0, 65_535)),
  tlsCertFile: setting(
    'HONNIN_TLS_CERT',
    null,
    'PEM file with the server certificate chain; with HONNIN_TLS_KEY it switches TLS on.',
    optionalPath,
  ),
  tlsKeyFile: setting('HONNIN_TLS_KEY', null, 'PEM file with the private key of the server certificate.', optionalPath),
  trustProxy: setting(
    'HONNIN_TRUST_PROXY',
    'no',
    'Whose word about a client’s address is believed (limits count by address): no, the addresses or blocks of our proxies (10.0.0.0/8,192.0.2.7), or yes: whoever connects is a proxy.',
    proxyTrust,
  ),
  clientAddressHeader: setting(
    'HONNIN_CLIENT_ADDRESS_HEADER',
    'x-forwarded-for',
    'Header field in which those proxies write the client’s address: x-forwarded-for, forwarded, or one that they set themselves, such as x-real-ip.',
    headerName,
  ),
  boothCertificates: setting(
    'HONNIN_BOOTH_CERTIFICATES',
    'off',
    'Whether booths show a certificate of their own beside their signatures, whose common name is the booth’s id: off, asked (who shows one must show a right one) or required.',
    oneOf('off', 'asked', 'required'),
  ),
  boothCertificatesCaFile: setting(
    'HONNIN_BOOTH_CERTIFICATES_CA',
    null,
    'PEM file with the authorities that issue certificates to booths.',
    optionalPath,
  ),
  boothCertificatesHeader: setting(
    'HONNIN_BOOTH_CERTIFICATES_HEADER',
    'client-cert',
    'Header field in which the proxies that HONNIN_TRUST_PROXY names write a booth’s certificate, as RFC 9440 or nginx ($ssl_client_escaped_cert) does. They must overwrite what comes in it.',
    headerName,
  ),
  connectionsPerAddress: setting(
    'HONNIN_CONNECTIONS_PER_ADDRESS',
    '256',
    'Open connections of one address; silent ones give way to new ones.',
    integer(1, 1_000_000),
  ),
  connections: setting('HONNIN_CONNECTIONS', '4096', 'Open connections of all.', integer(1, 1_000_000)),
  boothPlaces: setting(
    'HONNIN_BOOTH_PLACES',
    '64',
    'Uploads at the same time of booths that sign for their challenge.',
    integer(1, 10_000),
  ),
  challengePlaces: setting(
    'HONNIN_CHALLENGE_PLACES',
    '256',
    'Uploads at the same time of those who show a fresh challenge.',
    integer(0, 10_000),
  ),
  challengePlacesPerAddress: setting(
    'HONNIN_CHALLENGE_PLACES_PER_ADDRESS',
    '4',
    'The same of one address.',
    integer(1, 10_000),
  ),
  sharedPlaces: setting('HONNIN_SHARED_PLACES', '8', 'Uploads at the same time of everybody else.', integer(1, 10_000)),
  strangersPerSecond: setting(
    'HONNIN_STRANGERS_PER_SECOND',
    '50',
    'Requests at the door that begin in a second while booths are served: questions for challenges, uploads that show one, and half as many uploads that show nothing; others wait for their turn, by address.',
    integer(1, 100_000),
  ),
  othersPerSecond: setting(
    'HONNIN_OTHERS_PER_SECOND',
    '200',
    'The same for all other requests: status, event streams, officers. Pages and measurements: a twentieth of it.',
    integer(1, 100_000),
  ),
  refusalsPerAddress: setting(
    'HONNIN_REFUSALS_PER_ADDRESS',
    '60',
    'Refusals at the door per minute and address that get an event of their own; the others are counted in one event a minute.',
    integer(0, 1_000_000),
  ),
  refusals: setting('HONNIN_REFUSALS', '600', 'The same of all addresses.', integer(0, 1_000_000)),
  streamsPerReceipt: setting(
    'HONNIN_STREAMS_PER_RECEIPT',
    '5',
    'Event streams at the same time of one receipt.',
    integer(1, 10_000),
  ),
  streamsPerAddress: setting(
    'HONNIN_STREAMS_PER_ADDRESS',
    '100',
    'Event streams at the same time of one address.',
    integer(1, 100_000),
  ),
  logLevel: setting(
    'HONNIN_LOG_LEVEL',
    'info',
    'fatal, error, warn, info, debug, trace or silent.',
    oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
  ),
  metricsToken: setting(
    'HONNIN_METRICS_TOKEN',
    null,
    'Bearer token for /metrics and for the words of /health/ready. Absent: nobody sees them on the port of the booths.',
    optionalText,
  ),
  operatorPort: setting(
    'HONNIN_OPERATOR_PORT',
    null,
    'A port of its own where both are seen without a token, for those who watch this server; keep booths away from it.',
    optionalInteger(1, 65_535),
  ),
  operatorHost: setting('HONNIN_OPERATOR_HOST', '127.0.0.1', 'Address for that port.', text),
  challengesPerMinute: setting(
    'HONNIN_CHALLENGES_PER_MINUTE',
    '3000',
    'Challenges per minute and address; 0: no limit.',
    integer(0, 1_000_000),
  ),
  registrationsPerMinute: setting(
    'HONNIN_REGISTRATIONS_PER_MINUTE',
    '3000',
    'Registrations per minute and address; 0: no limit.',
    integer(0, 1_000_000),
  ),
  statusPerMinute: setting(
    'HONNIN_STATUS_PER_MINUTE',
    '12000',
    'Status questions per minute and address; 0: no limit.',
    integer(0, 1_000_000),
  ),
  photoChecksPerMinute: setting(
    'HONNIN_PHOTO_CHECKS_PER_MINUTE',
    '3000',
    'Photo checks per minute and address; 0: no limit.',
    integer(0, 1_000_000),
  ),
  freeMegabytesMin: setting(
    'HONNIN_FREE_MEGABYTES_MIN',
    '512',
    'Below so much free space on the disk of the data the server is not ready; 0: never.',
    integer(0, 100_000_000),
  ),
  openCasesMax: setting(
    'HONNIN_OPEN_CASES_MAX',
    '50000',
    'With more open cases than this the server is not ready: they come faster than they end.',
    integer(1, 100_000_000),
  ),
  masterKeyFile: setting(
    'HONNIN_MASTER_KEY_FILE',
    null,
    'File with 32 bytes that wrap all data keys. Default: <data>/keys/master.key, made at the first start; keep it elsewhere in production.',
    optionalPath,
  ),
  serverSecretFile: setting(
    'HONNIN_SERVER_SECRET_FILE',
    null,
    'File with 32 bytes for pseudonyms, receipts and nonces. Default: <data>/keys/server.secret, made at the first start.',
    optionalPath,
  ),
  policyFile: setting(
    'HONNIN_POLICY_FILE',
    null,
    'JSON with policy values for the very first start; later policies are proposed and approved by people.',
    optionalPath,
  ),
  boothsFile: setting(
    'HONNIN_BOOTHS_FILE',
    null,
    'JSON for the very first start: [{"boothId", "publicKey"}] of booths to enrol; later ones are proposed and approved by people.',
    optionalPath,
  ),
  environment: setting(
    'HONNIN_ENVIRONMENT',
    'production',
    'production refuses test card hierarchies; test accepts them. Said explicitly, production also refuses to start with ' +
      'settings that are not safe; so does a server that others than this machine reach, unless this says test.',
    oneOf('production', 'test'),
  ),
  authAnchorFiles: setting(
    'HONNIN_JPKI_AUTH_ANCHORS',
    null,
    'PEM or DER files, comma-separated: roots of user authentication certificates.',
    paths,
  ),
  signAnchorFiles: setting(
    'HONNIN_JPKI_SIGN_ANCHORS',
    null,
    'PEM or DER files, comma-separated: roots of digital signature certificates.',
    paths,
  ),
  authPolicyOids: setting(
    'HONNIN_JPKI_AUTH_POLICY_OIDS',
    '1.2.392.200149.8.5.1.3.30',
    'Certificate policies, comma-separated, one of which a user authentication certificate must name.',
    oids,
  ),
  signPolicyOids: setting(
    'HONNIN_JPKI_SIGN_POLICY_OIDS',
    '1.2.392.200149.8.5.1.1.20',
    'The same for digital signature certificates.',
    oids,
  ),
  authUsageOids: setting(
    'HONNIN_JPKI_AUTH_USAGE_OIDS',
    '1.3.6.1.5.5.7.3.2',
    'Extended key usages, comma-separated: a user authentication certificate that limits its use must allow one.',
    oids,
  ),
  signUsageOids: setting(
    'HONNIN_JPKI_SIGN_USAGE_OIDS',
    '1.3.6.1.5.5.7.3.4,1.3.6.1.5.5.7.3.36',
    'The same for digital signature certificates.',
    oids,
  ),
  authorityCaFile: setting(
    'HONNIN_JPKI_TLS_CA',
    null,
    'PEM file with the roots of the certificates of the authentication server, where they are not the ones of the system.',
    optionalPath,
  ),
  authorityCertFile: setting(
    'HONNIN_JPKI_TLS_CERT',
    null,
    'PEM file with our certificate chain for the authentication server, which goes with HONNIN_JPKI_TLS_KEY.',
    optionalPath,
  ),
  authorityKeyFile: setting('HONNIN_JPKI_TLS_KEY', null, 'PEM file with its private key.', optionalPath),
  ocspUrl: setting('HONNIN_JPKI_OCSP_URL', null, 'Address of the authentication server’s OCSP responder.', optionalUrl),
  crlAuthUrls: setting(
    'HONNIN_JPKI_CRL_AUTH_URL',
    null,
    'Address of the CRL for user authentication certificates; several, comma-separated, where generations of the authority have one each.',
    urls,
  ),
  crlSignUrls: setting('HONNIN_JPKI_CRL_SIGN_URL', null, 'The same for digital signature certificates.', urls),
  statusOrder: setting(
    'HONNIN_JPKI_STATUS_ORDER',
    'ocsp',
    'ocsp, crl, ocsp-then-crl or crl-then-ocsp.',
    oneOf('ocsp', 'crl', 'ocsp-then-crl', 'crl-then-ocsp'),
  ),
  jpkiTimeoutMs: setting(
    'HONNIN_JPKI_TIMEOUT_MS',
    '5000',
    'How long one question to the authentication server may take.',
    integer(50, 120_000),
  ),
  ocspStatusAgeSecondsMax: setting(
    'HONNIN_JPKI_STATUS_AGE_SECONDS',
    '86400',
    'Oldest acceptable status.',
    integer(1, 2_592_000),
  ),
  ocspReuseSeconds: setting(
    'HONNIN_JPKI_REUSE_SECONDS',
    '0',
    'How long a good answer serves the same certificate again.',
    integer(0, 86_400),
  ),
  linkUrl: setting(
    'HONNIN_JPKI_LINK_URL',
    null,
    'Address of the link service: which certificates and cards belong together.',
    optionalUrl,
  ),
  linkCaFile: setting(
    'HONNIN_JPKI_LINK_TLS_CA',
    null,
    'PEM file with the roots of the certificates of the link service, where they are not the ones of the system.',
    optionalPath,
  ),
  linkCertFile: setting(
    'HONNIN_JPKI_LINK_TLS_CERT',
    null,
    'PEM file with our certificate chain for the link service, which goes with HONNIN_JPKI_LINK_TLS_KEY.',
    optionalPath,
  ),
  linkKeyFile: setting('HONNIN_JPKI_LINK_TLS_KEY', null, 'PEM file with its private key.', optionalPath),
  cardIssuerKeysFile: setting(
    'HONNIN_CARD_ISSUER_KEYS',
    null,
    'JSON file: [{"keyIdHex", "modulus", "exponent"}] of the keys that certify card face records.',
    optionalPath,
  ),
  governmentUrl: setting('HONNIN_GOVERNMENT_URL', null, 'Base address of the government server.', optionalUrl),
  governmentCaFile: setting(
    'HONNIN_GOVERNMENT_TLS_CA',
    null,
    'PEM file with the roots of the certificates of the government server, where they are not the ones of the system.',
    optionalPath,
  ),
  governmentCertFile: setting(
    'HONNIN_GOVERNMENT_TLS_CERT',
    null,
    'PEM file with our certificate chain for the government server, which goes with HONNIN_GOVERNMENT_TLS_KEY.',
    optionalPath,
  ),
  governmentKeyFile: setting('HONNIN_GOVERNMENT_TLS_KEY', null, 'PEM file with its private key.', optionalPath),
  governmentTokenFile: setting(
    'HONNIN_GOVERNMENT_TOKEN_FILE',
    null,
    'File with the bearer token for the government server.',
    optionalPath,
  ),
  governmentTimeoutMs: setting(
    'HONNIN_GOVERNMENT_TIMEOUT_MS',
    '15000',
    'How long one submission may take before its outcome counts as unknown.',
    integer(50, 600_000),
  ),
  oidcIssuer: setting(
    'HONNIN_OIDC_ISSUER',
    null,
    'Issuer of the access tokens of officers, auditors and administrators.',
    optionalText,
  ),
  oidcAudience: setting('HONNIN_OIDC_AUDIENCE', 'honnin', 'Audience that the tokens must name.', text),
  oidcJwksUrl: setting(
    'HONNIN_OIDC_JWKS_URL',
    null,
    'Address of the issuer’s keys. Default: as its discovery document says.',
    optionalUrl,
  ),
  oidcCaFile: setting(
    'HONNIN_OIDC_TLS_CA',
    null,
    'PEM file with the roots of the certificates of the sign-in service, where they are not the ones of the system.',
    optionalPath,
  ),
  oidcCertFile: setting(
    'HONNIN_OIDC_TLS_CERT',
    null,
    'PEM file with our certificate chain for the sign-in service, which goes with HONNIN_OIDC_TLS_KEY.',
    optionalPath,
  ),
  oidcKeyFile: setting('HONNIN_OIDC_TLS_KEY', null, 'PEM file with its private key.', optionalPath),
  oidcRolesClaim: setting('HONNIN_OIDC_ROLES_CLAIM', 'roles', 'Claim with the roles; dots go into objects.', text),
  consoleClientId: setting(
    'HONNIN_CONSOLE_CLIENT_ID',
    null,
    'Name under which that issuer knows the officers’ console (/console/). Absent: nobody signs in with a browser.',
    optionalText,
  ),
  consoleClientSecret: setting(
    'HONNIN_CONSOLE_CLIENT_SECRET',
    null,
    'Secret of that client, where the issuer gave one.',
    optionalText,
  ),
  consoleUrl: setting(
    'HONNIN_CONSOLE_URL',
    null,
    'Address under which browsers reach this server, https://…; its /console/callback is where the issuer sends them back. Absent: browsers of this machine only.',
    optionalUrl,
  ),
  consoleScope: setting('HONNIN_CONSOLE_SCOPE', 'openid', 'What the console asks for at sign-in.', text),
  kafkaBrokers: setting(
    'HONNIN_KAFKA_BROKERS',
    null,
    'Kafka brokers, host:port, comma-separated. Absent: nothing is published, events wait in the log.',
    brokers,
  ),
  kafkaClientId: setting('HONNIN_KAFKA_CLIENT_ID', 'honnin', 'How this server names itself to the brokers.', text),
  kafkaTopicPrefix: setting(
    'HONNIN_KAFKA_TOPIC_PREFIX',
    'honnin.',
    'First part of the names of the topics.',
    topicPrefix,
  ),
  kafkaPartitions: setting(
    'HONNIN_KAFKA_PARTITIONS',
    '12',
    'Partitions of the topics. Fixed once there are events: the order per registration depends on it.',
    integer(1, 1000),
  ),
  kafkaMode: setting(
    'HONNIN_KAFKA_MODE',
    'binary',
    'CloudEvents content mode: binary or structured.',
    oneOf('binary', 'structured'),
  ),
  kafkaSource: setting(
    'HONNIN_KAFKA_SOURCE',
    'urn:honnin',
    'CloudEvents source: names this installation, another name for each.',
    text,
  ),
  kafkaTls: setting('HONNIN_KAFKA_TLS', 'no', 'yes: talk TLS to the brokers.', yesNo),
  kafkaCaFile: setting(
    'HONNIN_KAFKA_CA',
    null,
    'PEM file with the roots of the brokers’ certificates. Default: the ones of the system.',
    optionalPath,
  ),
  kafkaCertFile: setting(
    'HONNIN_KAFKA_CERT',
    null,
    'PEM file with our certificate for the brokers, with HONNIN_KAFKA_KEY.',
    optionalPath,
  ),
  kafkaKeyFile: setting('HONNIN_KAFKA_KEY', null, 'PEM file with the private key of HONNIN_KAFKA_CERT.', optionalPath),
  kafkaSasl: setting(
    'HONNIN_KAFKA_SASL',
    'none',
    'none, plain, scram-sha-256, scram-sha-512 or oauthbearer.',
    oneOf('none', 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'),
  ),
  kafkaUsername: setting('HONNIN_KAFKA_USERNAME', null, 'User name, or client id for oauthbearer.', optionalText),
  kafkaPasswordFile: setting(
    'HONNIN_KAFKA_PASSWORD_FILE',
    null,
    'File with the password, or the client secret for oauthbearer.',
    optionalPath,
  ),
  kafkaTokenUrl: setting(
    'HONNIN_KAFKA_TOKEN_URL',
    null,
    'Token endpoint for oauthbearer (client credentials).',
    optionalUrl,
  ),
  kafkaTokenScope: setting('HONNIN_KAFKA_TOKEN_SCOPE', null, 'Scope to ask for with oauthbearer.', optionalText),
  kafkaConnectTimeoutMs: setting(
    'HONNIN_KAFKA_CONNECT_TIMEOUT_MS',
    '5000',
    'How long connecting and signing in to a broker may take.',
    integer(50, 120_000),
  ),
  kafkaRequestTimeoutMs: setting(
    'HONNIN_KAFKA_REQUEST_TIMEOUT_MS',
    '15000',
    'How long a broker may take to acknowledge.',
    integer(50, 600_000),
  ),
  erasureConsumers: setting(
    'HONNIN_KAFKA_ERASURE_CONSUMERS',
    null,
    'Names of the consumers that must confirm erasures, comma-separated.',
    names,
  ),
  auditOrigin: setting(
    'HONNIN_AUDIT_ORIGIN',
    'honnin.localhost/log',
    'Name of the audit log and of its key, like log.example.jp/honnin; never changed once the log has begun, but by honnin recover.',
    logOrigin,
  ),
  auditIntervalMs: setting(
    'HONNIN_AUDIT_INTERVAL_MS',
    '500',
    'Shortest time between two signed checkpoints while events trickle in and nobody waits for one.',
    integer(0, 3_600_000),
  ),
  auditCheckSeconds: setting(
    'HONNIN_AUDIT_CHECK_SECONDS',
    '300',
    'How often the signed log is compared with what is kept of it outside of its folder.',
    integer(1, 3_600),
  ),
  auditCopyFolder: setting(
    'HONNIN_AUDIT_COPY_FOLDER',
    null,
    'Folder outside the administrators’ reach (write-once storage) that gets a copy of checkpoints.',
    optionalPath,
  ),
  auditCopyUrl: setting(
    'HONNIN_AUDIT_COPY_URL',
    null,
    'Address that gets each new checkpoint by HTTP POST (text/plain).',
    optionalUrl,
  ),
  erasedFile: setting(
    'HONNIN_ERASED_FILE',
    null,
    'File outside the data folder, on another disk, in which each erasure of a person is noted before it is done: a restored ' +
      'backup is told of them. Default: the file erased in the data folder, which is lost with it.',
    optionalPath,
  ),
  operator: setting(
    'HONNIN_OPERATOR',
    null,
    'Name of who works at the command line, for the record of accesses, beside the name of the operating-system user.',
    operatorName,
  ),
  witnesses: setting(
    'HONNIN_WITNESSES',
    null,
    'Independent witnesses (C2SP tlog-witness) that cosign checkpoints, comma-separated, each its address and its key: https://witness.example/path witness.example/path+0123abcd+BB…',
    witnessList,
  ),
  witnessesNeeded: setting(
    'HONNIN_WITNESSES_NEEDED',
    null,
    'How many of them a checkpoint needs; absent: all.',
    optionalInteger(1, 63),
  ),
  witnessSeconds: setting(
    'HONNIN_WITNESS_SECONDS',
    '60',
    'Shortest time between two checkpoints that are cosigned.',
    integer(1, 86_400),
  ),
  auditCopySeconds: setting(
    'HONNIN_AUDIT_COPY_SECONDS',
    '60',
    'Shortest time between two copies of checkpoints.',
    integer(1, 86_400),
  ),
  auditCopyKafkaBrokers: setting(
    'HONNIN_AUDIT_COPY_KAFKA_BROKERS',
    null,
    'Kafka brokers that somebody else administers, host:port, comma-separated: each new checkpoint goes there too. The other HONNIN_AUDIT_COPY_KAFKA_ settings mean what HONNIN_KAFKA_ means.',
    brokers,
  ),
  auditCopyKafkaTopic: setting(
    'HONNIN_AUDIT_COPY_KAFKA_TOPIC',
    'honnin.checkpoints.v1',
    'Topic for checkpoints; its administrator makes it with cleanup.policy=delete and retention.ms=-1.',
    topicPrefix,
  ),
  auditCopyKafkaTls: setting('HONNIN_AUDIT_COPY_KAFKA_TLS', 'no', 'yes: talk TLS to these brokers.', yesNo),
  auditCopyKafkaCaFile: setting(
    'HONNIN_AUDIT_COPY_KAFKA_CA',
    null,
    'PEM file with the roots of these brokers’ certificates.',
    optionalPath,
  ),
  auditCopyKafkaCertFile: setting(
    'HONNIN_AUDIT_COPY_KAFKA_CERT',
    null,
    'PEM file with our certificate for these brokers.',
    optionalPath,
  ),
  auditCopyKafkaKeyFile: setting(
    'HONNIN_AUDIT_COPY_KAFKA_KEY',
    null,
    'PEM file with the private key of HONNIN_AUDIT_COPY_KAFKA_CERT.',
    optionalPath,
  ),
  auditCopyKafkaSasl: setting(
    'HONNIN_AUDIT_COPY_KAFKA_SASL',
    'none',
    'none, plain, scram-sha-256, scram-sha-512 or oauthbearer.',
    oneOf('none', 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'),
  ),
  auditCopyKafkaUsername: setting(
    'HONNIN_AUDIT_COPY_KAFKA_USERNAME',
    null,
    'User name, or client id for oauthbearer.',
    optionalText,
  ),
  auditCopyKafkaPasswordFile: setting(
    'HONNIN_AUDIT_COPY_KAFKA_PASSWORD_FILE',
    null,
    'File with the password, or the client secret for oauthbearer.',
    optionalPath,
  ),
  auditCopyKafkaTokenUrl: setting(
    'HONNIN_AUDIT_COPY_KAFKA_TOKEN_URL',
    null,
    'Token endpoint for oauthbearer.',
    optionalUrl,
  ),
  auditCopyKafkaTokenScope: setting(
    'HONNIN_AUDIT_COPY_KAFKA_TOKEN_SCOPE',
    null,
    'Scope to ask for with oauthbearer.',
    optionalText,
  ),
  tsaUrl: setting(
    'HONNIN_TSA_URL',
    null,
    'Address of an RFC 3161 timestamp authority; the newest checkpoint is stamped there.',
    optionalUrl,
  ),
  tsaAnchorFiles: setting(
    'HONNIN_TSA_ANCHORS',
    null,
    'PEM or DER files, comma-separated: roots of the timestamp authority’s certificates.',
    paths,
  ),
  tsaCrlUrls: setting(
    'HONNIN_TSA_CRL_URLS',
    null,
    'Addresses of the CRLs of all authorities in the path of its certificate, comma-separated; kept beside each timestamp. Absent: revocation is not judged.',
    urls,
  ),
  tsaCaFile: setting(
    'HONNIN_TSA_TLS_CA',
    null,
    'PEM file with the roots of the certificates of the timestamp authority, where they are not the ones of the system.',
    optionalPath,
  ),
  tsaCertFile: setting(
    'HONNIN_TSA_TLS_CERT',
    null,
    'PEM file with our certificate chain for the timestamp authority, which goes with HONNIN_TSA_TLS_KEY.',
    optionalPath,
  ),
  tsaKeyFile: setting('HONNIN_TSA_TLS_KEY', null, 'PEM file with its private key.', optionalPath),
  tsaPolicyOid: setting(
    'HONNIN_TSA_POLICY',
    null,
    'Timestamp policy to ask for, and then the only one that is accepted. Default: the authority’s own.',
    optionalOid,
  ),
  tsaSeconds: setting('HONNIN_TSA_SECONDS', '3600', 'Shortest time between two timestamps.', integer(1, 604_800)),
  tsaTimeoutMs: setting(
    'HONNIN_TSA_TIMEOUT_MS',
    '10000',
    'How long one question to the timestamp authority may take.',
    integer(50, 120_000),
  ),
  tsaClockSeconds: setting(
    'HONNIN_TSA_CLOCK_SECONDS',
    '60',
    'How far the authority’s clock may be from ours.',
    integer(0, 3600),
  ),
  tsaUsername: setting(
    'HONNIN_TSA_USERNAME',
    null,
    'User name for an authority that asks for one, with HONNIN_TSA_PASSWORD_FILE.',
    optionalText,
  ),
  tsaPasswordFile: setting(
    'HONNIN_TSA_PASSWORD_FILE',
    null,
    'File with the password for HONNIN_TSA_USERNAME.',
    optionalPath,
  ),
  faceWorkers: setting(
    'HONNIN_FACE_WORKERS',
    null,
    'Worker threads for faces. Default: two, or the number of cores if that is less.',
    optionalInteger(1, 64),
  ),
  faceQueueMax: setting(
    'HONNIN_FACE_QUEUE',
    '32',
    'Comparisons that may wait; more are tried again later.',
    integer(1, 10_000),
  ),
  faceModelSet: setting(
    'HONNIN_FACE_MODEL_SET',
    'default',
    'Face model set: default, the id of an installed one, or the path of a manifest. Scores of another set need another policy.',
    text,
  ),
  clockWasAhead: setting(
    'HONNIN_CLOCK_WAS_AHEAD',
    null,
    'Id of the newest event, where its clock was ahead and is right now; /health/ready names it.',
    optionalText,
  ),
  modelCacheDir: setting(
    'HONNIN_MODEL_CACHE',
    null,
    'Folder of the face models. Default: the user’s cache folder.',
    optionalPath,
  ),
} as const;

type Values = { -readonly [K in keyof typeof SETTINGS]: ReturnType<(typeof SETTINGS)[K]['read']> };

/** The configuration of a server, checked. Injected; never changed after the start. */
export class Config {
  private constructor(
    readonly values: Readonly<Values>,
    /** A master key that is in no file, or null. */
    readonly masterKeyInMemory: Uint8Array | null,
    /** Whether a server with these settings refuses to start for what production refuses. */
    readonly isStrict: boolean,
  ) {}

  /** Reads all settings.
   * @param options.masterKey 32 bytes that no file has: what they open ends with the process
   * @param options.isServing a server is to be started: files that settings name are looked at, and what production
   *   refuses is wrong too, where that is asked for
   * @throws {ConfigError} that names every faulty setting at once. */
  static from(
    environment: Readonly<Record<string, string | undefined>>,
    { masterKey, isServing = false }: { readonly masterKey?: Uint8Array; readonly isServing?: boolean } = {},
  ): Config {
    const values: Record<string, unknown> = {};
    const problems: string[] = [];
    for (const [name, { env, fallback, read }] of Object.entries(SETTINGS) as [string, Setting<unknown>][]) {
      const given = environment[env];
      try {
        values[name] = read(given === undefined || given === '' ? fallback : given);
      } catch (error) {
        problems.push(
          `${env}=${withoutPassword(given ?? '')}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
    const known = new Set(Object.values(SETTINGS).map((s) => s.env));
    for (const env of Object.keys(environment)) {
      // A misspelt setting would silently be the default.
      if (env.startsWith('HONNIN_') && !known.has(env as never) && !TOOL_VARIABLES.has(env))
        problems.push(`${env}: there is no such setting; './honnin start --help' lists them`);
    }
    if ((values['tlsCertFile'] === null) !== (values['tlsKeyFile'] === null))
      problems.push('HONNIN_TLS_CERT and HONNIN_TLS_KEY go together: give both or neither');
    for (const [name, env] of [
      ['authority', 'HONNIN_JPKI_TLS'],
      ['government', 'HONNIN_GOVERNMENT_TLS'],
      ['link', 'HONNIN_JPKI_LINK_TLS'],
      ['oidc', 'HONNIN_OIDC_TLS'],
      ['tsa', 'HONNIN_TSA_TLS'],
    ] as const) {
      if ((values[`${name}CertFile`] === null) !== (values[`${name}KeyFile`] === null))
        problems.push(`${env}_CERT and ${env}_KEY go together: give both or neither`);
    }
    problems.push(
      ...boothCertificateProblems(values as Partial<Values>),
      ...kafkaProblems(values as Values, 'kafka'),
      ...kafkaProblems(values as Values, 'auditCopyKafka'),
      ...timestampProblems(values as Values),
      ...witnessProblems(values as Values),
    );
    const { host } = values as Partial<Values>;
    const environmentGiven = environment[SETTINGS.environment.env];
    // Who says that nothing real is here is told what production refuses, and may go on.
    const isStrict =
      environmentGiven === 'production' || (!environmentGiven && host !== undefined && !isLoopback(host));
    const isKeyInMemory = masterKey !== undefined;
    if (isServing) problems.push(...settingFileFaults(values as Partial<Values>, { isKeyInMemory }));
    if (isServing && isStrict) {
      const given = values as Partial<Values>;
      problems.push(...productionFaults(given, { isKeyInMemory }), ...missingSettings(given));
    }
    if (problems.length > 0) throw new ConfigError(problems);
    return new Config(values as Values, masterKey ?? null, isStrict);
  }

  /** What production refuses of these settings, one sentence each. */
  get productionFaults(): readonly string[] {
    return productionFaults(this.values, { isKeyInMemory: this.masterKeyInMemory !== null });
  }

  /** What is not set and leaves requests or people waiting, and names that other installations may have too. */
  get gaps(): readonly string[] {
    const [auditOrigin, kafkaSource] = [
      SETTINGS.auditOrigin.fallback as string,
      SETTINGS.kafkaSource.fallback as string,
    ];
    return [...missingSettings(this.values), ...sharedNames(this.values, { auditOrigin, kafkaSource })];
  }

  /** What is wrong with the files that these settings name, one sentence each. */
  get fileFaults(): readonly string[] {
    return settingFileFaults(this.values, { isKeyInMemory: this.masterKeyInMemory !== null });
  }

  /** Whether certificates can be checked at all: some roots, and an address to ask for their status. */
  get canCheckCertificates(): boolean {
    const { authAnchorFiles, signAnchorFiles, ocspUrl, crlAuthUrls, crlSignUrls } = this.values;
    return (
      authAnchorFiles.length + signAnchorFiles.length > 0 &&
      (ocspUrl !== null || crlAuthUrls.length + crlSignUrls.length > 0)
    );
  }

  /** Where erasures of people are noted for restored copies. */
  get erasedFile(): string {
    return this.values.erasedFile ?? this.inData('erased');
  }

  /** Path inside the data folder. */
  inData(...parts: readonly string[]): string {
    return resolve(this.values.dataDir, ...parts);
  }
}

/** Listening on all addresses is no address that can be asked: this machine's own is. */
const ALL_ADDRESSES: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

/** Where the server can be asked, as a link that works on this machine.
 *  @param port the port that it got, where the settings leave it open */
export function urlOf({ values: { host, tlsCertFile } }: Config, port: number): string {
  const bare = host.replace(/^\[|\]$/g, '');
  const inUrl = ALL_ADDRESSES[bare] ?? (bare.includes(':') ? `[${bare}]` : bare);
  return `${tlsCertFile === null ? 'http' : 'https'}://${inUrl}:${port}`;
}

/** Every setting in force by the name of its variable, for the log: no secret among them, of a password only that one
 *  is given. What is absent is left out. */
export function settingsInForce({ values }: Config): Readonly<Record<string, unknown>> {
  const named = Object.entries(SETTINGS).map(([name, { env }]): [string, unknown] => {
    const value: unknown = values[name as keyof Values];
    return [env, SECRET_SETTINGS.has(env) && value !== null ? '(given)' : shown(value)];
  });
  return Object.fromEntries(
    named.filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0)),
  );
}

const SECRET_SETTINGS: ReadonlySet<string> = new Set([SETTINGS.metricsToken.env, SETTINGS.consoleClientSecret.env]);

/** Addresses may hold a password. */
function shown(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('://') ? withoutPassword(value) : value;
  return Array.isArray(value) ? value.map(shown) : value;
}

/** Variables that are for tools and tests, not for the server. */
const TOOL_VARIABLES = new Set([
  'HONNIN_EVENT_STORE_ADMIN',
  'HONNIN_SHARED',
  'HONNIN_CACHE',
  'HONNIN_SOAK_FACTOR',
  'HONNIN_SOAK_SEED',
  'HONNIN_TEST_NUMBERS',
  'HONNIN_TEST_RUN',
]);

/** Settings as a table for people. */
export function settingsHelp(): string {
  return (Object.values(SETTINGS) as Setting<unknown>[])
    .map(({ env, fallback, help }) => `  ${env}${fallback === null ? '' : ` (default ${fallback})`}\n      ${help}`)
    .join('\n');
}

function text(value: string | null): string {
  if (value === null || value.trim() === '') throw new Error('must not be empty');
  return value;
}

function optionalText(value: string | null): string | null {
  return value;
}

function logOrigin(value: string | null): string {
  const origin = text(value);
  if (/[\s+]/u.test(origin) || origin.includes('://'))
    throw new Error('must be a name like log.example.jp/honnin, without scheme, spaces and plus signs');
  return origin;
}

function operatorName(value: string | null): string | null {
  const name = optionalText(value);
  if (name !== null && !/^[\x21-\x7e]{1,64}$/.test(name))
    throw new Error('must be a name of 1 to 64 visible ASCII characters without spaces, like sato.hanako');
  return name;
}

function path(value: string | null): string {
  return resolve(text(value));
}

function optionalPath(value: string | null): string | null {
  return value === null ? null : resolve(value);
}

function paths(value: string | null): readonly string[] {
  return value === null ? [] : value.split(',').map((part) => resolve(part.trim()));
}

function oids(value: string | null): readonly string[] {
  const list = text(value)
    .split(',')
    .map((oid) => oid.trim());
  const other = list.find((oid) => !isObjectIdentifier(oid));
  if (other !== undefined)
    throw new Error(
      `'${other}' is no object identifier; they are written like 1.2.392.200149.8.5.1.3.30, commas between them`,
    );
  return list;
}

function optionalOid(value: string | null): string | null {
  return value === null ? null : (oids(value)[0] as string);
}

function eventStoreAddress(value: string | null): string {
  if (value !== 'sqlite' && !/^(?:esdb|kurrentdb)(?:\+discover)?:\/\//.test(value ?? ''))
    throw new Error("must be 'sqlite', or an address that begins with esdb:// or kurrentdb://");
  if (value !== 'sqlite') clientAddress(value as string);
  return value as string;
}

function optionalUrl(value: string | null): string | null {
  if (value === null) return null;
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new Error('must be an http or https address');
  return value.replace(/\/$/, '');
}

function urls(value: string | null): readonly string[] {
  return value === null ? [] : value.split(',').map((part) => optionalUrl(part.trim()) as string);
}

function witnessList(value: string | null): readonly { readonly url: string; readonly key: string }[] {
  return value === null
    ? []
    : value.split(',').map((part) => {
        const [url, key, ...more] = part.trim().split(/\s+/);
        if (url === undefined || key === undefined || more.length > 0)
          throw new Error(
            'must be address and key of each witness, a space between them, witnesses separated by commas',
          );
        return { url: optionalUrl(url) as string, key };
      });
}

function brokers(value: string | null): readonly string[] {
  const list = value === null ? [] : value.split(',').map((part) => part.trim());
  if (!list.every((part) => /^(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/.test(part)))
    throw new Error('must be host:port, several separated by commas');
  return list;
}

function names(value: string | null): readonly string[] {
  const list = value === null ? [] : value.split(',').map((part) => part.trim());
  if (!list.every((part) => /^[A-Za-z0-9._-]{1,64}$/.test(part)) || new Set(list).size !== list.length)
    throw new Error('must be different names of letters, digits, dots, dashes and underscores');
  return list;
}

function topicPrefix(value: string | null): string {
  if (value === null || !/^[A-Za-z0-9._-]{1,100}$/.test(value))
    throw new Error('must be letters, digits, dots, dashes and underscores');
  return value;
}

/** Settings of one of the two Kafka connections that do not fit together. Values are absent where they could not be
 * read. */
function kafkaProblems(values: Partial<Values>, name: 'kafka' | 'auditCopyKafka'): string[] {
  const given = (value: unknown): boolean => value !== null && value !== undefined;
  const of = <K extends 'Tls' | 'CaFile' | 'CertFile' | 'KeyFile' | 'Sasl' | 'Username' | 'PasswordFile' | 'TokenUrl'>(
    key: K,
  ) => values[`${name}${key}`];
  const env = name === 'kafka' ? 'HONNIN_KAFKA' : 'HONNIN_AUDIT_COPY_KAFKA';
  const sasl = of('Sasl');
  const rules: [boolean, string][] = [
    [given(of('CertFile')) !== given(of('KeyFile')), `${env}_CERT and ${env}_KEY go together: give both or neither`],
    [
      of('Tls') === false && (given(of('CaFile')) || given(of('CertFile'))),
      `${env}_CA and ${env}_CERT need ${env}_TLS=yes`,
    ],
    [
      sasl !== undefined && sasl !== 'none' && !(given(of('Username')) && given(of('PasswordFile'))),
      `${env}_SASL=${sasl} needs ${env}_USERNAME and ${env}_PASSWORD_FILE`,
    ],
    [sasl === 'oauthbearer' && !given(of('TokenUrl')), `${env}_SASL=oauthbearer needs ${env}_TOKEN_URL`],
    // Both send a secret that everybody on the way could read.
    [
      (sasl === 'plain' || sasl === 'oauthbearer') && of('Tls') === false && values.environment === 'production',
      `${env}_SASL=${sasl} needs ${env}_TLS=yes, because it sends the secret itself`,
    ],
  ];
  return rules.filter(([wrong]) => wrong).map(([, problem]) => problem);
}

function witnessProblems({ witnesses = [], witnessesNeeded }: Partial<Values>): string[] {
  const isTooMany = typeof witnessesNeeded === 'number' && witnessesNeeded > witnesses.length;
  return isTooMany ? [`HONNIN_WITNESSES_NEEDED=${witnessesNeeded}: HONNIN_WITNESSES names ${witnesses.length}`] : [];
}

function timestampProblems({
  tsaUrl,
  tsaAnchorFiles,
  tsaUsername,
  tsaPasswordFile,
  environment,
}: Partial<Values>): string[] {
  const isUsed = typeof tsaUrl === 'string';
  const rules: [boolean, string][] = [
    [
      isUsed && tsaAnchorFiles?.length === 0,
      'HONNIN_TSA_URL needs HONNIN_TSA_ANCHORS: without them nobody knows whose timestamps they are',
    ],
    [
      (typeof tsaUsername === 'string') !== (typeof tsaPasswordFile === 'string'),
      'HONNIN_TSA_USERNAME and HONNIN_TSA_PASSWORD_FILE go together: give both or neither',
    ],
    [
      isUsed && typeof tsaUsername === 'string' && tsaUrl.startsWith('http:') && environment === 'production',
      'HONNIN_TSA_USERNAME needs an https address in HONNIN_TSA_URL, because the password itself is sent',
    ],
  ];
  return rules.filter(([wrong]) => wrong).map(([, problem]) => problem);
}

function integer(min: number, max: number): (value: string | null) => number {
  return (value) => {
    const number = Number(value);
    if (value === null || !Number.isInteger(number) || number < min || number > max)
      throw new Error(`must be a whole number ${min}..${max}`);
    return number;
  };
}

function optionalInteger(min: number, max: number): (value: string | null) => number | null {
  return (value) => (value === null ? null : integer(min, max)(value));
}

/** Booths that are asked for what nobody can show would all be sent away, or none of them asked. */
function boothCertificateProblems({
  boothCertificates,
  boothCertificatesCaFile,
  tlsCertFile,
  trustProxy,
}: Partial<Values>): readonly string[] {
  if (boothCertificates === undefined || boothCertificates === 'off') return [];
  const asking = `HONNIN_BOOTH_CERTIFICATES=${boothCertificates}`;
  const canBeShown = tlsCertFile !== null || Array.isArray(trustProxy);
  return [
    ...(boothCertificatesCaFile === null ? [`${asking} needs HONNIN_BOOTH_CERTIFICATES_CA`] : []),
    ...(canBeShown
      ? []
      : [`${asking} needs TLS here (HONNIN_TLS_CERT), or proxies that HONNIN_TRUST_PROXY names by their addresses`]),
  ];
}

function proxyTrust(value: string | null): 'no' | 'nearest' | readonly string[] {
  if (value === 'no' || value === 'yes') return value === 'yes' ? 'nearest' : 'no';
  const list = text(value)
    .split(',')
    .map((part) => part.trim());
  if (!list.every((part) => ipaddr.isValidCIDR(part) || ipaddr.isValid(part)))
    throw new Error("must be 'no', 'yes', or addresses and blocks such as 10.0.0.0/8, separated by commas");
  return list;
}

function headerName(value: string | null): string {
  const name = text(value).toLowerCase();
  if (!/^[a-z0-9-]{1,64}$/.test(name)) throw new Error('must be the name of a header field, such as x-real-ip');
  return name;
}

function yesNo(value: string | null): boolean {
  if (value !== 'yes' && value !== 'no') throw new Error("must be 'yes' or 'no'");
  return value === 'yes';
}

function oneOf<const T extends string>(...allowed: readonly T[]): (value: string | null) => T {
  return (value) => {
    if (!allowed.includes(value as T)) throw new Error(`must be one of ${allowed.join(', ')}`);
    return value as T;
  };
}

/** Content of a file that a setting names. @throws with the setting's name when it cannot be read. */
export function readSettingFile(env: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new ConfigError([
      `${env}=${file}: cannot be read (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`,
    ]);
  }
}
