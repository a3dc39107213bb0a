import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { WhatIf, type WhatIfReport } from '../domain/audit/what-if.js';
import { toBase64 } from '../domain/audit/bytes.js';
import { writeNote } from '../domain/audit/signed-note.js';
import type { PolicyValues } from '../domain/policy/policy.events.js';
import { isPoints } from '../domain/values/similarity-score.js';
import { canonicalJson } from '../domain/values/canonical-json.js';
import type { Json } from '../domain/event-envelope.js';
import { sha256 } from '../infrastructure/audit/digest.js';
import { OpenAudit } from './audit/open-audit.js';
import { EXIT, UsageError, type CliCommand } from './command.js';

const say = (line = ''): void => void process.stdout.write(`${line}\n`);

export const command: CliCommand = {
  help: `
Shows what other thresholds would have done. Reads the audit log, touches nothing.

  ./honnin policy what-if [--hold-margin POINTS] [--threshold POINTS] [--referral POINTS] [--registered-threshold POINTS]
                          [--hold-in-referral-band yes|no] [--hold-on-registered-mismatch yes|no]
                          [--cases] [--json] [--report FILE] [--data FOLDER]

Every comparison of the history is decided again by the same rules under the other values, from the scores that were measured.
What would have followed from another outcome later is not played on.
--report FILE writes the result with the log's signature, to be attached to the proposal of the policy.

Example
  ./honnin policy what-if --hold-margin 1500 --threshold 9000
`,
  async run(args) {
    const text = { type: 'string' } as const;
    const flag = { type: 'boolean', default: false } as const;
    const { values, positionals } = parseArgs({
      args, allowPositionals: true,
      options: { data: text, 'hold-margin': text, threshold: text, referral: text, 'registered-threshold': text, 'hold-in-referral-band': text, 'hold-on-registered-mismatch': text, cases: flag, json: flag, report: text },
    });
    if (positionals[0] !== 'what-if') throw new UsageError("policy needs 'what-if'");
    const change: Partial<PolicyValues> = {
      ...points('holdMarginPoints', values['hold-margin'], 'hold-margin'), ...points('cardMatchPointsMin', values.threshold, 'threshold'), ...points('referralPointsMin', values.referral, 'referral'),
      ...points('registeredMatchPointsMin', values['registered-threshold'], 'registered-threshold'), ...yesNo('holdInReferralBand', values['hold-in-referral-band']), ...yesNo('holdOnRegisteredMismatch', values['hold-on-registered-mismatch']),
    };
    if (Object.keys(change).length === 0) throw new UsageError('what-if needs at least one other value');
    const audit = OpenAudit.at(values.data);
    const checkpoint = audit.log.checkpoint();
    if (!checkpoint) throw new UsageError('the audit log has no checkpoint yet');
    const run = new WhatIf(change);
    for (const { index, leaf } of audit.events()) run.feed(index, leaf);
    const report = run.finish();
    if (values.json) say(JSON.stringify(report, null, 2));
    else print(report, values.cases);
    if (values.report) {
      const keys = await audit.keys();
      const body = canonicalJson(report as unknown as Json);
      // The history that was judged is named by its root, so that the report can be made again and compared.
      const note = `honnin what-if report v1\n${checkpoint.origin}\n${checkpoint.size}\n${toBase64(checkpoint.root)}\n${Buffer.from(sha256(Buffer.from(body))).toString('hex')}\n${body}\n`;
      writeFileSync(values.report, writeNote({ text: note, signatures: keys.sign(note) }));
      say(`${values.report}: signed`);
    }
    return EXIT.ok;
  },
};

function print({ comparisons, flips, byChange, byBooth, byMonth }: WhatIfReport, withCases: boolean): void {
  say(`${flips.length} of ${comparisons} comparisons would have ended differently`);
  for (const [change, count] of Object.entries(byChange)) say(`  ${change}: ${count}`);
  for (const [title, table] of [['booth', byBooth], ['month', byMonth]] as const) {
    say(`\n${title.padEnd(24)} comparisons   flips   held was   held would be`);
    for (const [name, c] of Object.entries(table).sort()) say(`${name.padEnd(24)} ${String(c.comparisons).padStart(11)} ${String(c.flips).padStart(7)} ${String(c.heldWas).padStart(10)} ${String(c.heldWouldBe).padStart(15)}`);
  }
  if (withCases) for (const { requestId, boothId, was, wouldBe, cardPoints, registeredPoints } of flips) say(`${requestId}  ${boothId}  ${was} → ${wouldBe}  card ${cardPoints}, registered ${registeredPoints ?? 'none'}`);
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
