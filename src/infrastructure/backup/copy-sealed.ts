import { existsSync, linkSync, copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { copyFile, mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sealedFolderOf } from '../vault/encrypted-image-vault.js';

/** Files that are copied at once. */
const TOGETHER = 16;
const STAGES = /^backup-/;

export type OwnersAfter = (after: string, limit: number) => readonly string[];
const PAGE = 1000;

export function* ownersOf(ownersAfter: OwnersAfter): Iterable<string> {
  for (let after = ''; ;) {
    const page = ownersAfter(after, PAGE);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last;
  }
}

/** Holds on to the files of cases and evidence as they are at this moment: a case may end, and take them with it, while
 *  the rest is copied. Links of the file system, which take no time and no space; copies where it has none.
 *  @param stage a folder in the vault, on the same disk */
export function stageCases(sealed: string, stage: string, ownersAfter: OwnersAfter): readonly string[] {
  mkdirSync(stage, { recursive: true, mode: 0o700 });
  const cases = [...ownersOf(ownersAfter)].filter((owner) => !owner.startsWith('registrant:'));
  for (const owner of cases) {
    const [from, to] = [join(sealed, sealedFolderOf(owner)), join(stage, sealedFolderOf(owner))];
    if (!existsSync(from)) continue;
    mkdirSync(to, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(from).filter(isSealed)) hold(join(from, name), join(to, name));
  }
  return cases;
}

/** What an interrupted backup left. */
export function removeStages(vault: string): void {
  if (!existsSync(vault)) return;
  for (const name of readdirSync(vault))
    if (STAGES.test(name)) rmSync(join(vault, name), { recursive: true, force: true });
}

function hold(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'EMLINK') throw error;
    copyFileSync(from, to);
  }
}

/** Copies the files of these owners that are not there yet. One that is gone meanwhile was removed with its owner.
 *  @returns how many were copied */
export async function copySealed(from: string, to: string, owners: Iterable<string>): Promise<number> {
  let copied = 0;
  let group: (readonly [from: string, to: string])[] = [];
  const copyGroup = async () => {
    await Promise.all(group.map(([one, copy]) => copyOne(one, copy)));
    copied += group.length;
    group = [];
  };
  for (const owner of owners) {
    const folder = sealedFolderOf(owner);
    const names = (await namesIn(join(from, folder))).filter((name) => !existsSync(join(to, folder, name)));
    if (names.length > 0) await mkdir(join(to, folder), { recursive: true, mode: 0o700 });
    group.push(...names.map((name) => [join(from, folder, name), join(to, folder, name)] as const));
    if (group.length >= TOGETHER) await copyGroup();
  }
  await copyGroup();
  return copied;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter(isSealed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Files that are being written have other names until they are whole. */
function isSealed(name: string): boolean {
  return name.endsWith('.sealed');
}

async function copyOne(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const file = await open(to, 'r+');
  try {
    await file.chmod(0o600);
    await file.datasync();
  } finally {
    await file.close();
  }
}
