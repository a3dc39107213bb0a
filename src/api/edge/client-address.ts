import type { IncomingHttpHeaders } from 'node:http';
import ipaddr from 'ipaddr.js';

/** Whose word about the client's address is believed. `no`: nobody's. `nearest`: whoever connects, for its own
 * neighbour only. A list: proxies by address or block (`10.0.0.0/8`). */
export type ProxyTrust = 'no' | 'nearest' | readonly string[];

/** All that is known of an address that cannot be read: they share one. */
export const UNKNOWN_ADDRESS = 'unknown';
const HOPS_MAX = 32;

/** Where a request comes from: the other end of the connection, unless that is a proxy which the operator trusts.
 * @param header lower-case name of the field in which proxies write; several entries are read from the right, which is
 *   the side that our own proxies wrote, up to the first entry that is no trusted proxy. What the client itself wrote
 *   stands to the left of it. */
export function clientAddress({
  peer,
  headers,
  trust,
  header,
}: {
  readonly peer: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly trust: ProxyTrust;
  readonly header: string;
}): string {
  const nearest = peer ?? '';
  if (trust === 'no' || !isTrusted(trust, nearest)) return nearest;
  const entries = entriesOf(headers[header], header);
  if (trust === 'nearest') return entries.at(-1) ?? nearest;
  let client = nearest;
  for (const entry of entries.slice(-HOPS_MAX).reverse()) {
    client = entry;
    if (!isIn(trust, entry)) break;
  }
  return client;
}

/** What limits count by: one IPv4 address, or the /64 of IPv6 that one subscriber has at least. IPv4 in any of its IPv6
 * wrappings (mapped, NAT64, 6to4) is the IPv4 address. Ports, brackets and zones are dropped. */
export function addressKey(text: string): string {
  const address = parsed(text);
  if (address === null) return UNKNOWN_ADDRESS;
  if (address.kind() === 'ipv4') return address.toString();
  const parts = (address as ipaddr.IPv6).parts;
  const range = address.range();
  if (range === 'rfc6052') return ipv4Of(parts[6], parts[7]);
  if (range === '6to4') return ipv4Of(parts[1], parts[2]);
  return `${parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}

/** Whether this end of a connection is a proxy whose word counts. */
export function isTrusted(trust: ProxyTrust, peer: string): boolean {
  return trust === 'nearest' || (trust !== 'no' && isIn(trust, peer));
}

function isIn(list: readonly string[], text: string): boolean {
  const address = parsed(text);
  if (address === null) return false;
  return list.some((entry) => {
    const block = blockOf(entry);
    return (
      block !== null &&
      block[0].kind() === address.kind() &&
      address.match(block as [ipaddr.IPv4 & ipaddr.IPv6, number])
    );
  });
}

function blockOf(entry: string): [ipaddr.IPv4 | ipaddr.IPv6, number] | null {
  if (ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry);
  const address = parsed(entry);
  return address === null ? null : [address, address.kind() === 'ipv4' ? 32 : 128];
}

function parsed(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  const bare = bareAddress(text.trim());
  // The library also reads `1`, `0x7f.1` and such as IPv4; no socket and no proxy writes them.
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare);
  return bare.includes(':') && ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare) : null;
}

/** Without port, brackets and zone: `[2001:db8::1]:443`, `192.0.2.1:443`, `fe80::1%eth0`. */
function bareAddress(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)?.[1];
  if (bracketed !== undefined) return withoutZone(bracketed);
  return withoutZone(/^([^:]*):\d{1,5}$/.exec(text)?.[1] ?? text);
}

function withoutZone(text: string): string {
  return text.split('%', 1)[0] as string;
}

/** The addresses that a field holds, as they stand there. `Forwarded` (RFC 7239) has its own form. */
function entriesOf(value: string | string[] | undefined, header: string): readonly string[] {
  const text = Array.isArray(value) ? value.join(',') : (value ?? '');
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (header !== 'forwarded') return entries;
  return entries
    .map((entry) => /(?:^|;)\s*for=(?:"((?:[^"\\]|\\.)*)"|([^;]*))/i.exec(entry))
    .map((found) => (found?.[1] ?? found?.[2] ?? '').trim());
}

function ipv4Of(high = 0, low = 0): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
