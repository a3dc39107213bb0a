import { describe, expect, it } from '@jest/globals';
import { addressKey, clientAddress, UNKNOWN_ADDRESS, type ProxyTrust } from '../../src/api/edge/client-address.js';

describe('what limits count by', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:4711', '192.0.2.1'],
    // One subscriber of IPv6 has a /64 at least.
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:0:0:0:9', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
    ['[2001:db8:1:2::1]:443', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::1]', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    // A zone names an interface of ours, not the sender.
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['fe80::2%25en1', 'fe80:0:0:0::/64'],
    // IPv4 in its wrappings is IPv4.
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['[::FFFF:192.0.2.1]:80', '192.0.2.1'],
    ['64:ff9b::c000:201', '192.0.2.1'],
    ['2002:c000:201::1', '192.0.2.1'],
    ['2002:c000:201:ffff::1', '192.0.2.1'],
  ])('is, for %s, %s', (text, key) => {
    expect(addressKey(text)).toBe(key);
  });

  it.each([
    '',
    'unknown',
    '_hidden',
    '1',
    '0x7f.1',
    '127.1',
    '192.0.2.256',
    '192.0.2.1/24',
    '::g',
    '2001:db8::1::2',
    '192.0.2.1, 192.0.2.2',
    'x'.repeat(10_000),
  ])('is one for all that cannot be read: %s', (text) => {
    expect(addressKey(text)).toBe(UNKNOWN_ADDRESS);
  });
});

describe('where a request comes from', () => {
  const from = (
    peer: string,
    value: string | undefined,
    { trust, header = 'x-forwarded-for' }: { trust: ProxyTrust; header?: string },
  ): string => clientAddress({ peer, headers: value === undefined ? {} : { [header]: value }, trust, header });
  const ours: ProxyTrust = ['10.0.0.0/8', '192.0.2.7', '2001:db8:aa::/48'];

  it.each([
    [
      'the connection says it, where no proxy is trusted',
      from('198.51.100.1', '203.0.113.9', { trust: 'no' }),
      '198.51.100.1',
    ],
    ['a stranger writes the field itself', from('198.51.100.1', '203.0.113.9', { trust: ours }), '198.51.100.1'],
    ['a trusted proxy says it', from('10.1.2.3', '203.0.113.9', { trust: ours }), '203.0.113.9'],
    [
      'a trusted proxy over mapped IPv6 says it',
      from('::ffff:10.1.2.3', '203.0.113.9', { trust: ours }),
      '203.0.113.9',
    ],
    ['a trusted proxy over IPv6 says it', from('2001:db8:aa::9', '203.0.113.9', { trust: ours }), '203.0.113.9'],
    [
      'what the client wrote in front is not believed',
      from('10.1.2.3', '127.0.0.1, 203.0.113.9', { trust: ours }),
      '203.0.113.9',
    ],
    [
      'several proxies of ours stand behind each other',
      from('10.1.2.3', '1.2.3.4, 203.0.113.9, 192.0.2.7, 10.9.9.9', { trust: ours }),
      '203.0.113.9',
    ],
    ['a proxy writes ports', from('10.1.2.3', '203.0.113.9:4711', { trust: ours }), '203.0.113.9:4711'],
    ['the field is missing', from('10.1.2.3', undefined, { trust: ours }), '10.1.2.3'],
    ['the field is empty', from('10.1.2.3', ' , ', { trust: ours }), '10.1.2.3'],
    ['only proxies of ours stand in it', from('10.1.2.3', '10.0.0.1', { trust: ours }), '10.0.0.1'],
    ['whoever connects is a proxy', from('198.51.100.1', '1.2.3.4, 203.0.113.9', { trust: 'nearest' }), '203.0.113.9'],
    ['another field is agreed', from('10.1.2.3', '203.0.113.9', { trust: ours, header: 'x-real-ip' }), '203.0.113.9'],
    [
      'the standard field is agreed',
      from('10.1.2.3', 'for=1.2.3.4;proto=http, proto=https;For="[2001:db8:5::1]:4711";by=10.1.2.3', {
        trust: ours,
        header: 'forwarded',
      }),
      '[2001:db8:5::1]:4711',
    ],
    ['the standard field hides it', from('10.1.2.3', 'for=unknown', { trust: ours, header: 'forwarded' }), 'unknown'],
  ])('%s', (_name, address, expected) => {
    expect(address).toBe(expected);
  });
});
