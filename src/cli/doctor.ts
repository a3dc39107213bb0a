import { serviceTls } from '../infrastructure/settings/service-tls.js';
import { X509Certificate } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { policies, POLICY_ID } from '../application/decisions/aggregates.js';
import type { EventStore } from '../application/ports/store/event-store.js';
import { upcast } from '../domain/event-registry.js';
import { policyDecider, type PolicyState } from '../domain/policy/policy.js';
import type { PolicyEvent } from '../domain/policy/policy.events.js';
import { olderInWords, olderThanShipped } from '../domain/policy/shipped-default.js';
import { examineOutlets } from '../infrastructure/audit/fsck/checkpoint-doctor.js';
import { cardRecordVerifier, certificateVerifier } from '../infrastructure/jpki/configured-verifiers.js';
import { findProblems } from '../infrastructure/installation/installation.js';
import { Config, ConfigError } from '../infrastructure/settings/config.js';
import { checkEventLog } from '../infrastructure/event-store/check-event-log.js';
import { storeAddress } from '../infrastructure/event-store/kurrent/kurrent-address.js';
import { openEventStore } from '../infrastructure/event-store/open-event-store.js';
import { rightsInWords, surveyStore } from '../infrastructure/event-store/kurrent/store-rights.js';
import { tlsTrouble } from '../infrastructure/event-store/kurrent/store-tls.js';
import { SqliteEventStore } from '../infrastructure/event-store/sqlite/sqlite-event-store.js';
import { examineKafka } from '../infrastructure/kafka/kafka-doctor.js';
import { OnnxFaceComparer } from '../infrastructure/face/onnx-face-comparer.js';
import {
  askService,
  crlQuestion,
  governmentQuestion,
  linkQuestion,
  ocspQuestion,
  signInQuestion,
  type ServiceQuestion,
} from '../infrastructure/settings/service-questions.js';
import { EXIT, type CliCommand } from './command.js';

type Answer = { readonly finding: Finding; readonly skewSeconds: number | null };
type Finding = { readonly level: 'ok' | 'note' | 'WRONG'; readonly what: string; readonly detail: string };
const ok = (what: string, detail: string): Finding => ({ level: 'ok', what, detail });
const note = (what: string, detail: string): Finding => ({ level: 'note', what, detail });
const wrong = (what: string, detail: string): Finding => ({ level: 'WRONG', what, detail });

const CLOCK_SECONDS_MAX = 5;
const ASK_MS = 3_000;

export const command: CliCommand = {
  help: `
Checks, with the settings of the environment, whether a server could do its work here: configuration, data folder, keys,
event log, whether all parts of the installation are there and belong together, port, trust anchors, authentication server, government server, sign-in, face models and clock. Each service
is asked what only the right one can answer: a page of somebody else is told as wrong. Changes nothing but the cache of
face models. Says in plain words what is wrong and what to do.

  ./honnin doctor [--json]

Exit code 0: nothing is wrong (notes are allowed); 1: something is.

Example
  HONNIN_DATA=/srv/honnin ./honnin doctor
`,
  async run(args) {
    const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } });
    const findings: Finding[] = [];
    const tell = (finding: Finding) => {
      findings.push(finding);
      if (!values.json)
        process.stdout.write(`${finding.level.padEnd(5)}  ${finding.what.padEnd(22)} ${finding.detail}\n`);
    };
    await examine(tell);
    const faults = findings.filter((f) => f.level === 'WRONG').length;
    if (values.json) process.stdout.write(`${JSON.stringify({ ok: faults === 0, findings }, null, 2)}\n`);
    else
      process.stdout.write(
        faults === 0 ? '\nnothing is wrong\n' : `\n${faults} ${faults === 1 ? 'thing is' : 'things are'} wrong\n`,
      );
    return faults === 0 ? EXIT.ok : EXIT.failed;
  },
};

