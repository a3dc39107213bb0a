import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { StoreAddress } from './kurrent-address.js';

const ASK_MS = 2_000;

/** Why no connection to the store can ever come about, as far as its TLS is at fault: asked when the store does not
 *  answer, because the library tells a wrong certificate from an absent server in its texts only.
 *   @returns words with what to do, or null where waiting may help: nobody is there, or one node at least is right */
export async function tlsTrouble({ hosts, usesTls, caFile }: StoreAddress): Promise<string | null> {
  const troubles = await Promise.all(hosts.map((node) => troubleOf(node, { usesTls, caFile })));
  const told = troubles.filter((trouble) => trouble !== null && trouble !== RIGHT);
  return troubles.includes(RIGHT) ? null : (told[0] ?? null);
}

/** What a node says that is as it should be. */
const RIGHT = '';

type Asked = Pick<StoreAddress, 'usesTls' | 'caFile'>;

/** @returns words, `RIGHT`, or null when nobody can tell. */
function troubleOf({ host, port }: { host: string; port: number }, { usesTls, caFile }: Asked): Promise<string | null> {
  const where = `${host}:${port}`;
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({
      host,
      port,
      ...(isIP(host) === 0 && { servername: host }),
      ...(caFile !== null && { ca: readFileSync(caFile) }),
      ALPNProtocols: ['h2'],
      // Looked at, and never spoken over.
      rejectUnauthorized: false,
    });
    const end = (answer: string | null): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ASK_MS, () => end(null));
    socket.once('secureConnect', () => {
      if (!usesTls) return end(`${where} speaks TLS, and HONNIN_EVENT_STORE says tls=false: leave that out`);
      if (socket.authorized) return end(RIGHT);
      const why = String(socket.authorizationError);
      end(`the certificate of ${where} is not trusted (${why}): name its authority by tlsCAFile in HONNIN_EVENT_STORE`);
    });
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
      const isNoTls = code === 'EPROTO' || code.startsWith('ERR_SSL_');
      end(
        isNoTls && usesTls ? `${where} does not speak TLS: put it right, or say tls=false in HONNIN_EVENT_STORE` : null,
      );
    });
  });
}
