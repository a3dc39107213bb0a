/** One part as it is written to the wire; every piece can be wrong on purpose. */
export interface WrittenPart {
  readonly name: string;
  readonly contentType?: string;
  readonly fileName?: string;
  readonly headers?: readonly string[];
  readonly bytes: Uint8Array;
}

export const BOUNDARY = '----booth-boundary';

/** Writes a multipart body by hand, so that tests decide about every byte. */
export function multipartBody(
  parts: readonly WrittenPart[],
  {
    boundary = BOUNDARY,
    closed = true,
    preamble = '',
  }: { boundary?: string; closed?: boolean; preamble?: string } = {},
): Buffer {
  const chunks: Buffer[] = [Buffer.from(preamble)];
  for (const { name, contentType, fileName, headers = [], bytes } of parts) {
    const disposition = `Content-Disposition: form-data; name="${name}"${fileName === undefined ? '' : `; filename="${fileName}"`}`;
    const lines = [
      `--${boundary}`,
      disposition,
      ...(contentType === undefined ? [] : [`Content-Type: ${contentType}`]),
      ...headers,
      '',
      '',
    ];
    chunks.push(Buffer.from(lines.join('\r\n')), Buffer.from(bytes), Buffer.from('\r\n'));
  }
  if (closed) chunks.push(Buffer.from(`--${boundary}--\r\n`));
  return Buffer.concat(chunks);
}
