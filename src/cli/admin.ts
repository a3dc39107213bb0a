import { parseArgs } from 'node:util';
import { END_REASONS } from '../domain/registration/registration.events.js';
import { LOCKOUT_REASONS } from '../domain/access/lockout.events.js';
import { SUSPENSION_REASONS } from '../domain/booth/booth.events.js';
import { ACT_REASONS } from '../domain/dual-control/dual-act.events.js';
import { AdminCall } from './admin/admin-call.js';
import { AREAS, type Action } from './admin/areas.js';
import { login, logout, whoami } from './admin/sign-in.js';
import { FLAG, MANY, TEXT } from './audit/arguments.js';
import { orSayWhy } from './audit/server-answers.js';
import { command as consumers } from './data/consumers.js';
import { UsageError, type CliCommand } from './command.js';

export const command: CliCommand = {
  help: `
What an administrator does on a running server. What needs two people is proposed, and another administrator agrees.

  ./honnin admin login [--issuer URL] [--client ID] [--scope TEXT]
        signs in: confirm the code that it shows in any browser. Kept for this server in a file that you alone can read,
        and renewed while it is used; also for ./honnin consumers, audit and policy with --server
  ./honnin admin whoami                                       asks the server as whom commands go to it
  ./honnin admin logout
  ./honnin admin booths list | show BOOTH-ID
  ./honnin admin booths enrol BOOTH-ID --key FILE|TEXT --reason CODE --reference TEXT     proposes
  ./honnin admin booths key BOOTH-ID --key FILE|TEXT --reason CODE --reference TEXT       proposes another key
  ./honnin admin booths suspend BOOTH-ID --reason CODE                                    at once
  ./honnin admin booths resume BOOTH-ID --reason CODE --reference TEXT                    proposes
  ./honnin admin policies list | show [VERSION]
  ./honnin admin policies propose --set NAME=VALUE... [--based-on VERSION] [--dry-run]
        the values of a version (default: the one in force) with some changed: --set holdDueHours=48,
        --set photoQualityMin.EyesVisible=50, --set 'consentTextVersions=["2026-11","2027-01"]'
  ./honnin admin policies approve VERSION
  ./honnin admin policies activate VERSION [--dry-run]       both show the difference from the one in force first
  ./honnin admin erasures list | propose REQUEST-ID --rule CODE --reference TEXT
  ./honnin admin people list                                  who is locked out
  ./honnin admin people lock-out SUBJECT --reason CODE --reference TEXT     at once, before the token ends
  ./honnin admin people readmit SUBJECT --reason CODE --reference TEXT      proposes to let them in again
  ./honnin admin acts list | show ACT-ID | approve ACT-ID | decline ACT-ID
        everything that two people do: erasures, booths, skipped events. Declining an own one takes it back
  ./honnin admin effects list                                steps that were given up on
  ./honnin admin effects resume REQUEST-ID EFFECT-ID         a step that was given up on is tried again
  ./honnin admin cases list                                  cases that are stopped: what is kept is not what came
  ./honnin admin cases end REQUEST-ID --reason CODE --reference TEXT     a case that can never go on
  ./honnin admin parked list | replay | resume | skip …      as './honnin consumers' ('./honnin consumers --help')

Options
  --server URL        address of the server
  --token-file FILE   an access token instead of a sign-in; or --token TOKEN, or HONNIN_TOKEN
  --issuer, --client  of login: the sign-in (default: what the server names) and what this program is called there
                      (honnin-admin; it must be a public client with the device flow); --scope what is asked for
  --json              the answer as it came, instead of a table
  --key               an Ed25519 key: a file (PEM or DER), or base64. Of a private key only the public part is sent
  --reference TEXT    number of an order, a ticket or a file; no names, no sentences

Codes
  --reason of enrol   ${ACT_REASONS.enrol_booth.join(', ')}
              key     ${ACT_REASONS.rotate_booth_key.join(', ')}
              suspend ${SUSPENSION_REASONS.join(', ')}
              resume  ${ACT_REASONS.resume_booth.join(', ')}
              lock-out ${LOCKOUT_REASONS.join(', ')}
              readmit ${ACT_REASONS.readmit_person.join(', ')}
              end     ${END_REASONS.join(', ')}
  --rule of erasures  ${ACT_REASONS.erase_registrant.join(', ')}

Exit code 0: done; 1: refused, with the reason; 64: the command is not complete.

Example
  ./honnin admin booths list --server https://honnin.example --token-file admin.token
`,
  async run(args) {
    const [area = '', ...words] = args;
    if (area === 'parked') return consumers.run(words);
    const { act, rest } = actOf(area, words);
    const { values, positionals } = parseArgs({
      args: rest,
      allowPositionals: true,
      options: {
        server: TEXT,
        token: TEXT,
        'token-file': TEXT,
        json: FLAG,
        reason: TEXT,
        reference: TEXT,
        rule: TEXT,
        key: TEXT,
        'based-on': TEXT,
        set: MANY,
        'dry-run': FLAG,
        issuer: TEXT,
        client: TEXT,
        scope: TEXT,
      },
    });
    const name = ['admin', ...args.slice(0, args.length - rest.length)].join(' ');
    return orSayWhy(name, () => act(new AdminCall(values, positionals)));
  },
};

const SIGN_IN: Readonly<Record<string, Action>> = { login: (call) => login(call), logout, whoami };

/** What is asked for, and the words after it. @throws {UsageError} naming what there is */
function actOf(area: string, words: string[]): { readonly act: Action; readonly rest: string[] } {
  const own = Object.hasOwn(SIGN_IN, area) ? SIGN_IN[area] : undefined;
  if (own) return { act: own, rest: words };
  const actions = Object.hasOwn(AREAS, area) ? AREAS[area] : undefined;
  const areas = [...Object.keys(SIGN_IN), ...Object.keys(AREAS), 'parked'];
  if (!actions) throw new UsageError(`admin needs what it is about: ${areas.join(', ')}`);
  const [action = '', ...rest] = words;
  const act = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (!act) throw new UsageError(`admin ${area} needs what to do: ${Object.keys(actions).join(', ')}`);
  return { act, rest };
}
