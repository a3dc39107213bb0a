/** What the signed log said, told in the store that it is made of: a folder that was set back, or begun anew, does not
 * hold it. */
export type SignedLogEvent = {
  readonly type: 'CheckpointRecorded';
  readonly data: {
    /** Name of the log. */
    readonly origin: string;
    /** Entries of the log under the checkpoint. */
    readonly size: number;
    /** Root hash of its tree, base64. */
    readonly root: string;
  };
};