async function examine(tell: (finding: Finding) => void): Promise<void> {
  tell(
    Number(process.versions.node.split('.')[0]) >= 24
      ? ok('Node', process.version)
      : wrong('Node', `${process.version} is too old; start with ./honnin, which brings Node 24`),
  );
  let config: Config;
  try {
    config = Config.from(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) tell(wrong('configuration', problem));
    return;
  }
  tell(ok('configuration', 'every setting can be read'));
  for (const fault of config.productionFaults)
    tell(config.isStrict ? wrong('production', fault) : note('production', `would refuse ${fault}`));
  for (const fault of config.fileFaults) tell(wrong('file', fault));
  for (const gap of config.gaps.filter((words) => !words.includes('is not set'))) tell(note('name', gap));
  tell(dataFolder(config));
  for (const finding of keys(config)) tell(finding);
  tell(erasures(config));
  for (const finding of await eventLog(config)) tell(finding);
  tell(await port(config));
  for (const finding of tls(config)) tell(finding);
  for (const finding of anchors(config)) tell(finding);
  const { governmentUrl, governmentTokenFile, oidcIssuer, oidcJwksUrl, linkUrl } = config.values;
  const answers = [
    ...(await statusSources(config)),
    await reach(
      'link service',
      'HONNIN_JPKI_LINK_URL',
      linkUrl && question(() => ({ ...linkQuestion(linkUrl), tls: serviceTls(config, 'link') })),
    ),
    await reach(
      'government server',
      'HONNIN_GOVERNMENT_URL',
      governmentUrl &&
        question(() => ({
          ...governmentQuestion(governmentUrl, governmentTokenFile),
          tls: serviceTls(config, 'government'),
        })),
    ),
    await reach(
      'sign-in',
      'HONNIN_OIDC_ISSUER',
      oidcIssuer && question(() => signInQuestion(oidcIssuer, oidcJwksUrl, ASK_MS, serviceTls(config, 'oidc'))),
    ),
  ];
  for (const { finding } of answers) tell(finding);
  tell(clock(answers.map((a) => a.skewSeconds).filter((s) => s !== null)));
  for (const finding of await examineKafka(config)) tell(finding);
  for (const finding of await examineOutlets(config)) tell(finding);
  tell(await faceModels(config));
}

function dataFolder(config: Config): Finding {
  const folder = config.inData();
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const probe = join(folder, `.doctor-${process.pid}`);
    writeFileSync(probe, 'x');
    rmSync(probe);
  } catch (error) {
    return wrong(
      'data folder',
      `${folder} cannot be written (${(error as NodeJS.ErrnoException).code}); give the server's user the right to, or set HONNIN_DATA`,
    );
  }
  const { mode } = statSync(folder);
  if ((mode & 0o077) !== 0)
    return wrong(
      'data folder',
      `${folder} can be read by others; the next start makes it private, or run: chmod -R go= ${folder}`,
    );
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const { freeMegabytesMin } = config.values;
  if (free < freeMegabytesMin * 1_000_000) {
    const left = `${folder} has only ${Math.floor(free / 1_000_000)} MB left`;
    return wrong(
      'data folder',
      `${left}, fewer than ${freeMegabytesMin} (HONNIN_FREE_MEGABYTES_MIN): the server would not be ready`,
    );
  }
  return ok('data folder', `${folder}, ${Math.round(free / 1024 ** 3)} GiB free`);
}

