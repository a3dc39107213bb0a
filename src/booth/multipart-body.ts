/** One part of a `multipart/form-data` body. */
export interface Part {
  readonly name: string;
  readonly contentType: string;
  /** Given for parts that are files. */
  readonly fileName?: string;
  readonly content: Uint8Array;
}

export interface MultipartBody {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** Writes the body once, as bytes: every repetition of a request sends these very bytes. Source: RFC 7578.
 *  @param boundary 1–70 letters and digits. @throws {RangeError} when a part contains the boundary. */
export function writeMultipart(parts: readonly Part[], boundary: string): MultipartBody {
  if (!/^[A-Za-z0-9]{1,70}$/.test(boundary)) throw new RangeError('the boundary is 1 to 70 letters and digits');
  const pieces: Uint8Array[] = [];
  for (const part of parts) {
    if (Buffer.from(part.content).includes(`--${boundary}`)) throw new RangeError('the boundary occurs inside a part');
    const file = part.fileName === undefined ? '' : `; filename="${part.fileName}"`;
    pieces.push(
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${part.name}"${file}\r\nContent-Type: ${part.contentType}\r\n\r\n`,
      ),
      part.content,
      Buffer.from('\r\n'),
    );
  }
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    bytes: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
  };
}
