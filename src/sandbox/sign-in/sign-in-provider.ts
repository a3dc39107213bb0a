import type { IncomingMessage, ServerResponse } from 'node:http';
import Provider, {
  errors,
  interactionPolicy,
  type ClientMetadata,
  type Configuration,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import type { JWK } from 'jose';
import { SAMPLE_USERS, sampleUser } from './sample-users.js';
import { deviceCodePage, deviceConfirmPage, pagePolicy, signOutPage, usersPage, wordsPage } from './sign-in-pages.js';
import type { SignInRecords } from './sign-in-records.js';

/** A program that people sign in to with a browser: the server's console. */
export interface SignInClient {
  readonly clientId: string;
  /** Absent: a public client, which shows PKCE alone. */
  readonly clientSecret?: string;
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[];
  /** Told by a signed token when somebody signs out. */
  readonly backchannelLogoutUri?: string;
}

/** What a terminal signs in as: no secret, a code that the person confirms in a browser. */
export const TERMINAL_CLIENT = 'honnin-admin';

export interface ProviderOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithm: 'ES256' | 'RS256';
  /** Private keys, newest first. */
  readonly keys: readonly JWK[];
  readonly cookieSecret: string;
  readonly clients: readonly SignInClient[];
  readonly records: SignInRecords;
  readonly accessTokenSeconds: number;
}

export type RawHandler = (message: IncomingMessage, response: ServerResponse) => Promise<void>;

/** What access tokens are for. A client does not have to name it. */
const RESOURCE = 'urn:honnin:api';
const API_SCOPE = 'honnin';
const SIGN_IN = '/sign-in/';
const HOUR = 3_600;
const FORM_BYTES_MAX = 4_096;

/** An OpenID provider for people who try Honnin: code flow with PKCE, device flow, rotating refresh tokens, sign-out
 * with back-channel messages. Who signs in is chosen from a list. */
export function signInProvider(options: ProviderOptions): RawHandler {
  const provider = new Provider(options.issuer, configuration(options));
  const serve = provider.callback();
  const policy = pagePolicy([...new Set(options.clients.flatMap(destinations))]);
  return async (message, response) => {
    response.setHeader('content-security-policy', policy);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'no-referrer');
    if (message.url?.startsWith(SIGN_IN) === true) await chooseUser(provider, message, response);
    else await serve(message, response);
  };
}

function configuration(options: ProviderOptions): Configuration {
  const { algorithm, audience, accessTokenSeconds } = options;
  // Whoever may sign in here may use what it is for: nobody is asked to consent.
  const prompts = interactionPolicy.base();
  prompts.remove('consent');
  return {
    adapter: (kind: string) => options.records.adapter(kind),
    jwks: { keys: options.keys as NonNullable<Configuration['jwks']>['keys'] },
    cookies: { keys: [options.cookieSecret] },
    clients: [terminal(), ...options.clients.map(browserClient)],
    clientDefaults: { id_token_signed_response_alg: algorithm },
    responseTypes: ['code'],
    scopes: ['openid', 'profile'],
    claims: { openid: ['sub', 'roles'], profile: ['name'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (_, accountId) => {
      const user = sampleUser(accountId);
      return user && { accountId, claims: () => ({ sub: accountId, name: user.displayName, roles: [...user.roles] }) };
    },
    extraTokenClaims: (_, token) => {
      const user = sampleUser('accountId' in token ? (token.accountId as string) : null);
      return user && { roles: [...user.roles], name: user.displayName };
    },
    loadExistingGrant: async ({ oidc }) => {
      const { provider, session, client } = oidc;
      if (!session?.accountId || !client) return undefined;
      const known = session.grantIdFor(client.clientId);
      const kept = known === undefined ? undefined : await provider.Grant.find(known);
      if (kept) return kept;
      const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
      grant.addOIDCScope('openid profile');
      grant.addResourceScope(RESOURCE, API_SCOPE);
      await grant.save();
      return grant;
    },
    // Without the scope offline_access, which would ask for consent.
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: accessTokenSeconds,
      AuthorizationCode: 60,
      DeviceCode: 600,
      Grant: 24 * HOUR,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: 12 * HOUR,
      Session: 12 * HOUR,
    },
    // The library refuses to speak with addresses of one machine, and here everything is on one.
    fetch: (address, init) => fetch(address, withoutDispatcher(init)),
    interactions: { policy: prompts, url: (_, { uid }) => `${SIGN_IN}${uid}` },
    renderError: (context, { error, error_description: words }) => {
      context.type = 'html';
      context.body = wordsPage('That did not work', `${error}: ${words ?? ''}`);
    },
    routes: { authorization: '/auth', token: '/oidc/token', code_verification: '/device', end_session: '/session/end' },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      backchannelLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: API_SCOPE,
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: accessTokenSeconds,
          jwt: { sign: { alg: algorithm } },
        }),
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => show(context, signOutPage(form)),
        postLogoutSuccessSource: (context) => show(context, wordsPage('Signed out', 'You can close this page.')),
      },
      deviceFlow: {
        enabled: true,
        mask: '****-****',
        userCodeInputSource: (context, _, __, error) => {
          const words = error ? 'That code is not known, used or too old.' : 'Your terminal shows a code of 8 letters.';
          const token = (context.oidc.session?.state as { secret?: string } | undefined)?.secret ?? '';
          show(context, deviceCodePage({ action: context.oidc.urlFor('code_verification'), token, words }));
        },
        userCodeConfirmSource: (context, form, client, _, userCode) =>
          show(
            context,
            deviceConfirmPage({
              form,
              of: client.clientId,
              userCode,
              signedIn: context.oidc.session?.accountId ?? null,
              signOut: context.oidc.urlFor('end_session'),
            }),
          ),
        successSource: (context) =>
          show(context, wordsPage('Signed in', 'Your terminal goes on. You can close this page.')),
      },
    },
  };
}

