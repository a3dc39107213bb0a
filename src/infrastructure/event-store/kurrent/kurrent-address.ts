import type { Credentials } from '@eventstore/db-client';

/** How often the library looks for a leader. When it gives up, it never looks again, and a promise that nobody
 *  awaits ends the process; every call here has a time limit of its own, so that it may go on looking for hours. */
const DISCOVER_ATTEMPTS = 100_000;
const PORT = 2113;

/** Where an EventStoreDB or KurrentDB is, as far as we need it apart from the library. */
export interface StoreAddress {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly usesTls: boolean;
  /** File with the certificates that are trusted; null: those of the system. */
  readonly caFile: string | null;
  /** Whose name the calls bear; null: nobody's. */
  readonly user: string | null;
}

/** @param setting an address that `clientAddress` took. */
export function storeAddress(setting: string): StoreAddress {
  const [, hosts = ''] = /^[^/]*:\/\/(?:[^@/]*@)?([^/?]*)/.exec(setting) ?? [];
  return {
    hosts: hosts
      .split(',')
      .filter((text) => text !== '')
      .map((text) => {
        const [host = '', port] = text.trim().split(':');
        return { host, port: port === undefined ? PORT : Number(port) };
      }),
    usesTls: optionOf(setting, 'tls')?.toLowerCase() !== 'false',
    caFile: optionOf(setting, 'tlsCAFile'),
    user: givenCredentials(setting)?.username ?? null,
  };
}

/** The address as the client library knows it: it was written before the product had its present name.
 *  @throws {RangeError} when it is none, or asks for what cannot work. */
export function clientAddress(setting: string): string {
  if (!/^(esdb|kurrentdb)(\+discover)?:\/\//.test(setting))
    throw new RangeError(`not the address of an event store: ${withoutPassword(setting)}`);
  // Without throwing, the library answers every conflict with revision 1.
  if (/throwOnAppendFailure=false/i.test(setting))
    throw new RangeError('throwOnAppendFailure=false cannot be used: the client then reports wrong revisions');
  const preference = optionOf(setting, 'nodePreference');
  if (preference !== null && preference.toLowerCase() !== 'leader') {
    throw new RangeError(
      `nodePreference=${preference} cannot be used: what was written is read at once, and only the leader surely ` +
        'has it',
    );
  }
  const attempts = optionOf(setting, 'maxDiscoverAttempts');
  if (attempts !== null && !(Number(attempts) >= 1)) {
    throw new RangeError(
      `maxDiscoverAttempts=${attempts} cannot be used: here it means none. Leave it out: the server looks for a ` +
        'leader as long as it runs',
    );
  }
  return withOption(
    setting.replace(/^kurrentdb/, 'esdb'),
    'maxDiscoverAttempts',
    String(Math.max(DISCOVER_ATTEMPTS, Number(attempts ?? 0))),
  );
}

/** Credentials of each call. Where a call has some, the library sends a single append with a deadline and not a
 *  batch append without one. Over an insecure connection it leaves them out of the call, so any will do there. */
export function callCredentials(address: string): Credentials | undefined {
  return (
    givenCredentials(address) ??
    (storeAddress(address).usesTls ? undefined : { username: 'nobody', password: 'nobody' })
  );
}

/** For words that people see. */
export function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//…@');
}

function givenCredentials(address: string): Credentials | undefined {
  const given = /^[^/]*:\/\/([^@/:]+):([^@/]+)@/.exec(address);
  return given
    ? { username: decodeURIComponent(given[1] as string), password: decodeURIComponent(given[2] as string) }
    : undefined;
}

function optionOf(address: string, name: string): string | null {
  const found = new RegExp(`[?&]${name}=([^&]*)`, 'i').exec(address);
  return found ? decodeURIComponent(found[1] as string) : null;
}

function withOption(address: string, name: string, value: string): string {
  const others = address.replace(new RegExp(`([?&])${name}=[^&]*&?`, 'i'), '$1').replace(/[?&]$/, '');
  return `${others}${others.includes('?') ? '&' : '?'}${name}=${value}`;
}
