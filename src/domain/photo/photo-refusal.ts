/** The rule of a plain photograph that a file breaks. Closed; each has one remedy. */
export type PhotoRefusalReason = keyof typeof REMEDIES;

/** What to do about a refused file. */
export type PhotoRemedy = 'write_anew' | 'send_whole' | 'send_smaller';

const REMEDIES = {
  not_a_jpeg: 'write_anew',
  jfif_malformed: 'write_anew',
  jfif_version: 'write_anew',
  pixels_not_square: 'write_anew',
  thumbnail: 'write_anew',
  metadata: 'write_anew',
  comment: 'write_anew',
  process_unsupported: 'write_anew',
  segment_unexpected: 'write_anew',
  segment_malformed: 'write_anew',
  segment_repeated: 'write_anew',
  stray_bytes: 'write_anew',
  fill_bytes: 'write_anew',
  precision_unsupported: 'write_anew',
  components_unsupported: 'write_anew',
  component_ids: 'write_anew',
  sampling_unsupported: 'write_anew',
  table_malformed: 'write_anew',
  table_precision: 'write_anew',
  table_missing: 'write_anew',
  table_unused: 'write_anew',
  scan_malformed: 'write_anew',
  scan_order: 'write_anew',
  scans_too_many: 'write_anew',
  too_many_pixels: 'send_smaller',
  empty_picture: 'send_whole',
  cut_off: 'send_whole',
  code_unknown: 'send_whole',
  rows_missing: 'send_whole',
  data_left_over: 'write_anew',
  padding_bits: 'write_anew',
  restart_out_of_order: 'send_whole',
  coefficient_out_of_range: 'send_whole',
  sample_out_of_range: 'send_whole',
  scans_missing: 'send_whole',
  bytes_after_end: 'write_anew',
} as const satisfies Readonly<Record<string, PhotoRemedy>>;

/** Reasons that say that something of the picture is missing or spoilt; every other one says that the file is more,
 *  or other, than a plain JPEG. */
const DAMAGES: ReadonlySet<PhotoRefusalReason> = new Set([
  'empty_picture',
  'cut_off',
  'code_unknown',
  'rows_missing',
  'restart_out_of_order',
  'coefficient_out_of_range',
  'sample_out_of_range',
  'scans_missing',
]);

/** Why a file is not one picture for every reader, and where. Nothing of it quotes the file. */
export interface PhotoRefused {
  readonly outcome: 'refused';
  readonly kind: 'not_plain' | 'damaged' | 'too_large';
  /** The segment that breaks the rule, by its name in ITU-T T.81 and what is commonly kept in it; `scan 2` for the
   *  data of the second scan. */
  readonly segment: string;
  /** Offset of the byte that breaks the rule, from 0; the length of the file where the rest is missing. */
  readonly byte: number;
  readonly reason: PhotoRefusalReason;
  readonly remedy: PhotoRemedy;
}

/** How the walk through a file ends early. It never leaves `readPhoto`. */
export class PhotoFault extends Error {
  constructor(
    readonly segment: string,
    readonly byte: number,
    readonly reason: PhotoRefusalReason,
  ) {
    super(reason);
  }
}

/** The refusal that a fault stands for. */
export function refusedPhoto({ segment, byte, reason }: PhotoFault): PhotoRefused {
  const remedy = REMEDIES[reason];
  const kind = remedy === 'send_smaller' ? 'too_large' : DAMAGES.has(reason) ? 'damaged' : 'not_plain';
  return { outcome: 'refused', kind, segment, byte, reason, remedy };
}
