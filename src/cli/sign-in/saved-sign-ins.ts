import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { UsageError } from '../command.js';

/** Who is signed in to one server from this account. */
export interface SavedSignIn {
  readonly server: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly subject: string;
  readonly roles: readonly string[];
  readonly accessToken: string;
  readonly expiresAtUtc: string;
  /** Null where the issuer gives none: then one signs in again when the token ends. */
  readonly refreshToken: string | null;
}

interface Kept {
  readonly format: 'honnin-sign-ins/v1';
  readonly signIns: readonly SavedSignIn[];
}

const FORMAT = 'honnin-sign-ins/v1';
/** Anybody's rights but the owner's. */
const OTHERS = 0o077;
const LOCK_LOOK_MS = 50;
/** Longer than any answer of an issuer is waited for: a lock this old is of a command that was killed. */
const LOCK_OLD_MS = 30_000;

/** Where they are kept: `HONNIN_SIGN_IN_FILE`, or the folder of settings of this account. */
export function signInFile(environment: NodeJS.ProcessEnv = process.env): string {
  const { HONNIN_SIGN_IN_FILE: named, XDG_CONFIG_HOME: settings } = environment;
  return named || path.join(settings || path.join(homedir(), '.config'), 'honnin', 'sign-ins.json');
}

/** An address as sign-ins are kept under it: a token goes to the server that it was asked for, and to no other. */
export function serverName(server: string): string {
  return new URL(server).href.replace(/\/+$/, '');
}

/** @throws {UsageError} for a file that others can read, or that is something else */
export function readSignIns(file: string): readonly SavedSignIn[] {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (!found.isFile()) throw new UsageError(`${file} is no file`);
  if (process.platform !== 'win32' && (found.mode & OTHERS) !== 0)
    throw new UsageError(`${file} can be read by others, and tokens are in it: chmod 600 ${file}, and sign in anew`);
  const kept = parsed(readFileSync(file, 'utf8'));
  if (kept?.format !== FORMAT) throw new UsageError(`${file} is damaged: remove it, and sign in anew`);
  return kept.signIns;
}

export function signInAt(file: string, server: string): SavedSignIn | null {
  return readSignIns(file).find((one) => one.server === serverName(server)) ?? null;
}

/** Keeps a sign-in in place of the one before, or forgets it. Others are left as they are. */
export function writeSignIn(file: string, server: string, signIn: SavedSignIn | null): void {
  const others = readSignIns(file).filter((one) => one.server !== serverName(server));
  const kept: Kept = { format: FORMAT, signIns: signIn === null ? others : [...others, signIn] };
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  const handle = openSync(draft, 'wx', 0o600);
  writeSync(handle, `${JSON.stringify(kept, null, 1)}\n`);
  fsyncSync(handle);
  closeSync(handle);
  renameSync(draft, file);
}

/** One command at a time: a refresh token that two of them show ends the whole sign-in. */
export async function alone<T>(file: string, work: () => Promise<T>): Promise<T> {
  const lock = `${file}.lock`;
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  while (!taken(lock)) await delay(LOCK_LOOK_MS);
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function taken(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const made = lstatSync(lock, { throwIfNoEntry: false })?.mtimeMs;
    if (made !== undefined && Date.now() - made > LOCK_OLD_MS) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

function parsed(text: string): Kept | null {
  try {
    return JSON.parse(text) as Kept;
  } catch {
    // Not JSON: told as damaged.
    return null;
  }
}
