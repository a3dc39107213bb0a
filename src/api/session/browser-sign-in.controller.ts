import { Controller, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiSettings } from '../api-settings.js';
import { refuseOtherSites } from '../auth/other-sites.js';
import { Open } from '../auth/roles.js';
import { TokenVerifier } from '../auth/token-verifier.js';
import { ProblemError } from '../contract/problems.js';
import { RelyingParty, type SignInFlow } from './relying-party.js';
import { Sealer } from './sealer.js';
import { SESSION_COOKIE, Sessions } from './sessions.js';

const FLOW_COOKIE = '__Host-honnin-sign-in';
const FLOW_SECONDS = 600;
/** A path of the console and nothing else: whoever makes a link must not send people to another site after sign-in. */
const OWN_PATH = /^\/console\/(?!\/)[\w/.,:;@~%=&?+-]*$/;
const HOME = '/console/';
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);
const KEPT = { path: '/', httpOnly: true, secure: true } as const;

/** Signs browsers of the console in and out. The API is described elsewhere; these are for browsers only. */
@ApiExcludeController()
@Controller('console')
export class BrowserSignInController {
  constructor(
    private readonly settings: ApiSettings,
    private readonly provider: RelyingParty,
    private readonly sessions: Sessions,
    private readonly sealer: Sealer,
    private readonly tokens: TokenVerifier,
  ) {}

  @Get('sign-in')
  @Open()
  async begin(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { to } = request.query as { readonly to?: unknown };
    const wanted = typeof to === 'string' && OWN_PATH.test(to) ? to : HOME;
    try {
      const { address, flow } = await this.provider.begin(`${this.baseOf(request)}/console/callback`, wanted);
      const sealed = Buffer.from(this.sealer.seal(FLOW_COOKIE, flow)).toString('base64url');
      // Lax: the browser comes back from another site.
      await reply
        .setCookie(FLOW_COOKIE, sealed, { ...KEPT, sameSite: 'lax', maxAge: FLOW_SECONDS })
        .redirect(address, 302);
    } catch (error) {
      await backWith(reply, error);
    }
  }

  @Get('callback')
  @Open()
  async finish(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    reply.clearCookie(FLOW_COOKIE, KEPT);
    try {
      const flow = this.flowOf(request);
      const tokens = await this.provider.finish(new URL(request.url, this.baseOf(request)), flow);
      const cookie = this.sessions.begin(tokens);
      reply.setCookie(SESSION_COOKIE, cookie, { ...KEPT, sameSite: 'strict' });
      await onwards(reply, OWN_PATH.test(flow.to) ? flow.to : HOME);
    } catch (error) {
      await backWith(reply, error);
    }
  }

  @Post('sign-out')
  @Open()
  @HttpCode(200)
  async end(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseOtherSites(request);
    const ended = this.sessions.end(request.cookies[SESSION_COOKIE]);
    reply.clearCookie(SESSION_COOKIE, KEPT);
    // Here it has ended, whether the provider can be told or not.
    const address =
      ended === null
        ? null
        : await this.provider.endAddress(ended, `${this.baseOf(request)}${HOME}`).catch((): null => null);
    await reply.send({ to: address ?? HOME });
  }

  /** The provider says that a person, or one browser of theirs, has signed out (Back-Channel Logout 1.0). */
  @Post('back-channel-sign-out')
  @Open()
  @HttpCode(200)
  async told(@Req() request: FastifyRequest): Promise<void> {
    const { clientId } = this.settings.console;
    if (clientId === null) throw new ProblemError('sign_in_not_configured');
    const body = Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '';
    const verdict = await this.tokens.verifyLogout(new URLSearchParams(body).get('logout_token') ?? '', clientId);
    if (verdict.verdict === 'unknown') throw new ProblemError('sign_in_unavailable', { retryAfterSeconds: 5 });
    if (verdict.verdict !== 'valid') throw new ProblemError('invalid_request');
    this.sessions.endAll(verdict.of);
  }

  private flowOf(request: FastifyRequest): SignInFlow {
    const sealed = Buffer.from(request.cookies[FLOW_COOKIE] ?? '', 'base64url');
    const flow = this.sealer.open(FLOW_COOKIE, sealed) as SignInFlow | null;
    if (flow === null) throw new ProblemError('sign_in_failed');
    return flow;
  }

  /** The address under which browsers know this server. Said by a setting, but on this machine itself the browser's own
   * word is enough. */
  private baseOf(request: FastifyRequest): string {
    const { url } = this.settings.console;
    if (url !== null) return url.replace(/\/$/, '');
    const host = request.headers.host ?? '';
    if (!LOOPBACK.has(host.replace(/:\d+$/, ''))) throw new ProblemError('sign_in_not_configured');
    return `${this.settings.tls === null ? 'http' : 'https'}://${host}`;
  }
}

/** By a page instead of a redirection: the session's cookie is Strict, and a browser that was sent here by another site
 * would not show it on the way. */
async function onwards(reply: FastifyReply, to: string): Promise<void> {
  await reply
    .header('refresh', `0; url=${to}`)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
    .send('<!doctype html><meta charset="utf-8"><title>本人 Honnin</title>');
}

/** People who sign in see the console's page with the reason, not a document for programs. */
async function backWith(reply: FastifyReply, error: unknown): Promise<void> {
  if (!(error instanceof ProblemError)) throw error;
  await onwards(reply, `${HOME}?problem=${error.code}`);
}
