import { hmacOf } from '../../../domain/audit/log/commitment.js';
import { parseVerifierKey } from '../../../domain/audit/log/signed-note.js';
import { verifyBundle, type VerifyReport } from '../../../domain/audit/bundle/verify-bundle.js';
import { isSignedEd25519 } from '../../ed25519.js';
import { sha1 } from '../../sha1.js';
import { sha256 } from '../../sha256.js';

export interface Verified {
  readonly report: VerifyReport;
  readonly bundle: string;
}

const PRIMITIVES = { hash: sha256, hmac: hmacOf(sha256), isSigned: isSignedEd25519, sha1 };
const KEPT = 'honnin-newest-checkpoint';
const KEYS = 'honnin-log-keys';
/** A bundle's second line and those after it, until an empty one: its checkpoint. */
const CHECKPOINT = /^[^\n]*\/[^\n]*\n\d+\n[A-Za-z0-9+/=]+\n\n(?:— [^\n]+\n)+/m;

/** The newest checkpoint that this browser has seen: what comes later must begin with what it signs. */
export function remembered(): string[] {
  const kept = localStorage.getItem(KEPT);
  return kept === null ? [] : [kept];
}

/** Judges with the server's own rules and the keys that this browser saw first: a server that shows other keys later is
 * told apart. */
export function verified(bundle: string, keys: readonly string[], known: readonly string[]): Verified {
  const first = localStorage.getItem(KEYS);
  const trusted = first === null ? keys : (JSON.parse(first) as readonly string[]);
  const report = verifyBundle(linesOf(bundle), PRIMITIVES, {
    trusted: trusted.map((key) => parseVerifierKey(key, sha256)),
    known,
  });
  if (report.judgement !== 'wrong' && report.trust === 'trusted') {
    localStorage.setItem(KEYS, JSON.stringify(trusted));
    const [checkpoint] = CHECKPOINT.exec(bundle) ?? [];
    if (checkpoint !== undefined) localStorage.setItem(KEPT, checkpoint);
  }
  return { report, bundle };
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
