/** To whom a store belongs. Stream `installation-claim`: it can be started once, and the store decides by whom. Keys
 *  are known by check values that derive from them and lead back to none. @req R23 */
export type InstallationEvent =
  /** The first start, or the first one of a version that claims. From here on each start compares its parts with it. */
  {
    readonly type: 'InstallationClaimed';
    readonly data: {
      readonly installationId: string;
      /** Name of the signed log. */
      readonly origin: string;
      /** SHA-256 of the first public key of the signed log. Later keys follow from it by successions. */
      readonly logKeySha256: string;
      readonly masterKeyCheck: string;
      readonly serverSecretCheck: string;
      /** False where the installation was older than this event. */
      readonly isFirstStart: boolean;
    };
  };

/** Which process works on a store that several could reach. Stream `installation-server`. Nobody's clock counts: who
 *  wants to work asks, who works answers, and who hears nothing for long enough begins. */
export type ServerEvent =
  | { readonly type: 'ServerBegan'; readonly data: { readonly processId: string; readonly host: string } }
  | { readonly type: 'ServerAsked'; readonly data: { readonly processId: string; readonly host: string } }
  /** The process that works is alive: who asked goes away. */
  | { readonly type: 'ServerAnswered'; readonly data: { readonly processId: string; readonly host: string } }
  | { readonly type: 'ServerEnded'; readonly data: { readonly processId: string; readonly host: string } };
