import { existsSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { LOSS_ID, losses } from '../../application/decisions/aggregates.js';
import { DecideAndAppend } from '../../application/decisions/decide-and-append.js';
import { derivedId } from '../../application/decisions/ids.js';
import type { Clock } from '../../application/ports/store/clock.js';
import { fromBase64, toBase64 } from '../../domain/audit/log/bytes.js';
import { lossText, readLoss, type LossReason } from '../../domain/audit/log/loss-declaration.js';
import type { LossCommand, ProposedLoss } from '../../domain/installation/loss.js';
import { syncFolderNow, writeWholeNow } from '../audit/durable-file.js';
import { isSignedEd25519, sha256 } from '../audit/digest.js';
import { LogHead } from '../audit/log/log-head.js';
import { LogKeys } from '../audit/log-keys.js';
import { LOSS_MARK } from '../audit/fsck/lost-events.js';
import { TileLog } from '../audit/log/tile-log.js';
import { copySignedLog } from '../backup/copy-signed-log.js';
import { erasuresIn, OlderCopy, type ErasedAgain, type OpenableLog } from '../backup/older-copy.js';
import type { Config } from '../settings/config.js';
import { RECOVER_MARK } from '../installation/foundation.js';
import { READ_MODEL_FILE } from '../read-model/read-model-database.js';
import { findLoss, RecoveryError, type FoundLoss, type Gone } from './find-loss.js';

/** The loss that was accepted here and is not carried out yet; null: none. */
export function unfinishedLoss(config: Config): string | null {
  const mark = config.inData(RECOVER_MARK);
  return existsSync(mark) ? readFileSync(mark, 'utf8').trim() : null;
}

export interface Proposal {
  readonly newOrigin: string;
  readonly reason: LossReason;
  readonly reference: string;
  /** Who is signed in. */
  readonly by: string;
}

export interface Recovered extends ErasedAgain {
  readonly loss: ProposedLoss;
  /** The note that begins the log of the new name. */
  readonly declaration: string;
  /** Where the folder is that holds entries without their events; null where nothing was taken away. */
  readonly aside: string;
  readonly keysLeftOut: number;
}

/** The way out of a loss, on a stopped server: one administrator states what is lost, another one accepts it, and the
 *  signed log goes on under a new name. Both are events. The folder of the log is left as it was, under another name.
 *  */
export class Recovery {
  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly log: OpenableLog,
  ) {}

  /** @returns the proposal as it is in the log now. @throws {RecoveryError} where nothing is lost */
  async propose(found: FoundLoss, gone: Gone, { newOrigin, reason, reference, by }: Proposal): Promise<ProposedLoss> {
    if (!found.isLost) throw new RecoveryError('nothing that was signed is lost: there is nothing to accept');
    if (newOrigin === found.origin)
      throw new RecoveryError(
        `the log is ${found.origin} already: a log that goes on after a loss needs another name, like ` +
          `${found.origin}-2`,
      );
    // A name that was left has its history: a second one under it would be a fork.
    const before = LogKeys.published(this.config.inData('audit')).keys();
    if (before.some(({ name }) => name === newOrigin))
      throw new RecoveryError(`the log was ${newOrigin} before a loss: a name that was left is never used again`);
    const loss: ProposedLoss = {
      lossId: randomUUID(),
      oldOrigin: found.origin,
      newOrigin,
      signedSize: found.signed.size,
      signedRoot: toBase64(found.signed.root),
      keptSize: found.kept.size,
      keptRoot: toBase64(found.kept.root),
      events: found.agreed,
      reason,
      reference,
      gone: gone.names.length,
      goneSha256: gone.sha256,
      by,
    };
    await this.append({ type: 'ProposeLoss', loss }, { id: loss.lossId, step: 'propose', by });
    return loss;
  }

  /** The second person accepts; then it is carried out. What a crash cut short is carried out by accepting again.
   *  @throws {RecoveryError} where the proposal is another one, is the same person's, or does not say what is found now
   *  */
  async accept(lossId: string, by: string, copies: readonly string[]): Promise<Recovered> {
    const proposed = await this.lossOf(lossId);
    if (!proposed.isAccepted) this.assertStillSo(proposed.loss, copies);
    await this.append({ type: 'AcceptLoss', lossId, by }, { id: lossId, step: 'accept', by });
    return this.carryOut(proposed.loss);
  }

  /** A proposal by its id. @throws {RecoveryError} where there is none */
  async lossOf(lossId: string): Promise<{ readonly loss: ProposedLoss; readonly isAccepted: boolean }> {
    const { proposed, accepted } = await this.withStore(
      async (aggregates) => (await aggregates.load(losses, LOSS_ID)).state,
    );
    const before = accepted.find((loss) => loss.lossId === lossId);
    const loss = before ?? (proposed?.lossId === lossId ? proposed : null);
    if (!loss)
      throw new RecoveryError(
        `there is no proposal ${lossId}${proposed ? `; the newest is ${proposed.lossId}, by ${proposed.by}` : ''}`,
      );
    return { loss, isAccepted: before !== undefined };
  }

  private assertStillSo(loss: ProposedLoss, copies: readonly string[]): void {
    const found = findLoss(this.config, this.log.file, copies);
    const isSame =
      found.origin === loss.oldOrigin &&
      found.kept.size === loss.keptSize &&
      toBase64(found.kept.root) === loss.keptRoot;
    if (!isSame)
      throw new RecoveryError(
        `the proposal keeps ${loss.keptSize} entries of ${loss.oldOrigin}, and what is found now is ` +
          `${found.kept.size} of ${found.origin}: propose again`,
      );
    if (found.signed.size > loss.signedSize)
      throw new RecoveryError(
        `the proposal says that ${loss.signedSize} entries were signed, and a checkpoint of ${found.signed.size} is ` +
          `known now: propose again`,
      );
    if (found.signed.size === loss.signedSize && toBase64(found.signed.root) !== loss.signedRoot)
      throw new RecoveryError(
        `the checkpoint of ${loss.signedSize} entries that is known now has another root than the proposal: propose ` +
          `again`,
      );
  }

  private async carryOut(loss: ProposedLoss): Promise<Recovered> {
    const { audit, next, aside } = this.folders(loss);
    // Until all of it is done nobody starts on it: erasures of after the copy would come back.
    writeWholeNow(this.config.inData(RECOVER_MARK), `${loss.lossId}\n`);
    syncFolderNow(this.config.inData());
    // Where a crash came between the two renamings.
    if (!existsSync(audit) && existsSync(next)) renameSync(next, audit);
    let declaration = this.declarationIn(audit, loss);
    if (declaration === null) {
      declaration = await this.begin(loss);
      renameSync(audit, aside);
      renameSync(next, audit);
    }
    LogHead.beside(audit).keep(declaration);
    syncFolderNow(this.config.inData());
    // Positions in it are of a log that is no more: it is built again.
    for (const end of ['', '-wal', '-shm']) rmSync(this.config.inData(`${READ_MODEL_FILE}${end}`), { force: true });
    rmSync(this.config.inData(LOSS_MARK), { force: true });
    const copy = new OlderCopy(this.config, this.clock, this.log);
    const keysLeftOut = copy.leaveOutUnknown();
    const erased = await copy.eraseAgain(erasuresIn([this.config.erasedFile]));
    rmSync(this.config.inData(RECOVER_MARK));
    syncFolderNow(this.config.inData());
    return { loss, declaration, aside, keysLeftOut, ...erased };
  }

  /** The folder of the log under its new name, beside the one that is there. */
  private async begin(loss: ProposedLoss): Promise<string> {
    const { audit, next } = this.folders(loss);
    const kept = findLoss(this.config, this.log.file, []).kept;
    rmSync(next, { recursive: true, force: true });
    copySignedLog(audit, next, kept);
    rmSync(`${next}.head`, { force: true });
    // What witnesses said of it is of the name of before.
    rmSync(`${next}/cosigned`, { force: true });
    for (const name of existsSync(`${next}/timestamps`) ? readdirSync(`${next}/timestamps`) : []) {
      // Of this size the declaration is the checkpoint now; the stamps of before lie in the folder of before.
      if (Number.parseInt(name, 10) === kept.size) rmSync(`${next}/timestamps/${name}`);
    }
    const keys = await LogKeys.open({
      origin: loss.oldOrigin,
      secretFolder: this.config.inData('keys', 'audit'),
      auditFolder: next,
      create: false,
    });
    const state = (origin: string, size: number, root: string) => ({ origin, size, root: fromBase64(root) });
    const note = await keys.beginAfterLoss(loss.newOrigin, ({ from, to }) => {
      const { newOrigin, oldOrigin, reason, reference } = loss;
      return lossText({
        kept: state(newOrigin, kept.size, loss.keptRoot),
        signed: state(oldOrigin, loss.signedSize, loss.signedRoot),
        from,
        to,
        reason,
        reference,
      });
    });
    const log = new TileLog(next);
    log.archive.append(kept.size, note);
    writeWholeNow(`${next}/checkpoint`, note);
    syncFolderNow(next);
    return note;
  }

  private declarationIn(audit: string, { newOrigin, signedSize, keptSize }: ProposedLoss): string | null {
    const isOfThis = (note: string) => {
      const read = readLoss(note, { hash: sha256, isSigned: isSignedEd25519 });
      return read?.kept.origin === newOrigin && read.signed.size === signedSize && read.kept.size === keptSize;
    };
    return LogKeys.published(audit).losses().find(isOfThis) ?? null;
  }

  private folders({ signedSize, lossId }: ProposedLoss) {
    const audit = this.config.inData('audit');
    return {
      audit,
      next: this.config.inData('audit.recovering'),
      aside: this.config.inData(`audit.lost-${signedSize}-${lossId.slice(0, 8)}`),
    };
  }

  private async append(
    command: LossCommand,
    { id, step, by }: { readonly id: string; readonly step: string; readonly by: string },
  ): Promise<void> {
    const commandId = derivedId('loss', id, step);
    const context = {
      commandId,
      actor: `officer:${by}`,
      correlationId: id,
      causationId: commandId,
      policyVersion: null,
    };
    const done = await this.withStore((aggregates) => aggregates.execute(losses, LOSS_ID, command, context));
    if (done.outcome === 'decided') return;
    if (done.refusal.code === 'act_own_proposal')
      throw new RecoveryError(`${by} has proposed it: another administrator must accept`);
    throw new RecoveryError(`it cannot be done: ${done.refusal.code}`);
  }

  private async withStore<T>(work: (aggregates: DecideAndAppend) => Promise<T>): Promise<T> {
    const store = await this.log.open();
    try {
      return await work(new DecideAndAppend(store, this.clock));
    } finally {
      await store.close();
    }
  }
}
