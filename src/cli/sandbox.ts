import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { sandboxSettings, startSandbox, type Sandbox } from '../sandbox/sandbox.js';
import { EXIT, UsageError, type CliCommand } from './command.js';
import { CARD_HELP, makeCard, typesFrom } from './sandbox/make-card.js';

export const command: CliCommand = {
  help: `
Runs stand-ins for the outside world until it is interrupted: the authentication server (OCSP, CRL, card issuer,
number links), the government server, a sign-in (OpenID provider) and a timestamp authority. Everything they issue is
synthetic. Prints their addresses, sample sign-ins, and the settings with which the server uses them.

  ./honnin sandbox --data DIR [--card-photo FILE [--certificate TYPE] [--holder NAME]]
        runs until Ctrl-C
${CARD_HELP.slice(1, -1)}

Options
  --data DIR          keys, cards, histories and addresses are kept here; the next start is the same world
  --card-photo FILE   also issue a card with this picture (JPEG, PNG or WebP) and save it under DIR/cards/
  --certificate TYPE  user_authentication (default) or digital_signature; may be given twice
  --holder NAME       name of the synthetic holder; the default is a sample name
  --out DIR           with card: a folder for its files, new or empty
  --picture FILE      with card: face on the card (JPEG, PNG, WebP or JPEG 2000). Without it a sample face, and another
                      photograph of that person as photo.jpg, so that a registration matches
  --p384              with card: keys of its certificates on the curve P-384, as on the next generation of cards

Example
  ./honnin sandbox --data ./data/sandbox --card-photo me.jpg
  ./honnin sandbox card --data ./data/sandbox --out ./my-card
`,
  async run(args) {
    if (args[0] === 'card') return makeCard(args.slice(1));
    const { values } = parseArgs({
      args,
      options: {
        data: { type: 'string' },
        'card-photo': { type: 'string' },
        certificate: { type: 'string', multiple: true },
        holder: { type: 'string' },
      },
    });
    if (values.data === undefined) throw new UsageError('--data DIR is missing');
    const certificateTypes = typesFrom(values.certificate);
    const cardPhoto = values['card-photo'];
    if (cardPhoto !== undefined && !existsSync(cardPhoto)) throw new UsageError(`there is no file ${cardPhoto}`);
    const sandbox = await startSandbox({ folder: path.resolve(values.data) });
    try {
      if (cardPhoto !== undefined)
        await issueCard(sandbox, {
          picture: readFileSync(cardPhoto),
          certificateTypes,
          ...(values.holder === undefined ? {} : { holder: { name: values.holder } }),
        });
      await describe(sandbox);
      await interrupted();
    } finally {
      await sandbox.close();
    }
    return EXIT.ok;
  },
};

const say = (line = ''): void => void process.stdout.write(`${line}\n`);

async function issueCard(sandbox: Sandbox, options: Parameters<Sandbox['jpki']['issueCard']>[0]): Promise<void> {
  const card = await sandbox.jpki.issueCard(options);
  const folder = path.join(sandbox.folder, 'cards');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, `${card.id}.json`);
  writeFileSync(file, `${JSON.stringify(card.toJson(), null, 1)}\n`, { mode: 0o600 });
  const { authenticationPin, signingPassword, accessNumber } = card.secrets;
  say(`Synthetic card ${file}`);
  say(`  PIN ${authenticationPin}, signing password ${signingPassword}, access number ${accessNumber}`);
}

async function describe(sandbox: Sandbox): Promise<void> {
  const { jpki, government, tokens, timestamps } = sandbox;
  say();
  say('Addresses');
  say(`  OCSP         ${jpki.ocspUrl}`);
  say(`  CRL          ${jpki.crlUrls.user_authentication}`);
  say(`               ${jpki.crlUrls.digital_signature}`);
  say(`  links        ${jpki.linksUrl}`);
  say(`  government   ${government.url}   (history: ${government.controlUrl}/control/history)`);
  say(`  sign-in      ${tokens.issuer}`);
  say(`  timestamps   ${timestamps.tsaUrl}`);
  say();
  say('Sample sign-ins (in a browser by a click; for programs the password is the name)');
  for (const { username, roles } of tokens.users) say(`  ${username.padEnd(16)} ${roles.join(', ')}`);
  say(`  curl -s -d grant_type=password -d username=officer-a -d password=officer-a ${tokens.tokenUrl}`);
  say();
  say('Settings for the server');
  for (const [name, value] of Object.entries(sandboxSettings(sandbox))) say(`  export ${name}='${value}'`);
  say();
  say('Control calls are listed in docs/sandbox.md. Stop with Ctrl-C.');
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
