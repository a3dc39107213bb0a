import { createHash } from 'node:crypto';
import { derivedIdInput, uuidFrom } from '../../domain/values/derived-id.js';

export { uuidFrom };

/** UUID version 5 (RFC 9562): the same name always gives the same id, so that repeating a command repeats its event
 * ids. */
export function derivedId(...parts: readonly (string | number)[]): string {
  return uuidFrom(
    createHash('sha1')
      .update(derivedIdInput(parts, (text) => Buffer.from(text)))
      .digest(),
    5,
  );
}
