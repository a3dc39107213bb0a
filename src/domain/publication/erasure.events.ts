/** Who was told of an erasure and who has confirmed it. Streams `erasure-<erasureId>`; the id is the one of
 * `RegistrantErased`. */
export type ErasureEvent =
  /** Every consumer that must confirm was told, registration by registration. */
  | {
      readonly type: 'ErasureAnnounced';
      readonly data: {
        readonly erasureId: string;
        readonly registrationIds: readonly string[];
        readonly consumers: readonly string[];
      };
    }
  /** A consumer says that it has dropped what it derived from a registration. */
  | {
      readonly type: 'ErasureConfirmed';
      readonly data: {
        readonly erasureId: string;
        readonly registrationId: string;
        readonly consumer: string;
        readonly confirmedAtUtc: string;
      };
    };
