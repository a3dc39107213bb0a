import { OutsideClocks } from '../../application/ports/outside/outside-clocks.js';
import type { Clock } from '../../application/ports/store/clock.js';
import { fetchOver, type OwnTls } from '../http/own-tls.js';
import type { Config } from '../settings/config.js';
import { serviceTls } from '../settings/service-tls.js';

const ASK_EVERY_MS = 600_000;
/** While they say otherwise, so that it is over soon after the clock was put right. */
const ASK_AGAIN_MS = 15_000;
const ASK_MS = 3_000;
/** Their answers are dated to the second, and nobody's clock is exact. */
const TOLERANCE_MS = 60_000;

/** Compares our clock with the `Date` of answers from the services of the settings: authority, links, sign-in,
 *  timestamps. A clock that is ahead cannot be told by our own events: they say the same. */
export class HttpOutsideClocks extends OutsideClocks {
  /** By origin: how far we are ahead of it, milliseconds. */
  private readonly heard = new Map<string, number>();
  private timer: NodeJS.Timeout | null = null;
  private asking: Promise<void> | null = null;
  private readonly closing = new AbortController();
  private readonly addresses: readonly string[];

  /** @param addresses of services that answer over HTTP; only one of each origin is asked
   *  @param tls our own certificates, by address; where there are none it is asked as everybody asks */
  constructor(
    addresses: readonly string[],
    private readonly clock: Clock,
    private readonly tls: ReadonlyMap<string, OwnTls | null> = new Map(),
  ) {
    super();
    this.addresses = [...new Map(addresses.map((address) => [new URL(address).origin, address])).values()];
  }

  static of(config: Config, clock: Clock): HttpOutsideClocks {
    const { ocspUrl, linkUrl, oidcIssuer, tsaUrl } = config.values;
    const discovery = oidcIssuer === null ? null : `${oidcIssuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    // Not the government server: what it is asked is a registration, or nothing.
    const named = [
      [ocspUrl, 'authority'],
      [linkUrl, 'link'],
      [discovery, 'oidc'],
      [tsaUrl, 'tsa'],
    ] as const;
    const asked = named.flatMap(([address, service]) =>
      address !== null && URL.canParse(address) ? [[address, serviceTls(config, service)] as const] : [],
    );
    return new HttpOutsideClocks(
      asked.map(([address]) => address),
      clock,
      new Map(asked),
    );
  }

  /** Asks from now on, again and again. Where fewer than two can be asked nobody is. */
  start(): this {
    if (this.addresses.length >= 2) void this.ask();
    return this;
  }

  override askNow(): void {
    this.start();
  }

  override difference(): string | null {
    const all = [...this.heard.values()];
    const [ahead, behind] = [all.filter((ms) => ms > TOLERANCE_MS), all.filter((ms) => ms < -TOLERANCE_MS)];
    const most = ahead.length >= behind.length ? ahead : behind;
    if (most.length < 2 || most.length * 2 <= all.length) return null;
    const seconds = Math.round(Math.min(...most.map(Math.abs)) / 1000);
    const where = most === ahead ? 'ahead of' : 'behind';
    return `the clock is ${seconds} s ${where} ${most.length} of ${all.length} services that answered: put it right`;
  }

  async close(): Promise<void> {
    this.closing.abort();
    if (this.timer) clearTimeout(this.timer);
    await this.asking;
  }

  private ask(): Promise<void> {
    this.asking ??= this.askAll().finally(() => {
      this.asking = null;
      if (this.closing.signal.aborted) return;
      if (this.timer) clearTimeout(this.timer);
      const waitMs = this.difference() === null ? ASK_EVERY_MS : ASK_AGAIN_MS;
      this.timer = setTimeout(() => void this.ask(), waitMs);
      this.timer.unref();
    });
    return this.asking;
  }

  private async askAll(): Promise<void> {
    await Promise.all(this.addresses.map((address) => this.askOne(address)));
  }

  private async askOne(address: string): Promise<void> {
    const { origin } = new URL(address);
    try {
      const signal = AbortSignal.any([this.closing.signal, AbortSignal.timeout(ASK_MS)]);
      const response = await fetchOver(this.tls.get(address) ?? null, address, { redirect: 'manual', signal });
      await response.body?.cancel();
      const said = Date.parse(response.headers.get('date') ?? '');
      // An answer out of a cache bears the time at which somebody else asked.
      if (Number.isNaN(said) || response.headers.has('age')) this.heard.delete(origin);
      else this.heard.set(origin, Date.parse(this.clock.nowUtc()) - said);
    } catch {
      // Who does not answer says nothing about the time.
      this.heard.delete(origin);
    }
  }
}
