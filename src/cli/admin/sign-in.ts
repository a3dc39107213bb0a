import { complain } from '../audit/arguments.js';
import { askOpenly } from '../audit/server-answers.js';
import { EXIT, ServerRefusedError, UsageError } from '../command.js';
import { alone, signInAt, signInFile, writeSignIn } from '../sign-in/saved-sign-ins.js';
import type { AdminCall } from './admin-call.js';

export const DEFAULT_CLIENT = 'honnin-admin';
const DEFAULT_SCOPE = 'openid profile';

/** Signs in to the server from this terminal. @param pollSeconds how often the issuer is asked; it says so itself */
export async function login(call: AdminCall, pollSeconds?: number): Promise<number> {
  call.named();
  const { server } = call;
  const { mustBePrivate, signInByDevice } = await import('../sign-in/device-sign-in.js');
  mustBePrivate(server, '--server');
  const issuer = call.options.issuer ?? (await askOpenly<{ readonly issuer: string }>(server, '/v1/sign-in')).issuer;
  const { client: clientId = DEFAULT_CLIENT, scope = DEFAULT_SCOPE } = call.options;
  const interval = pollSeconds === undefined ? {} : { pollSeconds };
  const signIn = await signInByDevice({ server, issuer, clientId, scope, say: complain, ...interval });
  const file = signInFile();
  await alone(file, async () => writeSignIn(file, server, signIn));
  const { subject, roles, expiresAtUtc } = signIn;
  const who = `signed in as ${subject} (${roles.join(', ') || 'no role'}) until ${expiresAtUtc}`;
  const renewed = signIn.refreshToken === null ? '' : ', and renewed while you work';
  return call.show({ server, issuer, subject, roles, expiresAtUtc, file }, `${who}${renewed}; kept in ${file}`);
}

export async function logout(call: AdminCall): Promise<number> {
  call.named();
  const { server } = call;
  const file = signInFile();
  return alone(file, async () => {
    const signIn = signInAt(file, server);
    if (signIn === null) return call.show({ server, signedOut: false }, `nobody is signed in to ${server}`);
    writeSignIn(file, server, null);
    const { revoked } = await import('../sign-in/device-sign-in.js');
    try {
      await revoked(signIn);
    } catch (error) {
      if (!(error instanceof ServerRefusedError)) throw error;
      complain(`forgotten here, but the sign-in was not told: ${error.message}`);
      return EXIT.failed;
    }
    const until = `a copy of its access token would hold until ${signIn.expiresAtUtc}`;
    return call.show({ server, signedOut: true }, `${signIn.subject} is signed out of ${server}; ${until}`);
  });
}

/** As whom commands go to this server now: it is asked, because it judges, and not the token is read. What is known
 * here of a sign-in goes along. */
export async function whoami(call: AdminCall): Promise<number> {
  call.named();
  const { server } = call;
  const signIn = call.isTokenGiven ? null : signInAt(signInFile(), server);
  if (signIn === null && !call.isTokenGiven)
    throw new UsageError(`nobody is signed in to ${server}: ./honnin admin login --server ${server}`);
  const { subject, roles } = await call.get<{ readonly subject: string; readonly roles: readonly string[] }>('/v1/me');
  // Read after the answer: the token may have been renewed for it.
  const kept = signIn === null ? null : signInAt(signInFile(), server);
  const { issuer, clientId, expiresAtUtc, refreshToken } = kept ?? {};
  const known = kept === null ? {} : { issuer, clientId, expiresAtUtc, isRenewed: refreshToken !== null };
  return call.show({ server, subject, roles, ...known });
}
