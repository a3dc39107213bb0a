import { PhotoFault } from './photo-refusal.js';

/** One plane of samples: luminance or a colour difference. */
export interface PhotoComponent {
  readonly id: number;
  /** Sampling factors. */
  readonly across: number;
  readonly down: number;
  readonly quantiser: number;
  /** Blocks of 8 x 8 that the picture needs: what a scan of this component alone has. */
  readonly blocksAcross: number;
  readonly blocksDown: number;
  /** The same filled up to whole units of the interleaved scan. */
  readonly storedAcross: number;
  readonly storedDown: number;
}

/** What the frame header says (ITU-T T.81 B.2.2). */
export interface PhotoFrame {
  readonly progressive: boolean;
  readonly width: number;
  readonly height: number;
  readonly components: readonly PhotoComponent[];
  /** Units of an interleaved scan. */
  readonly unitsAcross: number;
  readonly unitsDown: number;
}

export interface PhotoLimits {
  /** Declared width and height. */
  readonly sideMax: number;
  readonly pixelsMax: number;
}

/** Blocks of one unit of an interleaved scan (T.81 B.2.3). */
const UNIT_BLOCKS_MAX = 10;

/** Reads the frame header whose segment begins at `at`: one grey or three YCbCr components of 8 bits, as JFIF numbers
 *  them.
 *  @throws {PhotoFault} */
export function photoFrame(
  bytes: Uint8Array,
  { at, end }: { readonly at: number; readonly end: number },
  limits: PhotoLimits,
): PhotoFrame {
  const progressive = bytes[at + 1] === 0xc2;
  const segment = progressive ? 'SOF2' : 'SOF0';
  const count = bytes[at + 9]!;
  if (end - at !== 10 + 3 * count) throw new PhotoFault(segment, at + 2, 'segment_malformed');
  if (bytes[at + 4] !== 8) throw new PhotoFault(segment, at + 4, 'precision_unsupported');
  const [height, width] = [(bytes[at + 5]! << 8) | bytes[at + 6]!, (bytes[at + 7]! << 8) | bytes[at + 8]!];
  // No height would be given behind the first scan (DNL), which hardly any reader looks for.
  if (height === 0) throw new PhotoFault(segment, at + 5, 'empty_picture');
  if (width === 0) throw new PhotoFault(segment, at + 7, 'empty_picture');
  if (width > limits.sideMax || height > limits.sideMax || width * height > limits.pixelsMax)
    throw new PhotoFault(segment, at + 5, 'too_many_pixels');
  if (count !== 1 && count !== 3) throw new PhotoFault(segment, at + 9, 'components_unsupported');
  const declared = Array.from({ length: count }, (_, i) =>
    declaredComponent(bytes, at + 10 + 3 * i, { segment, position: i }),
  );
  refuseSampling(declared, { segment, at });
  const [acrossMax, downMax] = [declared[0]!.across, declared[0]!.down];
  const [unitsAcross, unitsDown] = [Math.ceil(width / (8 * acrossMax)), Math.ceil(height / (8 * downMax))];
  const components = declared.map((component) => ({
    ...component,
    blocksAcross: Math.ceil(Math.ceil((width * component.across) / acrossMax) / 8),
    blocksDown: Math.ceil(Math.ceil((height * component.down) / downMax) / 8),
    storedAcross: unitsAcross * component.across,
    storedDown: unitsDown * component.down,
  }));
  return { progressive, width, height, components, unitsAcross, unitsDown };
}

type DeclaredComponent = Pick<PhotoComponent, 'id' | 'across' | 'down' | 'quantiser'>;

function declaredComponent(
  bytes: Uint8Array,
  at: number,
  { segment, position }: { readonly segment: string; readonly position: number },
): DeclaredComponent {
  const [id, sampling, quantiser] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!];
  // JFIF (T.871) numbers them 1, 2, 3. Readers take the letters R, G, B, and some take any other number, for
  // components of RGB.
  if (id !== position + 1) throw new PhotoFault(segment, at, 'component_ids');
  if (quantiser > 3) throw new PhotoFault(segment, at + 2, 'table_missing');
  return { id, across: sampling >> 4, down: sampling & 15, quantiser };
}

/** Luminance has 1, 2 or 4 samples for each sample of both colour differences, in each direction; grey has no
 *  factors.
 *  Readers differ in what they do with other factors. */
function refuseSampling(
  declared: readonly DeclaredComponent[],
  { segment, at }: { readonly segment: string; readonly at: number },
): void {
  const [luminance, blue = luminance, red = luminance] = declared as [
    DeclaredComponent,
    DeclaredComponent?,
    DeclaredComponent?,
  ];
  const broken = (position: number): PhotoFault =>
    new PhotoFault(segment, at + 11 + 3 * position, 'sampling_unsupported');
  for (const [position, { across, down }] of declared.entries())
    if (![1, 2, 4].includes(across) || ![1, 2, 4].includes(down)) throw broken(position);
  if (declared.length === 1 && luminance.across * luminance.down !== 1) throw broken(0);
  if (blue.across > luminance.across || blue.down > luminance.down) throw broken(1);
  if (red.across !== blue.across || red.down !== blue.down) throw broken(2);
  if (declared.reduce((sum, { across, down }) => sum + across * down, 0) > UNIT_BLOCKS_MAX) throw broken(0);
}
