import path from 'node:path';
import { parseArgs } from 'node:util';
import { EventStoreUnavailableError } from '../../application/ports/store/event-store.js';
import { AuditLogDamagedError } from '../../infrastructure/audit/log/tile-log.js';
import { BackupError, KEYS } from '../../infrastructure/backup/backup-folder.js';
import { makeBackup } from '../../infrastructure/backup/make-backup.js';
import { Config, SETTINGS } from '../../infrastructure/settings/config.js';
import { SystemClock } from '../../infrastructure/clock/system-clock.js';
import { EXIT, UsageError, type CliCommand } from '../command.js';

export const command: CliCommand = {
  help: `
Copies the whole installation as it is at one moment, while the server serves: events, read models, sealed files and
the signed log into DIR, all keys into another folder. What was written is checked: every event, every entry of the
signed log, every picture and all material that the events own. What fails leaves nothing behind.

  ./honnin backup DIR --keys FOLDER [--data FOLDER]

  DIR            a folder that does not exist yet, one for each backup. It opens nothing without the keys.
  --keys FOLDER  one folder for all backups of this installation, on another disk and under other people's rights.
                 Each backup replaces the keys of people in it: who was erased cannot be read from any older backup
                 from then on.
  --data FOLDER  the data folder (default: HONNIN_DATA, or ${SETTINGS.dataDir.fallback})

Exit code 0: it was made and holds together; 1: it was not.

Example
  ./honnin backup /backup/$(date +%F) --keys /safe/honnin-keys
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { keys: { type: 'string' }, data: { type: 'string' } },
    });
    const [dir, ...rest] = positionals;
    if (dir === undefined || rest.length > 0)
      throw new UsageError('say where it goes: ./honnin backup DIR --keys FOLDER');
    if (values.keys === undefined)
      throw new UsageError('backup needs --keys FOLDER: keys never go with the data that they open');
    const config = Config.from({
      ...process.env,
      ...(values.data === undefined ? {} : { [SETTINGS.dataDir.env]: values.data }),
    });
    const [target, keys] = [path.resolve(dir), path.resolve(values.keys)];
    try {
      const { manifest, erasures } = await makeBackup({ config, target, keys }, new SystemClock().nowUtc());
      for (const line of told({ target, keys, config }, manifest, erasures)) process.stdout.write(`${line}\n`);
      return EXIT.ok;
    } catch (error) {
      if (!(error instanceof Error) || !isOfOperators(error)) throw error;
      process.stderr.write(`honnin backup: ${error.message}\nno backup was made\n`);
      return EXIT.failed;
    }
  },
};

/** What an operator can put right is said in a line; a bug keeps its stack. */
export function isOfOperators(error: Error): boolean {
  return (
    error instanceof BackupError ||
    error instanceof EventStoreUnavailableError ||
    error instanceof AuditLogDamagedError ||
    'code' in error
  );
}

interface Places {
  readonly target: string;
  readonly keys: string;
  readonly config: Config;
}

function told(
  { target, keys, config }: Places,
  { takenAtUtc, events, entries }: { readonly takenAtUtc: string; readonly events: number; readonly entries: number },
  erasures: number,
): string[] {
  const isBeside = config.values.erasedFile === null;
  return [
    `${target}: ${events} events, ${entries} entries of the signed log, as of ${takenAtUtc}; written and checked`,
    `  keep it where you keep data. Without the keys nothing in it can be opened.`,
    `${keys}: ${KEYS.master}, ${KEYS.server}, ${KEYS.log}/ (signs the log), ${KEYS.ring} (the keys of people), ` +
      `${KEYS.erased} (${erasures} erasures)`,
    `  keep it on another disk, for other people than those who hold the data, and in few copies: keys of erased ` +
      `people live on in a copy of`,
    `  this folder that is older than the erasure. Each backup replaces what is in it.`,
    isBeside
      ? `  erasures from now to the next backup are noted in ${config.erasedFile} alone, and are lost with the data ` +
        `folder: set HONNIN_ERASED_FILE`
      : `  erasures from now on are noted in ${config.erasedFile}: a restore needs that file`,
  ];
}
