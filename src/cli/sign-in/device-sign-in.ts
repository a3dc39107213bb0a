import { decodeJwt } from 'jose';
import * as openid from 'openid-client';
import { isLoopback } from '../../infrastructure/settings/production-faults.js';
import { ServerRefusedError, UsageError } from '../command.js';
import { serverName, type SavedSignIn } from './saved-sign-ins.js';

export interface DeviceSignIn {
  readonly server: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  /** What people are told: where to go, and with which code. */
  readonly say: (line: string) => void;
  /** How often the issuer is asked; it says so itself. */
  readonly pollSeconds?: number;
}

/** Signs a person in who confirms a code in any browser (RFC 8628).
 *  @throws {ServerRefusedError} in words, when it did not work */
export async function signInByDevice(options: DeviceSignIn): Promise<SavedSignIn> {
  const { server, issuer, clientId, scope, say, pollSeconds } = options;
  return inWords(issuer, async () => {
    const config = await discovered(issuer, clientId);
    const device = await openid.initiateDeviceAuthorization(config, { scope });
    say(`Open ${device.verification_uri} in a browser and enter the code ${device.user_code}`);
    if (device.verification_uri_complete !== undefined) say(`or open ${device.verification_uri_complete}`);
    say(`Waiting for up to ${Math.round(device.expires_in / 60)} minutes.`);
    const asked = pollSeconds === undefined ? device : { ...device, interval: pollSeconds };
    return signInOf(await openid.pollDeviceAuthorizationGrant(config, asked), { server, issuer, clientId });
  });
}

/** A new access token by the refresh token. @throws {ServerRefusedError} in words, when the issuer gives none */
export async function refreshed(signIn: SavedSignIn): Promise<SavedSignIn> {
  const { refreshToken } = signIn;
  const again = `sign in again: ./honnin admin login --server ${signIn.server}`;
  if (refreshToken === null) throw new ServerRefusedError(`you are signed in no longer; ${again}`);
  return inWords(signIn.issuer, async () => {
    const config = await discovered(signIn.issuer, signIn.clientId);
    try {
      const tokens = await openid.refreshTokenGrant(config, refreshToken);
      // An issuer that gives no new refresh token lets the old one hold.
      return { ...signInOf(tokens, signIn), refreshToken: tokens.refresh_token ?? refreshToken };
    } catch (error) {
      if (error instanceof openid.ResponseBodyError && error.error === 'invalid_grant')
        throw new ServerRefusedError(`${signIn.issuer} has ended your sign-in; ${again}`);
      throw error;
    }
  });
}

/** Ends the sign-in at the issuer, so that the refresh token is worth nothing any more. */
export async function revoked({ issuer, clientId, refreshToken }: SavedSignIn): Promise<void> {
  if (refreshToken === null) return;
  await inWords(issuer, async () => {
    const config = await discovered(issuer, clientId);
    if (config.serverMetadata().revocation_endpoint !== undefined) await openid.tokenRevocation(config, refreshToken);
  });
}

/** Tokens go over TLS, or stay on this machine. @throws {UsageError} */
export function mustBePrivate(address: string, what: string): void {
  const { protocol, hostname } = new URL(address);
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return;
  throw new UsageError(`${what} ${address}: tokens go over https, or to this machine alone`);
}

function discovered(issuer: string, clientId: string): Promise<openid.Configuration> {
  mustBePrivate(issuer, 'the sign-in');
  const isPlain = new URL(issuer).protocol === 'http:';
  const options = isPlain ? { execute: [openid.allowInsecureRequests] } : undefined;
  return openid.discovery(new URL(issuer), clientId, undefined, openid.None(), options);
}

function signInOf(
  { access_token: accessToken, expires_in: seconds, refresh_token: refreshToken }: openid.TokenEndpointResponse,
  { server, issuer, clientId }: Pick<SavedSignIn, 'server' | 'issuer' | 'clientId'>,
): SavedSignIn {
  const { sub, exp, roles } = claimsOf(accessToken);
  const endsAtMs = exp === undefined ? Date.now() + (seconds ?? 0) * 1000 : exp * 1000;
  return {
    server: serverName(server),
    issuer,
    clientId,
    subject: sub ?? 'unknown',
    roles: Array.isArray(roles) ? roles.map(String) : [],
    accessToken,
    expiresAtUtc: new Date(endsAtMs).toISOString(),
    refreshToken: refreshToken ?? null,
  };
}

/** What the token says of itself, to be shown: whether it is true is for the server to judge. */
function claimsOf(token: string): { readonly sub?: string; readonly exp?: number; readonly roles?: unknown } {
  try {
    return decodeJwt(token);
  } catch {
    throw new ServerRefusedError('the sign-in gives no JWT as access token, and the server takes nothing else');
  }
}

async function inWords<T>(issuer: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ServerRefusedError || error instanceof UsageError) throw error;
    throw new ServerRefusedError(`${issuer}: ${wordsOf(error)}`);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  access_denied: 'the sign-in was declined in the browser',
  expired_token: 'nobody confirmed the code in time; sign in again',
  invalid_client: 'does not know this client; ask who runs it, and give its name with --client',
  unauthorized_client: 'lets this client sign in from no terminal; ask who runs it',
};

function wordsOf(error: unknown): string {
  if (error instanceof openid.ResponseBodyError)
    return WORDS[error.error] ?? `${error.error} ${error.error_description ?? ''}`.trim();
  return causes(error).join(': ');
}

/** What went wrong, and why that did; the library's own words alone say nothing. */
function causes(error: unknown): readonly string[] {
  if (typeof error !== 'object' || error === null || !('message' in error)) return [];
  return [String(error.message), ...('cause' in error ? causes(error.cause) : [])];
}
