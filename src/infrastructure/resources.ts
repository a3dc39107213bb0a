/** Closes what was opened, in the opposite order, once. */
export class Resources {
  private readonly closers: (() => unknown)[] = [];

  opened<T>(resource: T, close: (resource: T) => unknown): T {
    this.closers.unshift(() => close(resource));
    return resource;
  }

  async close(): Promise<void> {
    for (const close of this.closers.splice(0)) await close();
  }
}
