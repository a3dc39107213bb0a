import type { OutgoingHttpHeaders } from 'node:http';
import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BadCursorError } from '../../application/audit/audit-lists.js';
import { MomentOutOfRangeError, NoCheckpointError } from '../../application/audit/moments.js';
import { AccessNotRecordedError } from '../../application/access/access-log.js';
import { NotAcceptingError } from '../../application/installation/intake.js';
import { OutcomeUnknownError } from '../../application/decisions/decide-and-append.js';
import { SigningRefusedError } from '../../application/ports/audit/checkpoint-signer.js';
import { EventStoreUnavailableError } from '../../application/ports/store/event-store.js';
import { PhotoReaderBusyError } from '../../application/ports/outside/photo-reader.js';
import { isOfStorage } from '../../application/ports/store/storage-trouble.js';
import { RendererBusyError } from '../../application/ports/registrant/image-renderer.js';
import { ReadSideBehindError } from '../../application/queries/questions.js';
import { TransientFailure } from '../../application/subscriptions/subscription-handler.js';
import { Door } from '../booth/door.js';
import { NOT_ACCEPTING_SECONDS } from '../booth/uploads/upload-admission.js';
import { codeOfStatus, languageOf, ProblemError, problemDocument, PROBLEMS } from './problems.js';

export const PROBLEM_TYPE = 'application/problem+json';
/** A full disk is not emptied in a second. */
const STORAGE_SECONDS = 5;
/** Routes whose every refusal goes on record, also one that the HTTP library gives before a controller runs. */
const DOOR_ROUTES = new Set(['/v1/challenges', '/v1/registrations']);

/** Makes a problem document (RFC 9457) of everything that is thrown, and tells nothing of the inside. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  constructor(private readonly door: Door) {}

  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent || reply.raw.headersSent) {
      this.logger.error(`${request.id}: failed after the answer had begun`, stackOf(error));
      reply.raw.destroy();
      return;
    }
    sendProblem(request, reply, await this.problemOf(error, request));
  }

  private async problemOf(error: unknown, request: FastifyRequest): Promise<ProblemError> {
    if (error instanceof ProblemError) return error;
    if (error instanceof OutcomeUnknownError) {
      this.logger.error(`${request.id}: ${error.message}`);
      return new ProblemError('outcome_unknown', { retryAfterSeconds: 2 });
    }
    if (error instanceof NotAcceptingError) {
      this.logger.error(`${request.id}: ${error.message}`);
      return new ProblemError('not_accepting', { retryAfterSeconds: NOT_ACCEPTING_SECONDS });
    }
    if (error instanceof EventStoreUnavailableError) {
      this.logger.error(`${request.id}: ${error.message}`);
      return new ProblemError('outcome_unknown', { retryAfterSeconds: 2 });
    }
    if (error instanceof AccessNotRecordedError) {
      this.logger.error(`${request.id}: ${error.message}`, stackOf(error.cause));
      return new ProblemError('access_log_unavailable', { retryAfterSeconds: 5 });
    }
    if (error instanceof MomentOutOfRangeError)
      return new ProblemError('moment_out_of_range', {
        extensions: { errors: [{ pointer: '', expected: error.message }], log: error.span },
      });
    if (error instanceof NoCheckpointError) return new ProblemError('audit_log_unavailable', { retryAfterSeconds: 2 });
    if (error instanceof SigningRefusedError) {
      this.logger.error(`${request.id}: ${error.message}`);
      return new ProblemError('audit_log_unavailable', { retryAfterSeconds: 60 });
    }
    if (error instanceof BadCursorError)
      return new ProblemError('invalid_request', {
        extensions: { errors: [{ pointer: '', expected: error.message }] },
      });
    if (error instanceof ReadSideBehindError) {
      this.logger.warn(`${request.id}: ${error.message}`);
      return new ProblemError('read_side_behind', { retryAfterSeconds: 1 });
    }
    if (error instanceof RendererBusyError) {
      this.logger.warn(`${request.id}: ${error.message}`);
      return new ProblemError('picture_busy', { retryAfterSeconds: 1 });
    }
    if (error instanceof PhotoReaderBusyError) {
      this.logger.warn(`${request.id}: ${error.message}`);
      return new ProblemError('too_many_uploads', { retryAfterSeconds: 1 });
    }
    if (isOfStorage(error) || error instanceof TransientFailure) {
      this.logger.error(`${request.id}: ${stackOf(error)}`);
      return new ProblemError('outcome_unknown', { retryAfterSeconds: STORAGE_SECONDS });
    }
    if (error instanceof HttpException) return this.edgeProblem(error.getStatus(), request);
    this.logger.error(`${request.id}: internal error`, stackOf(error));
    return new ProblemError('internal_error');
  }

  private async edgeProblem(status: number, request: FastifyRequest): Promise<ProblemError> {
    const code = codeOfStatus(status);
    if (request.method !== 'POST' || request.is404 || status >= 500 || !DOOR_ROUTES.has(request.routeOptions.url ?? ''))
      return new ProblemError(code);
    const doorCode = code === 'request_too_large' ? code : 'malformed_request';
    try {
      await this.door.record(request, doorCode, null);
    } catch (error) {
      this.logger.error(`${request.id}: a refusal could not be recorded`, stackOf(error));
      return new ProblemError('outcome_unknown', { retryAfterSeconds: 2 });
    }
    return new ProblemError(doorCode);
  }
}

/** Answers with the problem document, in the language that the client asks for. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, { code, more }: ProblemError): void {
  const language = languageOf(request.headers['accept-language']);
  const document = problemDocument(code, {
    requestId: request.id,
    language,
    ...(more.extensions && { extensions: more.extensions }),
  });
  if (more.retryAfterSeconds !== undefined) reply.header('retry-after', String(more.retryAfterSeconds));
  if (more.wwwAuthenticate !== undefined) reply.header('www-authenticate', more.wwwAuthenticate);
  reply.status(PROBLEMS[code].status).header('content-language', language).header('content-type', PROBLEM_TYPE);
  const body = JSON.stringify(document);
  if (isStillSending(request)) sendAndLinger(reply, body);
  else reply.send(body);
}

function isStillSending({ headers, raw }: FastifyRequest): boolean {
  return headers['content-type']?.startsWith('multipart/') === true && !raw.readableEnded && !raw.destroyed;
}

/** So long a client that is still sending has to see the answer. */
const LINGER_MS = 500;

/** Answers a client that is still sending: the answer goes out whole, but the connection is cut a little later. Cut at
 * once, it would take the answer with it; read on, a flood of refused uploads would cost as much as accepted ones. */
function sendAndLinger(reply: FastifyReply, body: string): void {
  const { raw } = reply;
  const headers = reply.getHeaders();
  reply.hijack();
  raw.writeHead(reply.statusCode, {
    ...headers,
    connection: 'close',
    'content-length': Buffer.byteLength(body),
  } as OutgoingHttpHeaders);
  raw.write(body);
  const timer = setTimeout(() => raw.end(), LINGER_MS);
  raw.once('close', () => clearTimeout(timer));
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : typeof error;
}
