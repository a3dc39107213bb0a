/** Names of the consumers of our events that must confirm erasures; a setting. */
export abstract class ErasureConsumers {
  abstract readonly names: readonly string[];
}
