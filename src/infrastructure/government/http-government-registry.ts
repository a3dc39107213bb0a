import { createHash } from 'node:crypto';
import { GovernmentRegistry, type GovernmentSubmission } from '../../application/ports/outside/government-registry.js';
import { fetchOver, type OwnTls } from '../http/own-tls.js';
import type { GovernmentAnswer } from '../../domain/registration/registration.js';

export interface GovernmentSettings {
  /** Base address without a trailing slash. */
  readonly url: string;
  readonly token: string | null;
  readonly timeoutMs: number;
  readonly tls?: OwnTls | null;
}

const ANSWER_BYTES_MAX = 64 * 1024;

/** The wire of docs/wire.md. Whatever is not a well-formed answer about our submission id is `unknown`: it may have
 * arrived. */
export class HttpGovernmentRegistry extends GovernmentRegistry {
  constructor(private readonly settings: GovernmentSettings) {
    super();
  }

  submit({
    submissionId,
    photo,
    capturedAtUtc,
    certificate,
    certificateType,
    policyVersion,
  }: GovernmentSubmission): Promise<GovernmentAnswer> {
    const photoSha256 = createHash('sha256').update(photo).digest('hex');
    const form = new FormData();
    form.set(
      'submission',
      new Blob([JSON.stringify({ submissionId, capturedAtUtc, photoSha256, certificateType, policyVersion })], {
        type: 'application/json',
      }),
    );
    form.set('photo', new Blob([new Uint8Array(photo)], { type: 'image/jpeg' }), 'photo.jpg');
    form.set(
      'certificate',
      new Blob([new Uint8Array(certificate)], { type: 'application/pkix-cert' }),
      'certificate.der',
    );
    return this.call('/v1/face-registrations', submissionId, {
      method: 'POST',
      body: form,
      headers: { 'idempotency-key': submissionId },
    });
  }

  ask(submissionId: string): Promise<GovernmentAnswer> {
    return this.call(`/v1/face-registrations/${encodeURIComponent(submissionId)}`, submissionId, { method: 'GET' });
  }

  private async call(
    path: string,
    submissionId: string,
    init: { method: string; body?: FormData; headers?: Record<string, string> },
  ): Promise<GovernmentAnswer> {
    const headers = {
      accept: 'application/json',
      ...init.headers,
      ...(this.settings.token === null ? {} : { authorization: `Bearer ${this.settings.token}` }),
    };
    try {
      const response = await fetchOver(this.settings.tls ?? null, `${this.settings.url}${path}`, {
        ...init,
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(this.settings.timeoutMs),
      });
      const text = await boundedText(response);
      if (response.status !== 200 && response.status !== 201)
        return { answer: 'unknown', cause: `http_${response.status}` };
      return answerOf(text, submissionId);
    } catch (error) {
      // Refused, reset, timed out, or cut off in the middle of the answer: the same to us.
      return {
        answer: 'unknown',
        cause: error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'unreachable',
      };
    }
  }
}

function answerOf(text: string, submissionId: string): GovernmentAnswer {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { answer: 'unknown', cause: 'malformed_answer' };
  }
  const { submissionId: about, status, reference, reason } = (body ?? {}) as Record<string, unknown>;
  if (about !== submissionId) return { answer: 'unknown', cause: 'answer_about_another_submission' };
  if (status === 'received') return { answer: 'submitted' };
  if (status === 'accepted' && typeof reference === 'string' && reference.length <= 200)
    return { answer: 'accepted', reference };
  if (status === 'refused' && typeof reason === 'string' && /^[a-z0-9_]{1,64}$/.test(reason))
    return { answer: 'refused', reason };
  return { answer: 'unknown', cause: 'malformed_answer' };
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > ANSWER_BYTES_MAX) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
