/** What a benchmark writes into: readable lines on the way, one table and one JSON object at the end. */
export interface BenchReport {
  /** A line of the table: figures with their unit in the key (`p50Ms`, `perSecond`). */
  row(name: string, values: Record<string, number | string>): void;
  /** A ratio of two figures of this run, with the target that it is held to. */
  ratio(name: string, value: number, target?: string): void;
  /** A sentence about the machine, the method or what was skipped. */
  note(text: string): void;
  /** Progress for people; not part of the result. */
  progress(text: string): void;
}

export interface Bench {
  readonly summary: string;
  run(report: BenchReport): Promise<void>;
}
