/** Shows how far a long job is, its rate and the time left: a bar on a terminal, a line every tenth elsewhere. Writes
 * to standard error, so that results can be piped. */
export class ProgressBar {
  private readonly start = performance.now();
  private shownTenth = -1;
  private lastDrawn = -Infinity;

  constructor(
    private readonly what: string,
    private readonly unit: string,
    private readonly out: Pick<NodeJS.WriteStream, 'write' | 'isTTY'> = process.stderr,
  ) {}

  /** @param done how many of `total` are finished */
  show(done: number, total: number): void {
    const now = performance.now();
    const line = progressLine({ what: this.what, unit: this.unit, done, total, elapsedMs: now - this.start });
    if (this.out.isTTY) {
      if (done < total && now - this.lastDrawn < 100) return;
      this.lastDrawn = now;
      this.out.write(`\r\x1b[K${line}${done >= total ? '\n' : ''}`);
      return;
    }
    const tenth = Math.floor((10 * done) / Math.max(1, total));
    if (tenth === this.shownTenth) return;
    this.shownTenth = tenth;
    this.out.write(`${line}\n`);
  }
}

/** One line such as `images [######----] 60/100  28.1 images/s  2 s left`. */
export function progressLine({
  what,
  unit,
  done,
  total,
  elapsedMs,
}: {
  what: string;
  unit: string;
  done: number;
  total: number;
  elapsedMs: number;
}): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * 24);
  const rate = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0;
  const left = rate > 0 ? `${duration((total - done) / rate)} left` : 'time left unknown';
  return `${what} [${'#'.repeat(filled)}${'-'.repeat(24 - filled)}] ${done}/${total}  ${rate.toFixed(1)} ${unit}/s  ${done >= total ? `took ${duration(elapsedMs / 1000)}` : left}`;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.round((seconds % 3_600) / 60)} min`;
}
