/** A token that was checked before it is handed over. */
export interface Timestamp {
  /** The whole RFC 3161 answer (TimeStampResp, DER), as it is stored and as `openssl ts -verify` reads it. */
  readonly response: Uint8Array;
  /** What the authority's clock said, milliseconds since 1970. */
  readonly atMs: number;
  /** CRLs (DER) that said at that moment that the authority's certificates were not revoked; kept, because they are not
   * to be had any more when the certificates have run out. */
  readonly crls: readonly Uint8Array[];
}

/** The authority answered with something that does not count: refused, or not what was asked for. */
export class TimestampRefusedError extends Error {
  /** @param reason which rule was broken, for metrics: one word out of a closed list */
  constructor(
    readonly reason: string,
    detail: string,
  ) {
    super(detail);
  }
}

/** A third party that states when it saw something. What it says cannot be dated back by whoever runs this system. */
export abstract class TimestampAuthority {
  /** false: no authority is configured, and nothing is to be asked. */
  abstract readonly configured: boolean;
  /** Has these bytes stamped. The token is verified by every rule before it is returned.
   *  @throws {TimestampRefusedError} when the authority answers with something that does not count
   *  @throws {Error} in words for an operator when it does not answer */
  abstract stamp(message: Uint8Array): Promise<Timestamp>;
}
