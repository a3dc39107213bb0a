import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { serviceFetch } from '../../infrastructure/settings/service-tls.js';
import { parseArgs } from 'node:util';
import { ApiSettings } from '../../api/api-settings.js';
import { TokenVerifier } from '../../api/auth/token-verifier.js';
import { LOSS_REASONS, type LossReason } from '../../domain/audit/log/loss-declaration.js';
import type { ProposedLoss } from '../../domain/installation/loss.js';
import { Config, SETTINGS } from '../../infrastructure/settings/config.js';
import { WriterLock } from '../../infrastructure/event-store/sqlite/writer-lock.js';
import { makePrivate } from '../../infrastructure/data-folder/private-folder.js';
import {
  findGone,
  findLoss,
  hasLog,
  RecoveryError,
  type FoundLoss,
  type Gone,
} from '../../infrastructure/recovery/find-loss.js';
import { withConfiguredLog } from '../../infrastructure/recovery/configured-log.js';
import { Recovery, unfinishedLoss } from '../../infrastructure/recovery/recover.js';
import { SystemClock } from '../../infrastructure/clock/system-clock.js';
import { notesIn } from '../audit/arguments.js';
import { isOfOperators } from './backup.js';
import { EXIT, UsageError, type CliCommand } from '../command.js';

export const command: CliCommand = {
  help: `
The way out of a loss: events that were signed are gone, and no copy has them. On a stopped server. Two administrators
accept what is lost; both are events. The signed log goes on under a new name, from the newest checkpoint that the
events still fit, with a note that both names sign: verifiers, the page and 'audit compare' then say "loss declared",
never a fork and never right.

  ./honnin recover [--copies PLACE]... [--have FILE]...      says what is lost, and changes nothing
  ./honnin recover --propose --origin NAME --reason CODE --reference TEXT --token-file FILE
        [--copies PLACE]... [--have FILE]...
  ./honnin recover --accept ID --token-file FILE [--copies PLACE]...     as another administrator; carries it out

  --copies PLACE    checkpoints that others kept (a file or folder): all that can be had, because a checkpoint that
                    turns up later and is newer than what was declared makes the declaration wrong.
                    HONNIN_AUDIT_COPY_FOLDER is taken anyway
  --have FILE       what booths and consumers still have: receipts, one on a line, or lines of JSON with a receipt or
                    the id of a published event. Those that the log does not have are named (--gone FILE writes their
                    list)
  --origin NAME     the new name of the signed log, to be set as HONNIN_AUDIT_ORIGIN from then on
  --reason CODE     ${LOSS_REASONS.join(', ')}
  --reference TEXT  number of the incident or order, up to 200 characters
  --token-file FILE an access token of HONNIN_OIDC_ISSUER for the role administrator (or HONNIN_TOKEN)
  --data FOLDER     the data folder (default: HONNIN_DATA, or ${SETTINGS.dataDir.fallback})

Exit code 0: nothing is lost, or it was done; 1: it was not done; 2: something is lost.

Example
  ./honnin recover --copies /worm/checkpoints --have receipts.txt
`,
  async run(args) {
    const [text, many] = [{ type: 'string' } as const, { type: 'string', multiple: true } as const];
    const { values } = parseArgs({
      args,
      options: {
        propose: { type: 'boolean', default: false },
        accept: text,
        origin: text,
        reason: text,
        reference: text,
        'token-file': text,
        data: text,
        gone: text,
        copies: many,
        have: many,
      },
    });
    const { HONNIN_TOKEN, ...environment } = process.env;
    const config = Config.from({
      ...environment,
      ...(values.data === undefined ? {} : { [SETTINGS.dataDir.env]: values.data }),
    });
    const missing = [...(values.copies ?? []), ...(values.have ?? [])].filter((place) => !existsSync(place));
    if (missing.length > 0) throw new UsageError(`there is no ${missing.join(', ')}`);
    if (values.propose && values.accept !== undefined)
      throw new UsageError('say --propose or --accept, not both: these are two people');
    const { auditCopyFolder } = config.values;
    const copies = [
      ...(values.copies ?? []),
      ...(auditCopyFolder !== null && existsSync(auditCopyFolder) ? [auditCopyFolder] : []),
    ].flatMap(notesIn);
    const have = (values.have ?? []).map((file) => readFileSync(file, 'utf8'));
    try {
      if (!hasLog(config))
        throw new RecoveryError(
          `there is no event log and signed log in ${config.inData()}; set HONNIN_DATA, or give --data FOLDER`,
        );
      makePrivate(config.inData());
      const lock = WriterLock.acquire(config.inData('server'), 'a server works in this data folder', 'stop it first');
      try {
        const token =
          values['token-file'] === undefined ? HONNIN_TOKEN : readFileSync(values['token-file'], 'utf8').trim();
        const clock = new SystemClock();
        const { accept: lossId } = values;
        if (lossId !== undefined)
          return await withConfiguredLog(config, clock, (log) =>
            accept(new Recovery(config, clock, log), { config, lossId, token, copies }),
          );
        const unfinished = unfinishedLoss(config);
        if (unfinished !== null)
          throw new RecoveryError(
            `accepting a loss was interrupted: './honnin recover --accept ${unfinished} --token-file FILE' ends it`,
          );
        return await withConfiguredLog(config, clock, async (log) => {
          const recovery = new Recovery(config, clock, log);
          const [found, gone] = [findLoss(config, log.file, copies), findGone(log.file, have)];
          sayFound(found, gone);
          if (values.gone !== undefined) writeFileSync(values.gone, gone.names.map((name) => `${name}\n`).join(''));
          if (!values.propose) return found.isLost ? EXIT.unknown : EXIT.ok;
          const { origin, reason, reference } = values;
          if (origin === undefined || !/^[^\s+]+$/.test(origin))
            throw new UsageError('--propose needs --origin NAME, a name like log.example.jp/honnin-2');
          if (!LOSS_REASONS.some((known) => known === reason))
            throw new UsageError(`--propose needs --reason, one of ${LOSS_REASONS.join(', ')}`);
          if (reference === undefined || !/^[\x20-\x7e]{1,200}$/.test(reference))
            throw new UsageError('--propose needs --reference, 1 to 200 visible ASCII characters');
          const by = await administrator(config, token);
          const loss = await recovery.propose(found, gone, {
            newOrigin: origin,
            reason: reason as LossReason,
            reference,
            by,
          });
          say(`proposed by ${by}: ${loss.lossId}`);
          say(`another administrator accepts it: ./honnin recover --accept ${loss.lossId} --token-file FILE`);
          return EXIT.ok;
        });
      } finally {
        lock.release();
      }
    } catch (error) {
      if (
        !(error instanceof Error) ||
        !(error instanceof RecoveryError || isOfOperators(error)) ||
        error instanceof UsageError
      )
        throw error;
      process.stderr.write(`honnin recover: ${error.message}\n`);
      return EXIT.failed;
    }
  },
};

