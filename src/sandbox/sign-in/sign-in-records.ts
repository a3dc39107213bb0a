import type { Adapter, AdapterPayload } from 'oidc-provider';

interface Kept {
  readonly payload: AdapterPayload;
  /** Seconds since 1970, or null: never. */
  readonly expiresAt: number | null;
}
/** As it is written into the state file. */
export type SavedRecords = readonly (readonly [key: string, kept: Kept])[];

/** Sessions, grants, codes and refresh tokens of the sign-in stand-in: few, so they are kept and saved as a whole. */
export class SignInRecords {
  readonly #kept: Map<string, Kept>;

  /** @param changed told after every change */
  constructor(
    saved: SavedRecords,
    private readonly changed: () => void,
  ) {
    this.#kept = new Map(saved);
  }

  saved(): SavedRecords {
    return [...this.#kept].filter(([, kept]) => !isOver(kept));
  }

  /** What the library asks of a store, for one of its kinds of records. */
  adapter(kind: string): Adapter {
    const keyOf = (id: string): string => `${kind}:${id}`;
    const found = (isIt: (payload: AdapterPayload) => boolean): Promise<AdapterPayload | undefined> => {
      const entries = [...this.#kept].filter(([key, kept]) => key.startsWith(keyOf('')) && !isOver(kept));
      return Promise.resolve(entries.find(([, { payload }]) => isIt(payload))?.[1].payload);
    };
    return {
      upsert: async (id, payload, expiresIn) => {
        this.#kept.set(keyOf(id), { payload, expiresAt: expiresIn === undefined ? null : nowSeconds() + expiresIn });
        this.#trim();
      },
      find: async (id) => this.#live(keyOf(id))?.payload,
      findByUserCode: (userCode) => found((payload) => payload.userCode === userCode),
      findByUid: (uid) => found((payload) => payload.uid === uid),
      consume: async (id) => {
        const kept = this.#live(keyOf(id));
        if (kept === undefined) return;
        this.#kept.set(keyOf(id), { ...kept, payload: { ...kept.payload, consumed: nowSeconds() } });
        this.changed();
      },
      destroy: async (id) => {
        if (this.#kept.delete(keyOf(id))) this.changed();
      },
      revokeByGrantId: async (grantId) => {
        for (const [key, { payload }] of this.#kept) if (payload.grantId === grantId) this.#kept.delete(key);
        this.changed();
      },
    };
  }

  #live(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    return kept === undefined || isOver(kept) ? undefined : kept;
  }

  #trim(): void {
    for (const [key, kept] of this.#kept) if (isOver(kept)) this.#kept.delete(key);
    this.changed();
  }
}

function isOver({ expiresAt }: Kept): boolean {
  return expiresAt !== null && expiresAt <= nowSeconds();
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
