/** On every answer. Nothing here may be kept by a cache, and nothing is a page except the documentation. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
};

/** For a year, as RFC 6797 lets us say only over TLS. */
export const HSTS = 'max-age=31536000';
