/** What an encoded picture says about itself, read before anything is decoded. */
export interface ImageHeader {
  readonly kind: 'jpeg' | 'png' | 'jp2';
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly bitsPerSample: number;
  /** JPEG 2000 only: tiles of the codestream. A small file may declare millions. */
  readonly tiles: number;
}

/** Why an encoded picture is refused before it is decoded. */
export class UnreadableImage extends Error {}
/** The picture is larger than the limits, in bytes or in declared dimensions. */
export class ImageTooLarge extends Error {}
