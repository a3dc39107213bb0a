import { utf8 } from './bytes.js';
import type { HashFunction } from './merkle-tree.js';
import { parseVerifierKey, type SignatureCheck, type SignedNote, type VerifierKey } from './signed-note.js';

/** Ed25519 cosignatures with a time, as independent witnesses make them (C2SP tlog-cosignature). */
const COSIGNATURE_V1 = 0x04;
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;

/** The key of a witness out of `name+id+base64`. @throws {NoteFormatError} for what is none, the key of a log among
 * them */
export function parseWitnessKey(text: string, hash: HashFunction): VerifierKey {
  return parseVerifierKey(text, hash, COSIGNATURE_V1);
}

/** `wrong`: a line under the witness's name and key that it did not make. */
export type CosignatureVerdict =
  { readonly verdict: 'cosigned'; readonly atSeconds: number } | { readonly verdict: 'wrong' | 'absent' };

/** What a note says of one witness: it had seen this checkpoint, and none that contradicts it, at that time. */
export function judgeCosignature(
  { text, signatures }: SignedNote,
  witness: VerifierKey,
  isSigned: SignatureCheck,
): CosignatureVerdict {
  let newest: number | null = null;
  for (const { name, id, bytes } of signatures) {
    if (name !== witness.name || id !== witness.id) continue;
    const atSeconds = timeIn(bytes);
    const message = utf8(`cosignature/v1\ntime ${atSeconds}\n${text}`);
    if (atSeconds === null || !isSigned(witness.publicKey, message, bytes.slice(TIME_BYTES)))
      return { verdict: 'wrong' };
    newest = Math.max(newest ?? 0, atSeconds);
  }
  return newest === null ? { verdict: 'absent' } : { verdict: 'cosigned', atSeconds: newest };
}

/** Witnesses that a reader trusts, and how many of them a checkpoint must have. */
export interface WitnessPolicy {
  readonly keys: readonly VerifierKey[];
  readonly needed: number;
}

/** The largest checkpoint that enough witnesses have cosigned, or, where there is none, the one with the most. */
export interface Witnessed {
  readonly isEnough: boolean;
  /** Entries of the checkpoint; null where no witness has cosigned any. */
  readonly size: number | null;
  /** Names of the witnesses that cosigned it. */
  readonly by: readonly string[];
  /** The earliest of their times, ISO-8601 UTC: by then all before it was in the log. */
  readonly atUtc: string | null;
  readonly needed: number;
  readonly of: number;
}

/** @param notes checkpoints of one log that do not contradict each other
 *  @returns also the sizes of those with a wrong line */
export function judgeWitnesses(
  notes: readonly { readonly size: number; readonly note: SignedNote }[],
  { keys, needed }: WitnessPolicy,
  isSigned: SignatureCheck,
): { readonly witnessed: Witnessed; readonly wrong: readonly { readonly size: number; readonly witness: string }[] } {
  const wrong: { size: number; witness: string }[] = [];
  let best: Witnessed = { isEnough: false, size: null, by: [], atUtc: null, needed, of: keys.length };
  for (const { size, note } of notes) {
    const cosigned = keys.flatMap((key) => {
      const verdict = judgeCosignature(note, key, isSigned);
      if (verdict.verdict === 'wrong') wrong.push({ size, witness: key.name });
      return verdict.verdict === 'cosigned' ? [{ name: key.name, atSeconds: verdict.atSeconds }] : [];
    });
    const isEnough = cosigned.length >= needed;
    const isBetter = isEnough
      ? !best.isEnough || size > (best.size ?? 0)
      : !best.isEnough && cosigned.length > best.by.length;
    if (!isBetter || cosigned.length === 0) continue;
    const atUtc = new Date(Math.min(...cosigned.map(({ atSeconds }) => atSeconds)) * 1000).toISOString();
    best = { isEnough, size, by: cosigned.map(({ name }) => name), atUtc, needed, of: keys.length };
  }
  return { witnessed: best, wrong };
}

/** The latest time that a `Date` can tell. */
const SECONDS_MAX = 8_640_000_000_000;

function timeIn(bytes: Uint8Array): number | null {
  if (bytes.length !== TIME_BYTES + SIGNATURE_BYTES) return null;
  let seconds = 0;
  for (const byte of bytes.slice(0, TIME_BYTES)) seconds = seconds * 256 + byte;
  return seconds <= SECONDS_MAX ? seconds : null;
}
