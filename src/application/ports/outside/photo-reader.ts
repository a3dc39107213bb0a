import type { PhotoReading } from '../../../domain/photo/photo-reader.js';

/** The reader's thread cannot take the file now; later it can. */
export class PhotoReaderBusyError extends Error {}

/** Reads a photograph's file from its first byte to its last (`readPhoto`), off the event loop: a large file takes a
 *  while. */
export abstract class PhotoReader {
  /** @throws {PhotoReaderBusyError} while nobody can read it */
  abstract read(photo: Uint8Array): Promise<PhotoReading>;
}
