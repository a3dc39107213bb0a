/** Says to whoever writes the signed log that somebody waits for what is stored already. */
export class LogDemand {
  private isRaised = false;
  private wake: (() => void) | null = null;

  raise(): void {
    this.isRaised = true;
    this.wake?.();
  }

  /** What was waited for is signed; who still waits says so again. */
  met(): void {
    this.isRaised = false;
  }

  /** Resolves when somebody waits, or after a time, or at a stop; whichever is first. One at a time. */
  async within(ms: number, signal: AbortSignal): Promise<void> {
    if (this.isRaised || signal.aborted || ms <= 0) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.wake = null;
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end, { once: true });
      this.wake = end;
    });
  }
}
