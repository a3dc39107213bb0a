import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CheckpointSigner, SigningRefusedError } from '../../application/ports/audit/checkpoint-signer.js';
import type { SignedState } from '../../application/ports/audit/signed-log.js';
import type { Checkpoint } from '../../domain/audit/log/checkpoint.js';
import { successionText } from '../../domain/audit/log/key-succession.js';
import {
  judgeNote,
  parseNote,
  parseVerifierKey,
  verifierKey,
  verifierKeyText,
  writeNote,
  type NoteSignature,
  type VerifierKey,
} from '../../domain/audit/log/signed-note.js';
import { keyFile } from '../settings/key-files.js';
import { isSignedEd25519, sha256 } from './digest.js';
import { readIfThere, syncFolder, writeWhole } from './durable-file.js';
import { holdsTree, LogHead, stateIn, whyNot } from './log/log-head.js';
import { AuditLogDamagedError } from './log/tile-log.js';

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

interface LogKey {
  readonly key: VerifierKey;
  readonly privateKey: KeyObject;
}

export interface KeyFolders {
  readonly origin: string;
  readonly secretFolder: string;
  readonly auditFolder: string;
}

export interface FoundLogKeys {
  readonly publicFolder: string;
  /** SHA-256 of the first public key, in hexadecimal; null where there is none. */
  readonly firstSha256: string | null;
  /** File of the newest secret key. */
  readonly secretFile: string;
  readonly isSecretThere: boolean;
}

/** The Ed25519 keys of the log. Secret halves are files of 32 bytes (`log-1.key`, `log-2.key`, …) in the key folder;
 * public halves and the notes in which a key vouches for the next are plain files beside the tiles: `keys/1.vkey`,
 * `keys/2.succession`. */
export class LogKeys extends CheckpointSigner {
  /** What was found to belong together: the kept checkpoint and the published one. */
  private held: string | null = null;
  private cached: { readonly seenMs: number; readonly signing: LogKey } | null = null;

  private constructor(
    override readonly origin: string,
    private readonly secretFolder: string,
    private readonly publicFolder: string,
  ) {
    super();
  }

  /** Opens the keys, making the first one when there is none and `create` allows it.
   *  @throws when the newest secret key is missing, or there are no public keys and none may be made: a new key would
   *  be a new log. */
  static async open(options: KeyFolders & { readonly create?: boolean }): Promise<LogKeys> {
    const { origin, secretFolder, auditFolder, create = true } = options;
    const keys = new LogKeys(origin, secretFolder, join(auditFolder, 'keys'));
    if (keys.numbers().length === 0) {
      if (!create) throw new Error(`there are no public keys in ${keys.publicFolder}; restore the audit folder`);
      await keys.publish(1, keys.secret(1, { create: true }).key);
    }
    keys.signing();
    return keys;
  }

  /** What is there of the keys, without making or opening any. */
  static found({ secretFolder, auditFolder }: Omit<KeyFolders, 'origin'>): FoundLogKeys {
    const publicFolder = join(auditFolder, 'keys');
    const newest = new LogKeys('', secretFolder, publicFolder).numbers().at(-1) ?? 1;
    const first = readIfThere(join(publicFolder, '1.vkey'));
    const secretFile = join(secretFolder, `log-${newest}.key`);
    return { publicFolder, firstSha256: first && digestOf(first), secretFile, isSecretThere: existsSync(secretFile) };
  }

  /** SHA-256 of the first public key, which names the log for ever. */
  firstSha256(): string {
    return digestOf(readFileSync(join(this.publicFolder, '1.vkey')));
  }

  /** The published halves alone, for whoever checks: needs no secret, and opens also where a key is damaged. */
  static published(auditFolder: string): Pick<CheckpointSigner, 'keys' | 'successions' | 'losses'> {
    return new LogKeys('', '', join(auditFolder, 'keys'));
  }

  override sign(text: string): readonly NoteSignature[] {
    this.assertHolds();
    return [signed(this.signing(), text)];
  }

  override keys(): readonly VerifierKey[] {
    return this.numbers().map((number) =>
      parseVerifierKey(readFileSync(join(this.publicFolder, `${number}.vkey`), 'utf8'), sha256),
    );
  }

  override hasSigned(note: string): boolean {
    return judgeNote(parseNote(note), this.keys(), isSignedEd25519).verdict === 'signed';
  }

  override successions(): readonly string[] {
    return this.notes('succession');
  }

  override losses(): readonly string[] {
    return this.notes('loss');
  }

  /** A key after the first one follows by a succession, or begins another name by a declaration of loss. */
  private notes(kind: 'succession' | 'loss'): readonly string[] {
    const files = this.numbers()
      .slice(1)
      .map((number) => readIfThere(join(this.publicFolder, `${number}.${kind}`)));
    return files.flatMap((bytes) => bytes?.toString('utf8') ?? []);
  }

