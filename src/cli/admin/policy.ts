import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ViewWhatIf, ViewWhatIfHandler } from '../../application/access/view-what-if.js';
import { verifyWhatIf, type SignedWhatIf } from '../../domain/audit/what-if/what-if-report.js';
import { COUNTED_AS, type CountedAs } from '../../domain/audit/what-if/case-outcomes.js';
import { WhatIf, type WhatIfReport } from '../../domain/audit/what-if/what-if.js';
import type { PolicyValues } from '../../domain/policy/policy.events.js';
import { isPoints } from '../../domain/values/similarity-score.js';
import { NODE_PRIMITIVES } from '../../infrastructure/audit/digest.js';
import { FLAG, keysOf, MANY, say, sayJson, TEXT } from '../audit/arguments.js';
import { OpenAudit, operatorName } from '../audit/open-audit.js';
import { ask, orSayWhy } from '../audit/server-answers.js';
import { inFolder } from '../audit/time-travel.js';
import { linesOf } from '../audit/verify-list.js';
import { EXIT, UsageError, type CliCommand } from '../command.js';

export const command: CliCommand = {
  help: `
Shows what other thresholds would have done, checks such reports, and proposes what a new version asks for by default. It decides nothing:
a proposal counts when another administrator has approved it.

  ./honnin policy what-if [--hold-margin POINTS] [--threshold POINTS] [--referral POINTS] [--registered-threshold POINTS]
                          [--hold-in-referral-band yes|no] [--hold-on-registered-mismatch yes|no]
                          [--cases] [--json] [--report FILE] [--data FOLDER | --server URL --token TOKEN]
        numbers by change, booth and month, and of the cases that flip what officers decided of them later: missed (they
        rejected it and it would go on), spared (it would come out as they decided), and so on (docs/audit.md).
        --cases, --json and --report name single cases: that look is put on record first (beside a running server with
        --server, as an auditor or administrator). --report FILE keeps the result with the log's signature; its member
        "note" is attached to a proposal (POST /v1/policies, member reportNote)
  ./honnin policy verify-report FILE [--bundle BUNDLE] [--key VKEY|FILE]... [--json]
        checks the signature, makes the report again from the events of a bundle, and says which proposal carries it.
        Exit code 0: all is as it says; 1: something is not; 2: nothing is wrong as far as could be seen
  ./honnin policy propose-default --server URL --token TOKEN [--dry-run]
        where the policy in force is older than the default of the server's version: proposes it with what that default asks of
        photographs; thresholds and terms stay as they are. --dry-run says what would be proposed. As an administrator

Every comparison of the history is decided again by the same rules under the other values, from the scores that were measured.
What would have followed from another outcome later is not played on.

Example
  ./honnin policy what-if --hold-margin 1500 --threshold 9000
`,
  async run(args) {
    const [name, ...rest] = args;
    if (name === 'what-if') return whatIf(rest);
    if (name === 'verify-report') return verifyReport(rest);
    if (name === 'propose-default') return proposeDefault(rest);
    throw new UsageError("policy needs 'what-if', 'verify-report' or 'propose-default'");
  },
};