/** Where erasures are noted, so that no restored backup brings anybody back. */
function erasures({ values, erasedFile }: Config): Finding {
  const elsewhere = 'HONNIN_ERASED_FILE can name a file on another disk';
  const beside = `noted in ${erasedFile}, and lost with the data folder; ${elsewhere}`;
  if (values.erasedFile === null) return note('erasures', beside);
  const folder = dirname(erasedFile);
  try {
    accessSync(existsSync(erasedFile) ? erasedFile : folder, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what = `HONNIN_ERASED_FILE=${erasedFile} cannot be written (${code})`;
    return wrong('erasures', `${what}: no erasure is carried out until it can; is its disk there?`);
  }
  return ok('erasures', `noted in ${erasedFile}`);
}

/** Whether nothing of an earlier start is there. */
function isFirstStart(config: Config): boolean {
  return !existsSync(config.inData('events.db')) && !existsSync(config.inData('vault'));
}

/** What a start would refuse, in its words. */
async function installation(config: Config, store: EventStore): Promise<Finding[]> {
  return (await findProblems(config, store)).map((problem) => wrong('installation', problem));
}

function keys(config: Config): Finding[] {
  return (
    [
      ['master key', config.values.masterKeyFile, 'master.key', 'HONNIN_MASTER_KEY_FILE'],
      ['server secret', config.values.serverSecretFile, 'server.secret', 'HONNIN_SERVER_SECRET_FILE'],
    ] as const
  ).map(([what, named, own, env]) => {
    const file = named ?? config.inData('keys', own);
    if (!existsSync(file) && !isFirstStart(config))
      return wrong(what, `${file} is missing; restore it from the backup of the keys`);
    if (!existsSync(file))
      return named === null
        ? note(what, `will be made at ${file} at the first start; ${env} can name one that is kept elsewhere`)
        : wrong(what, `${env}=${file} does not exist`);
    const { size, mode } = statSync(file);
    if (size !== 32) return wrong(what, `${file} has ${size} bytes; it must have exactly 32`);
    if ((mode & 0o077) !== 0) return wrong(what, `${file} can be read by others; run: chmod 600 ${file}`);
    if (named !== null) return ok(what, file);
    return ok(what, `${file}, made at the first start; ${env} can name one that is kept elsewhere`);
  });
}

async function eventLog(config: Config): Promise<Finding[]> {
  return config.values.eventStore === 'sqlite' ? embeddedLog(config) : storeElsewhere(config);
}

/** Connects as the server would, with its user. */
async function storeElsewhere(config: Config): Promise<Finding[]> {
  const { eventStore } = config.values;
  try {
    const { version, leader, rights } = await surveyStore(eventStore);
    const isNote = rights === 'hidden' || (rights === 'none' && !config.isStrict);
    const level = rights === 'least' ? ok : isNote ? note : wrong;
    const store = await openEventStore(eventStore, '', { mode: 'read' });
    try {
      const head = await store.head();
      const older = olderThanShipped(await storedPolicy(store));
      return [
        ok('event log', `EventStoreDB or KurrentDB ${version}, led by ${leader}, last position ${head ?? 'none'}`),
        level('event store rights', rightsInWords(rights)),
        ...(older ? [note('policy', olderInWords(older))] : []),
        ...(await installation(config, store)),
      ];
    } finally {
      await store.close();
    }
  } catch (error) {
    const trouble = await tlsTrouble(storeAddress(eventStore));
    return [wrong('event log', trouble ?? (error instanceof Error ? error.message : String(error)))];
  }
}

/** What a start says of an installation whose log is gone: an empty log stands in for it, in a folder of its own. */
async function withoutLog(config: Config): Promise<Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), 'honnin-doctor-'));
  try {
    const store = SqliteEventStore.open({ file: join(folder, 'events.db'), mode: 'write' });
    return await installation(config, store).finally(() => store.close());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function embeddedLog(config: Config): Promise<Finding[]> {
  const file = config.inData('events.db');
  if (!existsSync(file))
    return isFirstStart(config) ? [note('event log', 'none yet; it is made at the first start')] : withoutLog(config);
  try {
    const store = SqliteEventStore.open({ file, mode: 'read' });
    const asked = Promise.all([store.head(), storedPolicy(store), installation(config, store)]);
    const [head, policy, parts] = await asked.finally(() => store.close());
    const result = await checkEventLog(file);
    if (result.problems.length > 0) return result.problems.map((problem) => wrong('event log', problem));
    const older = olderThanShipped(policy);
    return [
      ...(older ? [note('policy', olderInWords(older))] : []),
      ok('event log', `${result.events} events, last position ${head ?? 'none'}, every checksum right`),
      ...parts,
    ];
  } catch (error) {
    return [wrong('event log', error instanceof Error ? error.message : String(error))];
  }
}

async function storedPolicy(store: EventStore): Promise<PolicyState> {
  const events = await store.readStream(policies.streamOf(POLICY_ID), {});
  return events
    .map((event) => upcast(event) as unknown as PolicyEvent)
    .reduce(policyDecider.evolve, policyDecider.initial);
}

async function port(config: Config): Promise<Finding> {
  const { host, port: number } = config.values;
  if (number === 0) return note('port', 'a free one is taken at every start; set HONNIN_PORT for a fixed one');
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'is in use (by a running server?)'
          : error.code === 'EACCES'
            ? 'needs more rights; take one above 1023'
            : `cannot be used (${error.code})`;
      resolve(wrong('port', `${host}:${number} ${why}`));
    });
    probe.listen(number, host, () => probe.close(() => resolve(ok('port', `${host}:${number} is free`))));
  });
}

