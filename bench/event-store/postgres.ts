import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TemporaryPostgres {
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

/** Starts a cluster of its own with default settings (so `fsync` and `synchronous_commit` are on) on a free port of
 * this machine.
 * @returns null where PostgreSQL is not installed, or nobody but root is there to run it. */
export async function startPostgres(folder: string): Promise<TemporaryPostgres | null> {
  const programs = findPrograms();
  const user = userFor();
  if (!programs || !user) return null;
  const cluster = path.join(folder, 'postgres');
  mkdirSync(cluster);
  if (user.uid !== undefined) {
    chownSync(cluster, user.uid, user.gid as number);
    // The folder of the benchmark belongs to whoever runs it; the other user must get through.
    chmodSync(folder, 0o711);
  }
  const asUser = { ...user, cwd: cluster, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } };
  execFileSync(path.join(programs, 'initdb'), ['-D', cluster, '-U', 'bench', '-A', 'trust', '-E', 'UTF8'], {
    ...asUser,
    stdio: 'ignore',
  });
  const port = await freePort();
  const child = spawn(
    path.join(programs, 'postgres'),
    ['-D', cluster, '-h', '127.0.0.1', '-p', String(port), '-c', 'unix_socket_directories='],
    { ...asUser, stdio: 'ignore' },
  );
  const version = execFileSync(path.join(programs, 'postgres'), ['--version'], { ...asUser, encoding: 'utf8' }).trim();
  await listening(child, port);
  return { url: `postgresql://bench@127.0.0.1:${port}/postgres`, version, stop: () => ended(child) };
}

function findPrograms(): string | null {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian)
    ? readdirSync(debian)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => path.join(debian, version, 'bin'))
    : [];
  const onPath = (process.env['PATH'] ?? '').split(path.delimiter);
  return (
    [...versions, ...onPath].find(
      (bin) => existsSync(path.join(bin, 'initdb')) && existsSync(path.join(bin, 'postgres')),
    ) ?? null
  );
}

/** PostgreSQL refuses to run as root. */
function userFor(): { uid?: number; gid?: number } | null {
  if (process.getuid?.() !== 0) return {};
  try {
    const [uid, gid] = ['-u', '-g'].map((which) =>
      Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })),
    ) as [number, number];
    return { uid, gid };
  } catch {
    return null;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)));
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await sleep(50);
  }
  await ended(child);
  throw new Error('PostgreSQL did not start');
}

/** SIGINT is its fast shutdown. */
function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGINT');
  });
}
