/** The workers cannot take the picture now; later they can. */
export class RendererBusyError extends Error {}

/** Makes a picture that any browser shows. Runs off the event loop. */
export abstract class ImageRenderer {
  /** @returns PNG bytes, at most 1,280 px on a side; null where the bytes are no picture within the limits
   *  @throws {RendererBusyError} while no worker can do it */
  abstract renderPng(image: Uint8Array): Promise<Uint8Array | null>;
}
