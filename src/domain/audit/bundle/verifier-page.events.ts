/** Which offline verifier this installation gives out. Who keeps one finds its digest in the log, where it stood before
 * the first copy went out. */
export type VerifierPageEvent = {
  readonly type: 'VerifierPageGivenOut';
  readonly data: {
    /** Version of the release that made it. */
    readonly version: string;
    /** SHA-256 of the file, hex. */
    readonly fileSha256: string;
    /** SHA-256 of the part of it that computes, hex, as the page shows it by itself. */
    readonly engineSha256: string;
    /** SHA-256 of the list of its sources, hex, as `./honnin audit page --sources` prints that list. */
    readonly sourceSha256: string;
  };
};
