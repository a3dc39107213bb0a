/** Decides which fault the next exchange suffers: first the recorded sequence, one per exchange, then the standing
 * fault. The tape remembers what it played, so that a failing run can be played again exactly. */
export class FaultTape<F extends string> {
  readonly #known: readonly F[];
  readonly #idle: F;
  #sequence: F[] = [];
  #standing: F;
  readonly #played: F[] = [];

  /** @param known every fault that may be asked for @param idle the value that means "no fault" */
  constructor(known: readonly F[], idle: F) {
    this.#known = known;
    this.#idle = idle;
    this.#standing = idle;
  }

  /** Queues faults for the next exchanges, one each. @throws {RangeError} for an unknown fault. */
  play(faults: readonly string[]): void {
    this.#sequence.push(...faults.map((fault) => this.#check(fault)));
  }

  /** Sets the fault of every exchange for which nothing is queued. @throws {RangeError} for an unknown fault. */
  always(fault: string): void {
    this.#standing = this.#check(fault);
  }

  /** Back to faultless; the record stays. */
  clear(): void {
    this.#sequence = [];
    this.#standing = this.#idle;
  }

  /** The fault of this exchange. */
  next(): F {
    const fault = this.#sequence.shift() ?? this.#standing;
    this.#played.push(fault);
    return fault;
  }

  /** What was played so far, oldest first: input for {@link play} of a later run. */
  get played(): readonly F[] {
    return [...this.#played];
  }

  #check(fault: string): F {
    const known = this.#known.find((name) => name === fault);
    if (known === undefined) throw new RangeError(`unknown fault '${fault}'; known are ${this.#known.join(', ')}`);
    return known;
  }
}
