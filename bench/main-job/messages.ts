import type { SyntheticCardData } from '../../dist/sandbox/card/synthetic-card.js';

export type ToOutside = { readonly do: 'count' } | { readonly do: 'end' };
export type FromOutside =
  | {
      readonly is: 'ready';
      readonly settings: Readonly<Record<string, string>>;
      readonly cards: readonly SyntheticCardData[];
    }
  | { readonly is: 'counted'; readonly submissions: number };

export type ToBooths =
  | { readonly do: 'open'; readonly url: string; readonly cards: readonly SyntheticCardData[] }
  | { readonly do: 'register'; readonly each: number }
  | { readonly do: 'end' };
export type FromBooths =
  | { readonly is: 'known'; readonly booths: readonly { readonly boothId: string; readonly publicKey: string }[] }
  | { readonly is: 'registered'; readonly latencies: readonly number[] }
  | { readonly is: 'failed'; readonly why: string };
