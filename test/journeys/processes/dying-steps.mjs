// Carries out one thing and dies before its step N, as a cut of the power would have it: no clean-up runs.
// Arguments: what, N (0: lives, and prints the steps), and what it needs as JSON.
import fs from 'node:fs';
import { basename } from 'node:path';
import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync } from 'node:sqlite';

const [what, at, needs] = [process.argv[2], Number(process.argv[3]), JSON.parse(process.argv[4])];
const steps = [];
const wrap = (object, name, isStep = () => true) => {
  const before = object[name];
  object[name] = function (...args) {
    if (isStep(...args)) {
      steps.push(`${name} ${typeof args[0] === 'string' ? basename(args[0]) : ''}`);
      if (steps.length === at) process.kill(process.pid, 'SIGKILL');
    }
    return before.apply(this, args);
  };
};
for (const name of [
  'renameSync',
  'rmSync',
  'mkdirSync',
  'cpSync',
  'copyFileSync',
  'writeFileSync',
  'writeSync',
  'linkSync',
])
  wrap(fs, name);
wrap(fs, 'openSync', (_path, flags) => flags !== undefined && flags !== 'r');
for (const name of ['rename', 'rm', 'mkdir', 'writeFile']) wrap(fs.promises, name);
wrap(DatabaseSync.prototype, 'exec', (sql) => /^(COMMIT|BEGIN)/.test(sql));
syncBuiltinESMExports();

const from = (path) => import(new URL(`../../../dist/infrastructure/${path}`, import.meta.url));
const { Config } = await from('settings/config.js');
const { SystemClock } = await from('clock/system-clock.js');
const config = Config.from(needs.env);
if (what === 'recover') {
  const [{ Recovery }, { withConfiguredLog }] = [
    await from('recovery/recover.js'),
    await from('recovery/configured-log.js'),
  ];
  await withConfiguredLog(config, new SystemClock(), (log) =>
    new Recovery(config, new SystemClock(), log).accept(needs.lossId, needs.by, needs.copies),
  );
} else {
  const { restoreBackup } = await from('backup/restore-backup.js');
  await restoreBackup(needs.places, config, new SystemClock());
}
console.log(JSON.stringify(steps));
