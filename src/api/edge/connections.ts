import type { Server, Socket } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { addressKey, UNKNOWN_ADDRESS } from './client-address.js';

export interface ConnectionLimits {
  readonly connectionsMax: number;
  readonly perAddressMax: number;
}

/** An open connection and how far the request on it has come. */
interface Connection {
  readonly socket: Socket;
  readonly address: string;
  /** `silent`: nothing whole was asked yet, or the last answer is given. */
  state: 'silent' | 'arriving' | 'asked';
}

/** Bounds open connections, of one address and of all. A newcomer is not turned away while the address that has most
 * holds connections on which nothing is asked: the oldest of those gives way, so silence keeps nobody out. An honest
 * client asks at once. */
export class Connections {
  private readonly byAddress = new Map<string, Set<Connection>>();
  private readonly bySocket = new WeakMap<Socket, Connection>();
  private count = 0;

  /** @param isProxy connections of whom are counted only together: they carry the requests of many
   *  @param isKept connections that never give way */
  constructor(
    private readonly limits: ConnectionLimits,
    private readonly rules: {
      readonly isProxy: (peer: string) => boolean;
      readonly isKept: (socket: Socket) => boolean;
    },
  ) {}

  attach(server: Server): void {
    server.on('connection', (socket: Socket) => this.add(socket));
    server.on(
      'request',
      (request: IncomingMessage, response: { once(event: 'close', listener: () => void): unknown }) =>
        this.asked(request, response),
    );
  }

  get open(): number {
    return this.count;
  }

  /** Takes a connection in, or closes it, or closes another one for it. */
  add(socket: Socket): void {
    const { remoteAddress } = socket;
    const isProxy = remoteAddress !== undefined && this.rules.isProxy(remoteAddress);
    const address = remoteAddress === undefined ? UNKNOWN_ADDRESS : addressKey(remoteAddress);
    const own = this.byAddress.get(address) ?? new Set();
    const isFull = !isProxy && own.size >= this.limits.perAddressMax;
    if (isFull && !this.closeOldest(own)) return void socket.destroy();
    if (this.count >= this.limits.connectionsMax && !this.closeOldest(this.largest())) return void socket.destroy();
    const connection: Connection = { socket, address, state: 'silent' };
    this.bySocket.set(socket, connection);
    this.byAddress.set(address, own.add(connection));
    this.count += 1;
    socket.once('close', () => this.forget(connection));
  }

  private asked(request: IncomingMessage, response: { once(event: 'close', listener: () => void): unknown }): void {
    // Behind TLS the request's socket is not the one that connected, but leads to it.
    const connection =
      this.bySocket.get(request.socket) ??
      this.bySocket.get((request.socket as Socket & { _parent?: Socket })._parent as Socket);
    if (!connection) return;
    connection.state = request.complete ? 'asked' : 'arriving';
    request.once('end', () => {
      if (connection.state === 'arriving') connection.state = 'asked';
    });
    response.once('close', () => {
      connection.state = 'silent';
      // The set is in the order of age, and an answered connection begins anew.
      const own = this.byAddress.get(connection.address);
      if (own?.delete(connection)) own.add(connection);
    });
  }

  /** @returns whether one was closed: the one on which for longest nothing whole was asked. A newcomer is silent too
   *   until its question has come, so silence alone does not go before a question that never ends. */
  private closeOldest(among: ReadonlySet<Connection>): boolean {
    const victim = [...among].find(({ state, socket }) => state !== 'asked' && !this.rules.isKept(socket));
    if (!victim) return false;
    this.forget(victim);
    victim.socket.destroy();
    return true;
  }

  private largest(): ReadonlySet<Connection> {
    let most: ReadonlySet<Connection> = new Set();
    for (const own of this.byAddress.values()) if (own.size > most.size) most = own;
    return most;
  }

  private forget(connection: Connection): void {
    const own = this.byAddress.get(connection.address);
    if (!own?.delete(connection)) return;
    this.count -= 1;
    if (own.size === 0) this.byAddress.delete(connection.address);
  }
}
