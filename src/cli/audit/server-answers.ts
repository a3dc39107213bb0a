import { ServerRefusedError } from '../command.js';
import { savedTokenFor } from '../sign-in/token-for.js';
import { complain } from './arguments.js';

/** Asks a running server as a signed-in person: by the token that was given, by HONNIN_TOKEN, or by that of
 * `./honnin admin login`.
 * @throws {ServerRefusedError} after saying why, in the words of the problem document */
export async function ask<T>(server: string, token: string | undefined, path: string, body?: object): Promise<T> {
  const shown = token ?? process.env['HONNIN_TOKEN'] ?? (await savedTokenFor(server));
  if (!shown)
    throw new ServerRefusedError(
      `who are you? ./honnin admin login --server ${server}, or --token-file FILE, --token TOKEN, HONNIN_TOKEN`,
    );
  return answerOf<T>(server, path, {
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    headers: { authorization: `Bearer ${shown}`, ...(body && { 'content-type': 'application/json' }) },
  });
}

/** Asks a running server what it tells everybody. */
export function askOpenly<T>(server: string, path: string): Promise<T> {
  return answerOf<T>(server, path, {});
}

async function answerOf<T>(server: string, path: string, init: RequestInit): Promise<T> {
  const response = await fetch(`${server.replace(/\/$/, '')}${path}`, init).catch((error: unknown) => {
    throw new ServerRefusedError(
      `${server} does not answer: ${error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error)}`,
    );
  });
  const text = await response.text();
  // 204 has nothing to say.
  if (response.ok) return (text === '' ? null : JSON.parse(text)) as T;
  throw new ServerRefusedError(`${response.status} ${problemIn(text)}`);
}

/** Runs what asks a server and says in a line why it did not work. @returns exit code 1 then */
export async function orSayWhy(name: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ServerRefusedError)) throw error;
    complain(`honnin ${name}: ${error.message}`);
    return 1;
  }
}

function problemIn(text: string): string {
  try {
    const { title, detail, errors } = JSON.parse(text) as {
      title?: string;
      detail?: string;
      errors?: readonly { expected: string }[];
    };
    return `${title ?? ''}. ${errors ? errors.map((e) => e.expected).join('; ') : (detail ?? '')}`;
  } catch {
    // Not a problem document: a proxy's page perhaps.
    return text.slice(0, 200);
  }
}