function tls(config: Config): Finding[] {
  const { tlsCertFile, tlsKeyFile } = config.values;
  if (tlsCertFile === null || tlsKeyFile === null)
    return [note('TLS', 'off; set HONNIN_TLS_CERT and HONNIN_TLS_KEY, or put a TLS proxy in front')];
  try {
    accessSync(tlsKeyFile, constants.R_OK);
    const certificate = new X509Certificate(readFileSync(tlsCertFile));
    const days = Math.floor((Date.parse(certificate.validTo) - Date.now()) / 86_400_000);
    return [
      days < 0
        ? wrong('TLS', `the certificate in ${tlsCertFile} expired on ${certificate.validTo}`)
        : days < 30
          ? note('TLS', `the certificate expires in ${days} days`)
          : ok('TLS', `valid for ${days} more days`),
    ];
  } catch (error) {
    return [
      wrong(
        'TLS',
        `${tlsCertFile} or ${tlsKeyFile} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      ),
    ];
  }
}

function anchors(config: Config): Finding[] {
  const { authAnchorFiles, signAnchorFiles, cardIssuerKeysFile, environment } = config.values;
  const findings: Finding[] = [];
  if (authAnchorFiles.length + signAnchorFiles.length === 0)
    findings.push(
      wrong('trust anchors', 'none; set HONNIN_JPKI_AUTH_ANCHORS to the roots of the authentication server'),
    );
  else
    findings.push(
      attempt(
        'trust anchors',
        () => (
          certificateVerifier(config),
          `${authAnchorFiles.length} files for user authentication, ${signAnchorFiles.length} for digital signature, environment ${environment}`
        ),
      ),
    );
  if (cardIssuerKeysFile === null)
    findings.push(
      wrong('card issuer keys', 'none; set HONNIN_CARD_ISSUER_KEYS, without it every card record is refused'),
    );
  else findings.push(attempt('card issuer keys', () => (cardRecordVerifier(config), cardIssuerKeysFile)));
  return findings;
}

function attempt(what: string, check: () => string): Finding {
  try {
    return ok(what, check());
  } catch (error) {
    return wrong(what, error instanceof Error ? error.message : String(error));
  }
}

/** The addresses that the configured order asks for the status of certificates, and no others. */
async function statusSources(config: Config): Promise<Answer[]> {
  const { statusOrder, ocspUrl, crlAuthUrls, crlSignUrls, authAnchorFiles, signAnchorFiles } = config.values;
  const answers: Answer[] = [];
  const ours = (make: () => ServiceQuestion | null): ServiceQuestion | string =>
    question(() => ((made) => made && { ...made, tls: serviceTls(config, 'authority') })(make()));
  const asked = ocspUrl && ocspAsked(ocspUrl, [...authAnchorFiles, ...signAnchorFiles], ours);
  if (statusOrder !== 'crl') answers.push(await reach('OCSP responder', 'HONNIN_JPKI_OCSP_URL', asked));
  if (statusOrder === 'ocsp') return answers;
  const each = (urls: readonly string[]): readonly (string | null)[] => (urls.length === 0 ? [null] : urls);
  for (const url of authAnchorFiles.length > 0 ? each(crlAuthUrls) : [])
    answers.push(await reach('CRL (authentication)', 'HONNIN_JPKI_CRL_AUTH_URL', url && ours(() => crlQuestion(url))));
  for (const url of signAnchorFiles.length > 0 ? each(crlSignUrls) : [])
    answers.push(await reach('CRL (signature)', 'HONNIN_JPKI_CRL_SIGN_URL', url && ours(() => crlQuestion(url))));
  return answers;
}

/** The question about the first anchor that can be read. Without one there is nothing to ask about. */
function ocspAsked(url: string, anchorFiles: readonly string[], asking: typeof question): ServiceQuestion | string {
  for (const file of anchorFiles) {
    const asked = asking(() => ocspQuestion(url, file));
    if (typeof asked !== 'string') return asked;
  }
  return `${url} was not asked: there is no trust anchor to ask about`;
}

/** A question, or why it cannot be asked. */
function question(make: () => ServiceQuestion | null): ServiceQuestion | string {
  try {
    return make() ?? 'was not asked: there is nothing to ask about';
  } catch (error) {
    return `was not asked: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Asks a service what only the right one can answer. */
async function reach(what: string, env: string, asked: ServiceQuestion | string | null): Promise<Answer> {
  if (asked === null) {
    const links = 'a renewed card counts as a new person, and one type of certificate is accepted';
    const isOptional = env === 'HONNIN_JPKI_LINK_URL';
    const finding = isOptional ? note(what, `${env} is not set: ${links}`) : wrong(what, `${env} is not set`);
    return { finding, skewSeconds: null };
  }
  if (typeof asked === 'string') return { finding: wrong(what, asked), skewSeconds: null };
  const { url } = asked;
  try {
    const { fault, date } = await askService(asked, ASK_MS);
    const finding = fault === null ? ok(what, `${url} answers as it should`) : wrong(what, `${url} ${fault}`);
    return { finding, skewSeconds: date === null ? null : Math.round((Date.parse(date) - Date.now()) / 1000) };
  } catch (error) {
    const cause =
      error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error);
    return {
      finding: wrong(what, `${url} does not answer: ${cause}; requests would wait until it does`),
      skewSeconds: null,
    };
  }
}

function clock(skews: readonly number[]): Finding {
  const worst = skews.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
  if (skews.length === 0) return note('clock', `${new Date().toISOString()}; no server answered to compare it with`);
  if (Math.abs(worst) > CLOCK_SECONDS_MAX)
    return wrong(
      'clock',
      `${Math.abs(worst)} s ${worst > 0 ? 'behind' : 'ahead of'} a server that answered; set up NTP`,
    );
  return ok('clock', `${new Date().toISOString()}, within ${Math.abs(worst)} s of the servers that answered`);
}

async function faceModels(config: Config): Promise<Finding> {
  const { modelCacheDir } = config.values;
  const comparer = new OnnxFaceComparer({ workers: 1, ...(modelCacheDir === null ? {} : { cacheDir: modelCacheDir }) });
  try {
    await comparer.start();
    const { id, version } = comparer.algorithm();
    return ok('face models', `${id} ${version} load and run`);
  } catch (error) {
    return wrong('face models', error instanceof Error ? error.message : String(error));
  } finally {
    await comparer.close();
  }
}
