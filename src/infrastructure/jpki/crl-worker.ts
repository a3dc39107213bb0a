import { parentPort, workerData } from 'node:worker_threads';
import { CrlStreamReader } from '../x509/revocation/crl-stream.js';
import { DerError } from '../x509/asn1/der.js';
import type { FromCrlWorker, ToCrlWorker } from './crl-indexing.js';

/** Reads one CRL off the event loop of the server and hands it over without copying. Runs as a worker thread, once per
 * CRL. */
const port = parentPort!;
const reader = new CrlStreamReader((workerData as { bytesMax: number }).bytesMax);

port.on('message', (message: ToCrlWorker) => {
  try {
    if (message.kind === 'chunk') return reader.write(message.bytes);
    const indexed = reader.finish();
    const { buffer, byteOffset, byteLength } = indexed.bytes;
    answer({ kind: 'indexed', indexed: { ...indexed, bytes: new Uint8Array(buffer, byteOffset, byteLength) } }, [
      buffer,
      indexed.table.buffer,
    ]);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    answer({ kind: 'malformed', detail: error.message }, []);
  }
});

function answer(message: FromCrlWorker, transfer: ArrayBuffer[]): void {
  port.postMessage(message, transfer);
  port.close();
}
