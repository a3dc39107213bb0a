import createClient from 'openapi-fetch';
import { language } from '../language/language.js';
import { sessionEnded } from '../session/session-state.js';
import type { paths } from './schema.d.ts';

/** A problem document of the server (RFC 9457), or a server that did not answer. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly status: number,
  ) {
    super(code);
  }
}

/** The server's API with the types of its own description. */
export const api = createClient<paths>({ baseUrl: location.origin, credentials: 'same-origin' });

api.use({
  onRequest: ({ request }) => {
    request.headers.set('accept-language', language.value);
    return request;
  },
});

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** What was answered. @throws {Problem} with the server's words, or `unreachable` */
export async function asked<T>(question: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await reached(question);
  if (response.ok) return data as T;
  throw problemOf(error, response.status);
}

/** @throws {Problem} */
export async function reached<T>(question: Promise<T>): Promise<T> {
  try {
    return await question;
  } catch {
    throw new Problem('unreachable', '', '', 0);
  }
}

/** A document of the server as an error; it ends the session where nobody is signed in any more. */
export function problemOf(document: unknown, status: number): Problem {
  const { code, title, detail } = (document ?? {}) as { code?: string; title?: string; detail?: string };
  if (status === 401) sessionEnded();
  return new Problem(code ?? 'unreachable', title ?? '', detail ?? '', status);
}
