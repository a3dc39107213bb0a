import { readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';

/** What the library of onnxruntime looks for when it loads. */
const VARIABLE = 'ORT_DISABLE_TELEMETRY';

/** @throws when this process would let onnxruntime report to its maker: then no model is loaded */
export function refuseTelemetry(environment: NodeJS.ProcessEnv = process.env): void {
  if (environment[VARIABLE] === '1') return;
  throw new Error(
    `onnxruntime would report to its maker: set ${VARIABLE}=1 in the environment of the process, or start it with ./honnin`,
  );
}

/** Removes what an earlier process of this user left behind before reports were forbidden: device id, queued events,
 * debug logs.
 * @returns the paths that were removed */
export function removeTelemetryLeftovers({
  environment = process.env,
  home = homedir(),
  temporary = tmpdir(),
}: { environment?: NodeJS.ProcessEnv; home?: string; temporary?: string } = {}): string[] {
  const cache = environment['XDG_CACHE_HOME'] || path.join(home, '.cache');
  const folder = path.join(cache, 'Microsoft', 'DeveloperTools', '.onnxruntime');
  const removed = [...debugLogs(temporary), ...(exists(folder) ? [folder] : [])];
  for (const file of removed) rmSync(file, { recursive: true, force: true });
  if (removed.includes(folder))
    for (const parent of [path.dirname(folder), path.join(cache, 'Microsoft')]) removeIfEmpty(parent);
  return removed;
}

/** Empty logs that the reporting part opens in the temporary folder, one for each process. */
function debugLogs(temporary: string): string[] {
  const uid = process.getuid?.();
  return readdirSync(temporary)
    .filter((name) => /^mat-debug-\d+\.log$/.test(name))
    .map((name) => path.join(temporary, name))
    .filter((file) => {
      const found = statSync(file, { throwIfNoEntry: false });
      return found?.isFile() === true && found.size === 0 && (uid === undefined || found.uid === uid);
    });
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

/** Another process may do the same at this moment, so that the folder is gone already. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(code)) throw error;
  }
}
