import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  judgeBackup,
  restoreBackup,
  type Judged,
  type Restored,
  type RestorePlaces,
} from '../../infrastructure/backup/restore-backup.js';
import { Config, SETTINGS } from '../../infrastructure/settings/config.js';
import { SystemClock } from '../../infrastructure/clock/system-clock.js';
import { notesIn } from '../audit/arguments.js';
import { isOfOperators } from './backup.js';
import { EXIT, UsageError, type CliCommand } from '../command.js';

const OF_ERASURES =
  'A file of erasures is made by the first erasure: where nobody was ever erased leave --erased out, ' +
  'otherwise bring its disk back first';

export const command: CliCommand = {
  help: `
Judges a backup, and puts it into an empty data folder. Who was erased after it was made is erased in it again.

  ./honnin restore DIR --keys FOLDER --check     judges it and changes nothing: every file, every event, every entry
                                                 of the signed log, every picture, and whether the keys are the right
                                                 ones and new enough
  ./honnin restore DIR --keys FOLDER             judges it and restores it

  --keys FOLDER  the folder of the keys that 'honnin backup' wrote; the newest one there is
  --erased FILE  a file that tells of erasures (HONNIN_ERASED_FILE, or 'erased' of a lost data folder); repeatable.
                 The one among the keys and the one that HONNIN_ERASED_FILE names are taken anyway
  --copies PLACE checkpoints that were kept elsewhere, a file or folder; repeatable. HONNIN_AUDIT_COPY_FOLDER is
                 taken anyway. They say whether the log had signed more than the backup holds
  --data FOLDER  the data folder, empty or not there (default: HONNIN_DATA, or ${SETTINGS.dataDir.fallback})

Exit code 0: it can be, or was, restored; 1: it cannot; 2: it can be, or was, and events that were signed are missing
in it.

Example
  ./honnin restore /backup/2026-11-30 --keys /safe/honnin-keys --copies /worm/checkpoints --check
`,
  async run(args) {
    const many = { type: 'string', multiple: true } as const;
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        keys: { type: 'string' },
        data: { type: 'string' },
        erased: many,
        copies: many,
        check: { type: 'boolean', default: false },
      },
    });
    const [dir, ...rest] = positionals;
    if (dir === undefined || rest.length > 0)
      throw new UsageError('say which backup: ./honnin restore DIR --keys FOLDER');
    if (values.keys === undefined)
      throw new UsageError('restore needs --keys FOLDER: a backup without its keys opens nothing');
    const config = Config.from({
      ...process.env,
      ...(values.data === undefined ? {} : { [SETTINGS.dataDir.env]: values.data }),
    });
    const missing = [...(values.erased ?? []), ...(values.copies ?? [])].filter((place) => !existsSync(place));
    if (missing.length > 0) throw new UsageError(`there is no ${missing.join(', ')}. ${OF_ERASURES}`);
    const { auditCopyFolder, erasedFile } = config.values;
    if (erasedFile !== null && !existsSync(erasedFile)) process.stderr.write(withoutErasures(erasedFile));
    const kept = [
      ...(values.copies ?? []),
      ...(auditCopyFolder !== null && existsSync(auditCopyFolder) ? [auditCopyFolder] : []),
    ];
    const places: RestorePlaces = {
      target: path.resolve(dir),
      keys: path.resolve(values.keys),
      erased: values.erased ?? [],
      copies: kept.flatMap(notesIn),
    };
    try {
      return values.check
        ? sayJudged(await judgeBackup(places))
        : sayRestored(await restoreBackup(places, config, new SystemClock()), config.inData());
    } catch (error) {
      if (!(error instanceof Error) || !isOfOperators(error)) throw error;
      process.stderr.write(`honnin restore: ${error.message}\n`);
      return EXIT.failed;
    }
  },
};

/** Said, not refused: the file is made by the first erasure, and there may have been none. */
const withoutErasures = (file: string): string =>
  `honnin restore: ${SETTINGS.erasedFile.env} names ${file}, which is not there. Where somebody was erased since the ` +
  `backup, they come back: bring the file first, its disk may be away. ${OF_ERASURES}\n`;

function sayJudged({ found, problems, signedBeyond }: Judged): number {
  for (const line of found) process.stdout.write(`${line}\n`);
  for (const problem of problems) process.stdout.write(`WRONG  ${problem}\n`);
  process.stdout.write(
    problems.length === 0 ? 'it can be restored\n' : `it cannot be restored: ${problems.length} problems\n`,
  );
  if (problems.length > 0) return EXIT.failed;
  return signedBeyond === null ? EXIT.ok : EXIT.unknown;
}

function sayRestored({ judged, erasedAgain, cases, keysLeftOut }: Restored, data: string): number {
  for (const line of judged.found) process.stdout.write(`${line}\n`);
  process.stdout.write(`restored into ${data}\n`);
  process.stdout.write(
    `${erasedAgain} people who were erased after the backup are erased again, with the material of ${cases} open ` +
      `cases; their keys go at the start\n`,
  );
  if (keysLeftOut > 0)
    process.stdout.write(`${keysLeftOut} keys of people and cases that the backup does not know were left out\n`);
  return judged.signedBeyond === null ? EXIT.ok : EXIT.unknown;
}
