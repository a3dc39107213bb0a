import { alone, signInAt, signInFile, writeSignIn } from './saved-sign-ins.js';

/** A token that ends so soon is not worth sending. */
const ENDS_SOON_MS = 30_000;

/** The token of who signed in to this server from this account, made new where it is about to end.
 *  @returns null where nobody did @throws {ServerRefusedError} in words, where the sign-in has ended */
export async function savedTokenFor(server: string): Promise<string | null> {
  const file = signInFile();
  const first = signInAt(file, server);
  if (first === null || holds(first.expiresAtUtc)) return first?.accessToken ?? null;
  return alone(file, async () => {
    // Another command may have been faster.
    const found = signInAt(file, server);
    if (found === null || holds(found.expiresAtUtc)) return found?.accessToken ?? null;
    const { refreshed } = await import('./device-sign-in.js');
    const fresh = await refreshed(found);
    writeSignIn(file, server, fresh);
    return fresh.accessToken;
  });
}

function holds(untilUtc: string): boolean {
  return Date.parse(untilUtc) - Date.now() > ENDS_SOON_MS;
}
