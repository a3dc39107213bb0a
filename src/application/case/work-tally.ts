/** Upper bounds of the time of a comparison, in seconds. */
export const COMPARISON_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

/** An outside service that answers with a closed list of words. */
export type AskedService = 'certificate_authority' | 'government';

interface Answered {
  readonly service: AskedService;
  readonly answer: string;
  n: number;
}

/** What the saga's work came to since the start of this process, for metrics. Closed words only: nothing of a case. */
export class WorkTally {
  private readonly outcomeCounts = new Map<string, number>();
  private readonly answerCounts = new Map<string, Answered>();
  /** Called with the seconds of each comparison of faces. */
  onComparison: (seconds: number) => void = () => {};

  /** A request came to its end. */
  ended(outcome: string): void {
    this.outcomeCounts.set(outcome, (this.outcomeCounts.get(outcome) ?? 0) + 1);
  }

  answered(service: AskedService, answer: string): void {
    const key = `${service} ${answer}`;
    const found = this.answerCounts.get(key) ?? { service, answer, n: 0 };
    found.n += 1;
    this.answerCounts.set(key, found);
  }

  /** Times a comparison, also one that fails. */
  async timed<T>(compare: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await compare();
    } finally {
      this.onComparison((performance.now() - started) / 1000);
    }
  }

  outcomes(): readonly (readonly [string, number])[] {
    return [...this.outcomeCounts];
  }

  answers(): readonly Readonly<Answered>[] {
    return [...this.answerCounts.values()];
  }
}