interface Acceptance {
  readonly config: Config;
  readonly lossId: string;
  readonly token: string | undefined;
  readonly copies: readonly string[];
}

async function accept(recovery: Recovery, { config, lossId, token, copies }: Acceptance): Promise<number> {
  sayProposed((await recovery.lossOf(lossId)).loss);
  const by = await administrator(config, token);
  const { loss, aside, keysLeftOut, erasedAgain, cases } = await recovery.accept(lossId, by, copies);
  say(`accepted by ${by}: the signed log goes on as ${loss.newOrigin} from its first ${loss.keptSize} entries`);
  say(`the folder of before is ${aside}: keep it, its last entries have no events any more`);
  if (keysLeftOut > 0) say(`${keysLeftOut} keys of people and cases that the log does not know were destroyed`);
  if (erasedAgain + cases > 0) say(`${erasedAgain} people are erased again, with the material of ${cases} open cases`);
  say(
    `set HONNIN_AUDIT_ORIGIN=${loss.newOrigin} and start the server; give auditors and witnesses the new key ` +
      `(./honnin audit key)`,
  );
  return EXIT.ok;
}

/** Who is signed in. @throws {RecoveryError} for who is no administrator, or cannot be known */
async function administrator(config: Config, token: string | undefined): Promise<string> {
  const { oidcIssuer, oidcAudience, oidcJwksUrl, oidcRolesClaim } = config.values;
  if (token === undefined || token === '')
    throw new RecoveryError(
      'who are you? give --token-file FILE, or HONNIN_TOKEN: an access token of an administrator',
    );
  if (oidcIssuer === null) throw new RecoveryError('HONNIN_OIDC_ISSUER is not set: nobody can be known');
  const oidc = {
    issuer: oidcIssuer,
    audience: oidcAudience,
    jwksUri: oidcJwksUrl,
    rolesClaim: oidcRolesClaim,
    ...serviceFetch(config, 'oidc'),
  };
  const verdict = await new TokenVerifier(new ApiSettings({ oidc })).verify(token);
  if (verdict.verdict === 'not_configured')
    throw new RecoveryError('HONNIN_OIDC_ISSUER is not set: nobody can be known');
  if (verdict.verdict !== 'valid')
    throw new RecoveryError(
      `the token is ${verdict.verdict === 'invalid' ? 'not valid' : 'not known: the issuer cannot be asked'} ` +
        `(${verdict.cause})`,
    );
  if (!verdict.person.roles.includes('administrator'))
    throw new RecoveryError(`${verdict.person.subject} is no administrator`);
  return verdict.person.subject;
}

function sayFound({ origin, signed, kept, events, agreed, isLost }: FoundLoss, gone: Gone): void {
  say(
    `${origin}: ${signed.size} entries are known to have been signed; the store has ${events} events, the first ` +
      `${agreed} of which are those of the log`,
  );
  say(
    isLost
      ? `LOST  ${signed.size - kept.size} entries that were signed: the log would go on from its first ${kept.size}`
      : 'nothing that was signed is lost',
  );
  if (gone.asked === 0) return;
  say(`${gone.names.length} of ${gone.asked} receipts and events that others have are not in the log`);
  for (const name of gone.names.slice(0, 50)) say(`GONE  ${name}`);
  if (gone.names.length > 50) say(`… and ${gone.names.length - 50} more (--gone FILE writes all of them)`);
}

function sayProposed({ oldOrigin, newOrigin, signedSize, keptSize, reason, reference, gone, by }: ProposedLoss): void {
  say(
    `${by} proposes to accept: ${oldOrigin} had signed ${signedSize} entries, ${signedSize - keptSize} of them are ` +
      `lost (${reason}, ${reference});`,
  );
  say(
    `the log goes on as ${newOrigin} from its first ${keptSize}; ${gone} receipts and events that others have are gone`,
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
