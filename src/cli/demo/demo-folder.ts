import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'honnin-demo-';
const OWNER_FILE = 'process';

/** A folder for the data of a demonstration, which may be of real people: removed however this process ends. What
 * SIGKILL leaves behind nobody can read (its key was in memory alone), and the next demonstration removes it. */
export function makeDemoFolder(): string {
  removeAbandoned();
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  writeFileSync(join(folder, OWNER_FILE), String(process.pid));
  process.once('exit', () => removeDemoFolder(folder));
  return folder;
}

export function removeDemoFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Folders of demonstrations whose process is no more. */
function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name);
    const pid = ownerOf(folder);
    if (pid !== null && !isAlive(pid)) removeDemoFolder(folder);
  }
}

/** null where nothing says it: then somebody else made the folder, or is making it at this moment. */
function ownerOf(folder: string): number | null {
  try {
    const pid = Number(readFileSync(join(folder, OWNER_FILE), 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
