/** Keys that the server keeps for itself, each derived for one purpose. */
export abstract class Secrets {
  /** HMAC-SHA256 under the key of that purpose; 32 bytes. Purposes never share a key. */
  abstract keyedHash(
    purpose:
      | 'subject-key'
      | 'card'
      | 'receipt'
      | 'request-id'
      | 'request-digest'
      | 'command-key'
      | 'command-digest'
      | 'challenge'
      | 'challenge-prompt'
      | 'audit-salt'
      | 'console-session',
    data: Uint8Array,
  ): Uint8Array;
}
