import type { Socket } from 'node:net';
import { RateLimiterMemory } from 'rate-limiter-flexible';

/** Wrong signatures in a second, of one address and of all, before nobody there is checked at once any more. */
const WRONG_PER_ADDRESS = 20;
const WRONG_OF_ALL = 100;
const EVERYBODY = '*';

/** Whose signatures are checked at once. A check costs as much as many refusals, and a wrong signature costs whoever
 * sends it nothing, so what is bounded is wrong ones: on a connection on which one was wrong, and where lately too many
 * were, a signature is looked at when it is its request's turn. Booths that keep a connection are checked at once
 * whatever happens around them. */
export class SignatureDoubts {
  private readonly doubted = new WeakSet<Socket>();
  private readonly proved = new WeakSet<Socket>();
  private readonly ofAddress = new RateLimiterMemory({ points: WRONG_PER_ADDRESS, duration: 1 });
  private readonly ofAll = new RateLimiterMemory({ points: WRONG_OF_ALL, duration: 1 });

  /** @param socket null behind a proxy, whose connections carry the requests of many */
  async mayCheck(address: string, socket: Socket | null): Promise<boolean> {
    if (socket && this.proved.has(socket)) return true;
    if (socket && this.doubted.has(socket)) return false;
    const [own, all] = await Promise.all([this.ofAddress.get(address), this.ofAll.get(EVERYBODY)]);
    return (own?.consumedPoints ?? 0) < WRONG_PER_ADDRESS && (all?.consumedPoints ?? 0) < WRONG_OF_ALL;
  }

  right(socket: Socket | null): void {
    if (socket) this.proved.add(socket);
  }

  async wrong(address: string, socket: Socket | null): Promise<void> {
    if (socket) {
      this.proved.delete(socket);
      this.doubted.add(socket);
    }
    await Promise.all([this.ofAddress.penalty(address), this.ofAll.penalty(EVERYBODY)]);
  }
}