/** The page with everybody's names, and what follows from a click on one. */
async function chooseUser(provider: Provider, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = (status: number, html: string): void => {
    const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' };
    response.writeHead(status, headers).end(html);
  };
  const interaction = await provider.interactionDetails(message, response).catch((error: unknown) => {
    if (error instanceof errors.SessionNotFound) return null;
    throw error;
  });
  if (interaction === null)
    return answer(400, wordsPage('Too late', 'This page is too old or of another browser. Go back and sign in again.'));
  if (message.method !== 'POST') {
    const of = String(interaction.params['client_id'] ?? '');
    return answer(200, usersPage({ users: SAMPLE_USERS, of, action: `${SIGN_IN}${interaction.uid}` }));
  }
  const user = sampleUser((await formOf(message)).get('username'));
  if (user === undefined) return answer(400, wordsPage('Nobody', 'There is nobody of this name.'));
  const login = { accountId: user.username, remember: true };
  await provider.interactionFinished(message, response, { login }, { mergeWithLastSubmission: false });
}

async function formOf(message: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of message as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1');
    if (text.length > FORM_BYTES_MAX) break;
  }
  return new URLSearchParams(text.slice(0, FORM_BYTES_MAX));
}

function show(context: KoaContextWithOIDC, html: string): void {
  context.type = 'html';
  context.body = html;
}

function terminal(): ClientMetadata {
  return {
    client_id: TERMINAL_CLIENT,
    token_endpoint_auth_method: 'none',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    response_types: [],
    redirect_uris: [],
  };
}

function browserClient(client: SignInClient): ClientMetadata {
  const { clientId, clientSecret, redirectUris, postLogoutRedirectUris = [], backchannelLogoutUri } = client;
  return {
    client_id: clientId,
    ...(clientSecret === undefined
      ? { token_endpoint_auth_method: 'none' }
      : { client_secret: clientSecret, token_endpoint_auth_method: 'client_secret_basic' }),
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [...redirectUris],
    post_logout_redirect_uris: [...postLogoutRedirectUris],
    ...(backchannelLogoutUri !== undefined && {
      backchannel_logout_uri: backchannelLogoutUri,
      backchannel_logout_session_required: true,
    }),
  };
}

/** Where a browser ends that signs in or out. */
function destinations({ redirectUris, postLogoutRedirectUris = [] }: SignInClient): readonly string[] {
  return [...redirectUris, ...postLogoutRedirectUris].map((address) => new URL(address).origin);
}

function withoutDispatcher(init: RequestInit = {}): RequestInit {
  const { dispatcher: _, ...rest } = init as RequestInit & { readonly dispatcher?: unknown };
  return rest;
}