  /** Makes the key of a new name, whose first word is the declaration: both names sign it. The declaration lies beside
   *  the key before it.
   *  @param declare makes the text, out of the key of before and the new one */
  async beginAfterLoss(
    origin: string,
    declare: (keys: { readonly from: VerifierKey; readonly to: VerifierKey }) => string,
  ): Promise<string> {
    const old = this.signing();
    const number = (this.numbers().at(-1) as number) + 1;
    const next = new LogKeys(origin, this.secretFolder, this.publicFolder);
    const made = next.secret(number, { create: true });
    const text = declare({ from: old.key, to: made.key });
    const note = writeNote({ text, signatures: [signed(old, text), signed(made, text)] });
    await writeWhole(join(this.publicFolder, `${number}.loss`), note);
    await next.publish(number, made.key);
    return note;
  }

  /** A signature over a folder that was lost, set back or exchanged would be the log's word for another history. */
  private assertHolds(): void {
    const folder = dirname(this.publicFolder);
    const head = LogHead.beside(folder);
    const [kept, published] = [head.note(), readIfThere(join(folder, 'checkpoint'))?.toString('utf8') ?? ''];
    if (kept === null || this.held === `${kept}\n${published}`) return;
    const state = stateIn(kept);
    if (state === null) throw new SigningRefusedError(`${head.file} is no checkpoint: it was damaged`);
    if (!this.holds(folder, state)) throw new SigningRefusedError(whyNot(folder, state, head.file));
    this.held = `${kept}\n${published}`;
  }

  private holds(folder: string, state: SignedState): boolean {
    try {
      return holdsTree(folder, state);
    } catch (error) {
      if (error instanceof AuditLogDamagedError)
        throw new SigningRefusedError(`${error.message}; run './honnin audit fsck'`);
      throw error;
    }
  }

  /** Makes the next key; the present one signs for it. A running server signs with it from its next checkpoint on.
   *  @param at what the log says at this moment, or null before the first checkpoint
   *  @param destroyOld removes the secret half of the present key, so that nobody can sign with it again */
  async rotate(at: Checkpoint | null, { destroyOld }: { readonly destroyOld: boolean }): Promise<VerifierKey> {
    const old = this.signing();
    const number = (this.numbers().at(-1) as number) + 1;
    const next = this.secret(number, { create: true });
    const text = successionText({
      origin: this.origin,
      from: old.key,
      to: next.key,
      size: at?.size ?? 0,
      root: at?.root ?? sha256(new Uint8Array(0)),
    });
    // The note first: a key that nobody vouches for must never sign.
    await writeWhole(
      join(this.publicFolder, `${number}.succession`),
      writeNote({ text, signatures: [signed(old, text), signed(next, text)] }),
    );
    await this.publish(number, next.key);
    if (destroyOld) rmSync(join(this.secretFolder, `log-${number - 1}.key`), { force: true });
    return next.key;
  }

  private async publish(number: number, key: VerifierKey): Promise<void> {
    await writeWhole(join(this.publicFolder, `${number}.vkey`), `${verifierKeyText(key)}\n`);
    await syncFolder(this.publicFolder);
    this.cached = null;
  }

  private numbers(): number[] {
    if (!existsSync(this.publicFolder)) return [];
    return readdirSync(this.publicFolder)
      .flatMap((name) => (/^\d+\.vkey$/.test(name) ? [Number.parseInt(name, 10)] : []))
      .sort((a, b) => a - b);
  }

  /** The newest key, looked up again when the folder has changed: another process may have rotated. */
  private signing(): LogKey {
    const seenMs = statSync(this.publicFolder).mtimeMs;
    if (this.cached?.seenMs === seenMs) return this.cached.signing;
    const number = this.numbers().at(-1) as number;
    const signing = this.secret(number, { create: false });
    const stated = parseVerifierKey(readFileSync(join(this.publicFolder, `${number}.vkey`), 'utf8'), sha256);
    if (verifierKeyText(stated) !== verifierKeyText(signing.key))
      throw new Error(
        `log-${number}.key is not the key that ${number}.vkey states, or HONNIN_AUDIT_ORIGIN was changed (the log is ${stated.name})`,
      );
    this.cached = { seenMs, signing };
    return signing;
  }

  private secret(number: number, options: { readonly create: boolean }): LogKey {
    const seed = keyFile(join(this.secretFolder, `log-${number}.key`), options);
    const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
    const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
    return { key: verifierKey(this.origin, new Uint8Array(raw), sha256), privateKey };
  }
}

function digestOf(vkey: Buffer): string {
  return Buffer.from(sha256(Buffer.from(vkey.toString('utf8').trim()))).toString('hex');
}

function signed({ key, privateKey }: LogKey, text: string): NoteSignature {
  return { name: key.name, id: key.id, bytes: new Uint8Array(sign(null, Buffer.from(text), privateKey)) };
}