async function whatIf(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      data: TEXT,
      server: TEXT,
      token: TEXT,
      'hold-margin': TEXT,
      threshold: TEXT,
      referral: TEXT,
      'registered-threshold': TEXT,
      'hold-in-referral-band': TEXT,
      'hold-on-registered-mismatch': TEXT,
      cases: FLAG,
      json: FLAG,
      report: TEXT,
    },
  });
  const change: Partial<PolicyValues> = {
    ...points('holdMarginPoints', values['hold-margin'], 'hold-margin'),
    ...points('cardMatchPointsMin', values.threshold, 'threshold'),
    ...points('referralPointsMin', values.referral, 'referral'),
    ...points('registeredMatchPointsMin', values['registered-threshold'], 'registered-threshold'),
    ...yesNo('holdInReferralBand', values['hold-in-referral-band']),
    ...yesNo('holdOnRegisteredMismatch', values['hold-on-registered-mismatch']),
  };
  if (Object.keys(change).length === 0) throw new UsageError('what-if needs at least one other value');
  const give = (signed: SignedWhatIf): number => {
    if (values.json) sayJson(signed.report);
    else print(signed.report, values.cases);
    if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(signed, null, 1)}\n`);
    if (values.report !== undefined) say(`${values.report}: signed`);
    return EXIT.ok;
  };
  const { server, token } = values;
  if (server !== undefined)
    return orSayWhy('policy what-if', async () =>
      give(await ask<SignedWhatIf>(server, token, '/v1/audit/what-ifs', change)),
    );
  if (values.cases || values.json || values.report !== undefined) {
    return inFolder('policy what-if', values.data, async (audit, { access }) =>
      give(
        await new ViewWhatIfHandler(audit.log, await audit.keys(), access).execute(
          new ViewWhatIf(operatorName(audit.config), change),
        ),
      ),
    );
  }
  // Numbers alone are about nobody, and are shown beside a running server too.
  const audit = OpenAudit.at(values.data);
  if (!audit.log.checkpoint()) throw new UsageError('the audit log has no checkpoint yet');
  const run = new WhatIf(change);
  for (const { index, leaf } of audit.events()) run.feed(index, leaf);
  print(run.finish(), false);
  return EXIT.ok;
}

async function proposeDefault(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { server: TEXT, token: TEXT, 'dry-run': FLAG } });
  const { server, token } = values;
  if (server === undefined) throw new UsageError('propose-default needs the address of the server: --server URL');
  return orSayWhy('policy propose-default', async () => {
    const { isOlder, differences, proposal } = await ask<Shipped>(server, token, '/v1/policies/shipped-default');
    if (!isOlder || proposal === null) {
      say(
        'nothing to propose: the policy in force asks for what the default of this version asks for, or was decided since',
      );
      return EXIT.ok;
    }
    for (const { field, inForce, shipped } of differences)
      say(`${field.padEnd(52)} ${inForce ?? 'nothing'} → ${shipped}`);
    if (values['dry-run']) return EXIT.ok;
    const { versions } = await ask<{ versions: readonly { version: number }[] }>(
      server,
      token,
      '/v1/policies',
      proposal,
    );
    say(
      `proposed as policy ${versions.at(-1)?.version ?? '?'}; another administrator approves it, then it can be put in force`,
    );
    return EXIT.ok;
  });
}

interface Shipped {
  readonly isOlder: boolean;
  readonly differences: readonly {
    readonly field: string;
    readonly inForce: number | null;
    readonly shipped: number;
  }[];
  readonly proposal: PolicyValues | null;
}

async function verifyReport(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { bundle: TEXT, key: MANY, json: FLAG },
  });
  const [file] = positionals;
  if (file === undefined || !existsSync(file)) throw new UsageError('verify-report needs the file of a report');
  if (values.bundle !== undefined && !existsSync(values.bundle))
    throw new UsageError(`there is no file ${values.bundle}`);
  const trusted = keysOf(values.key);
  const check = verifyWhatIf(parsed(file), NODE_PRIMITIVES, {
    trusted,
    bundle: values.bundle === undefined ? null : await linesOf(values.bundle),
  });
  const isSound = check.problems.length === 0 && check.trusted && check.recomputed;
  if (values.json)
    sayJson({
      sound: isSound,
      ...check,
      statement: check.statement && { ...check.statement, root: Buffer.from(check.statement.root).toString('base64') },
    });
  else {
    const { statement } = check;
    if (statement)
      say(
        `report     ${JSON.stringify(statement.changed)} over ${statement.treeSize} entries of ${statement.origin}: ${statement.flips} of ${statement.comparisons} comparisons flip`,
      );
    say(
      `signature  ${check.trusted ? 'by the key that you gave, or one that follows from it' : trusted.length > 0 ? 'NOT by the key that you gave' : 'not checked: give the key of the log with --key'}`,
    );
    say(
      `made again ${check.recomputed ? 'from the events of the bundle' : 'no: give a bundle of the whole log with --bundle'}`,
    );
    if (check.recomputed)
      say(
        `proposal   ${check.proposedWith === null ? 'no proposal in the bundle carries it' : `policy ${check.proposedWith} was proposed with it`}`,
      );
    for (const problem of check.problems) say(`WRONG      ${problem}`);
    say(
      check.problems.length > 0
        ? `${check.problems.length} discrepancies`
        : isSound
          ? 'everything is as it says'
          : 'nothing is wrong as far as could be seen',
    );
  }
  return check.problems.length > 0 ? EXIT.failed : isSound ? EXIT.ok : EXIT.unknown;
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown;
  } catch {
    throw new UsageError(`${file} is not JSON`);
  }
}

const IN_WORDS: Readonly<Record<CountedAs, string>> = {
  missed: 'officers rejected it, and it would go on',
  spared: 'it would come out without officers as they decided',
  turnedAway: 'officers released it, and it would be refused',
  recaptured: 'officers asked for another photograph, and nobody would',
  stillHeld: 'it would be held for another reason',
  undecided: 'its hold expired or was ended before officers decided',
  open: 'it is held at the end of the history',
  newlyHeld: 'it would be held and was not: what officers would say is unknown',
  neverHeld: 'it was not held and would not be: nobody looked',
};

function print({ comparisons, flips, byChange, officers, byBooth, byMonth }: WhatIfReport, withCases: boolean): void {
  say(`${flips.length} of ${comparisons} comparisons would have ended differently`);
  for (const [change, count] of Object.entries(byChange)) say(`  ${change}: ${count}`);
  for (const name of COUNTED_AS) if (officers[name] > 0) say(`  ${name} ${officers[name]}: ${IN_WORDS[name]}`);
  for (const [title, table] of [
    ['booth', byBooth],
    ['month', byMonth],
  ] as const) {
    say();
    say(`${title.padEnd(24)} comparisons   flips   held was   held would be`);
    for (const [name, c] of Object.entries(table).sort())
      say(
        `${name.padEnd(24)} ${String(c.comparisons).padStart(11)} ${String(c.flips).padStart(7)} ${String(c.heldWas).padStart(10)} ${String(c.heldWouldBe).padStart(15)}`,
      );
  }
  if (withCases)
    for (const { requestId, boothId, was, wouldBe, cardPoints, registeredPoints, later } of flips)
      say(
        `${requestId}  ${boothId}  ${was} → ${wouldBe}  card ${cardPoints}, ` +
          `registered ${registeredPoints ?? 'none'}, later ${later}`,
      );
}

function points(name: keyof PolicyValues, value: string | undefined, option: string): Partial<PolicyValues> {
  if (value === undefined) return {};
  if (!/^\d+$/.test(value) || !isPoints(Number(value))) throw new UsageError(`--${option} must be points 0..10000`);
  return { [name]: Number(value) };
}

function yesNo(name: keyof PolicyValues, value: string | undefined): Partial<PolicyValues> {
  if (value === undefined) return {};
  if (value !== 'yes' && value !== 'no') throw new UsageError(`${name} is yes or no`);
  return { [name]: value === 'yes' };
}
