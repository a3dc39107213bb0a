export interface TurnLimits {
  /** Turns in a second while a booth's request is being worked on. */
  readonly perSecondBeside: number;
  /** Requests that wait for a turn, of all and of one address. */
  readonly waitingMax: number;
  readonly waitingPerAddressMax: number;
  /** So long one waits. */
  readonly waitMsMax: number;
}

/** Turns of the event loop are what everybody shares: a request of a booth needs dozens of them, one after the other,
 * and in each it stands behind all else that is due. So few begin in one of them, also when nobody else wants it. */
const PER_LOOP_TURN = 2;
const LOOK_MS = 250;
const SECOND_MS = 1000;
/** Turns that may be taken at once after a silence. */
const BURST_SECONDS = 0.1;

interface Waiting {
  readonly sinceMs: number;
  begin(isTurn: boolean): void;
}

/** Lets requests begin that prove nothing: as fast as the server can while no booth's request is worked on, so many a
 * second while one is. Those who have to wait come in turn by address, so who sends much waits behind himself. A slower
 * answer also slows whoever sends the next question after it; nobody is refused before too many wait. */
export class Turns {
  /** In the order in which addresses get their next turn. */
  private readonly byAddress = new Map<string, Waiting[]>();
  private waiting = 0;
  private begunInTurn = 0;
  private tokens = 0;
  private tokensAtMs = performance.now();
  private pending: NodeJS.Immediate | NodeJS.Timeout | null = null;
  private looking: NodeJS.Timeout | null = null;
  private isOver = false;

  constructor(
    private readonly limits: TurnLimits,
    private readonly isBesideBooths: () => boolean,
  ) {}

  /** Calls `begin` once, at once where it can be: with true when it is this request's turn, with false when it has to
   * come again.
   * @returns what a client calls that does not wait any longer */
  take(address: string, begin: (isTurn: boolean) => void): () => void {
    if (this.isOver || (this.waiting === 0 && this.mayBegin())) {
      begin(true);
      return () => {};
    }
    const { waitingMax, waitingPerAddressMax } = this.limits;
    const own = this.byAddress.get(address) ?? [];
    if (own.length >= waitingPerAddressMax || (this.waiting >= waitingMax && !this.sendAwayFor(own.length))) {
      begin(false);
      return () => {};
    }
    const waiting = { sinceMs: performance.now(), begin };
    own.push(waiting);
    this.byAddress.set(address, own);
    this.waiting += 1;
    this.later();
    return () => void this.remove(address, waiting);
  }

  get length(): number {
    return this.waiting;
  }

  /** Everybody may go on: the server is closing, and says so itself. */
  end(): void {
    this.isOver = true;
    for (let next = this.next(); next !== null; next = this.next()) next.begin(true);
    this.rest();
  }

  private mayBegin(): boolean {
    if (!this.isBesideBooths()) {
      if (this.begunInTurn >= PER_LOOP_TURN) return false;
      if (this.begunInTurn === 0) setImmediate(() => (this.begunInTurn = 0));
      this.begunInTurn += 1;
      return true;
    }
    const { perSecondBeside } = this.limits;
    const nowMs = performance.now();
    const earned = ((nowMs - this.tokensAtMs) / SECOND_MS) * perSecondBeside;
    this.tokens = Math.min(Math.max(1, perSecondBeside * BURST_SECONDS), this.tokens + earned);
    this.tokensAtMs = nowMs;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  private later(): void {
    this.looking ??= setInterval(() => this.sendAwayTooOld(), LOOK_MS).unref();
    if (this.pending !== null) return;
    const run = (): void => {
      this.pending = null;
      while (this.waiting > 0 && this.mayBegin()) this.next()?.begin(true);
      if (this.waiting > 0) this.later();
      else this.rest();
    };
    // Looks often enough to see that the booths are done.
    this.pending = this.isBesideBooths()
      ? setTimeout(run, Math.min(20, SECOND_MS / this.limits.perSecondBeside))
      : setImmediate(run);
  }

  private next(): Waiting | null {
    for (const [address, own] of this.byAddress) {
      const first = own.shift();
      this.byAddress.delete(address);
      if (own.length > 0) this.byAddress.set(address, own);
      if (first === undefined) continue;
      this.waiting -= 1;
      return first;
    }
    return null;
  }

  /** Too many wait: the last one of the address with most gives way to a newcomer of one that has fewer. */
  private sendAwayFor(ownLength: number): boolean {
    let most: readonly [string, Waiting[]] | null = null;
    for (const each of this.byAddress) if (most === null || each[1].length > most[1].length) most = each;
    if (most === null || most[1].length <= ownLength + 1) return false;
    const last = most[1].at(-1) as Waiting;
    this.remove(most[0], last);
    last.begin(false);
    return true;
  }

  private sendAwayTooOld(): void {
    const before = performance.now() - this.limits.waitMsMax;
    for (const [address, own] of [...this.byAddress]) {
      for (const old of own.filter(({ sinceMs }) => sinceMs < before)) {
        this.remove(address, old);
        old.begin(false);
      }
    }
    if (this.waiting === 0) this.rest();
  }

  private remove(address: string, waiting: Waiting): void {
    const own = this.byAddress.get(address);
    const place = own?.indexOf(waiting) ?? -1;
    if (!own || place < 0) return;
    own.splice(place, 1);
    this.waiting -= 1;
    if (own.length === 0) this.byAddress.delete(address);
  }

  private rest(): void {
    if (this.looking) clearInterval(this.looking);
    this.looking = null;
  }
}
