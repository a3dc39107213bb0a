import { EventEmitter } from 'node:events';
import type { Server, Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Connections } from '../../src/api/edge/connections.js';

/** As much of a socket as counts here: whence it comes, and its end. */
class TestSocket extends EventEmitter {
  isClosed = false;
  constructor(readonly remoteAddress: string | undefined) {
    super();
  }
  destroy(): void {
    this.isClosed = true;
    this.emit('close');
  }
}

class Asked extends EventEmitter {
  complete = false;
  constructor(readonly socket: TestSocket) {
    super();
  }
}

function world({ connectionsMax = 10, perAddressMax = 3, proxies = [] as string[], kept = new Set<unknown>() } = {}) {
  const server = new EventEmitter();
  const connections = new Connections(
    { connectionsMax, perAddressMax },
    { isProxy: (peer) => proxies.includes(peer), isKept: (socket: Socket) => kept.has(socket) },
  );
  connections.attach(server as unknown as Server);
  const open = (address: string | undefined): TestSocket => {
    const socket = new TestSocket(address);
    server.emit('connection', socket);
    return socket;
  };
  const ask = (socket: TestSocket, complete: boolean): { request: Asked; answered: () => void } => {
    const request = new Asked(socket);
    request.complete = complete;
    const response = new EventEmitter();
    server.emit('request', request, response);
    return { request, answered: () => void response.emit('close') };
  };
  return { connections, open, ask };
}

const closed = (sockets: readonly TestSocket[]): boolean[] => sockets.map((socket) => socket.isClosed);

describe('open connections', () => {
  it('of one address are bounded; the oldest silent one gives way', () => {
    const { connections, open } = world();
    const sockets = ['a', 'b', 'c', 'd', 'e'].map(() => open('192.0.2.1'));
    expect(closed(sockets)).toEqual([true, true, false, false, false]);
    expect(connections.open).toBe(3);
  });

  it('are not closed while something is asked on them; a question that never ends goes before a newcomer that has not asked yet', () => {
    const { open, ask } = world();
    const [asking, sending, silent] = [open('192.0.2.1'), open('192.0.2.1'), open('192.0.2.1')];
    ask(asking, true);
    ask(sending, false);
    open('192.0.2.1');
    expect(closed([asking, sending, silent])).toEqual([false, true, false]);
  });

  it('begin anew when they were answered', () => {
    const { open, ask } = world();
    const [answered, older] = [open('192.0.2.1'), open('192.0.2.1'), open('192.0.2.1')];
    ask(answered, true).answered();
    open('192.0.2.1');
    expect(closed([answered, older])).toEqual([false, true]);
  });

  it('give way while their request is still coming in, unless it has a place', () => {
    const kept = new Set<unknown>();
    const { open, ask } = world({ kept });
    const sockets = [open('192.0.2.1'), open('192.0.2.1'), open('192.0.2.1')] as const;
    sockets.forEach((socket) => ask(socket, false));
    kept.add(sockets[0]);
    open('192.0.2.1');
    expect(closed(sockets)).toEqual([false, true, false]);
  });

  it('turn a newcomer away when all of its address are at work', () => {
    const { connections, open, ask } = world();
    const sockets = [open('192.0.2.1'), open('192.0.2.1'), open('192.0.2.1')] as const;
    const { request } = ask(sockets[0], false);
    request.emit('end');
    ask(sockets[1], true);
    const { answered } = ask(sockets[2], true);
    expect(open('192.0.2.1').isClosed).toBe(true);
    expect(closed(sockets)).toEqual([false, false, false]);
    answered();
    expect(open('192.0.2.1').isClosed).toBe(false);
    expect(closed(sockets)).toEqual([false, false, true]);
    expect(connections.open).toBe(3);
  });

  it('of all are bounded; the address with most gives way', () => {
    const { connections, open } = world({ connectionsMax: 5 });
    const modest = [open('192.0.2.1'), open('192.0.2.2')];
    const greedy = [open('192.0.2.3'), open('192.0.2.3'), open('192.0.2.3')];
    const newcomer = open('192.0.2.4');
    expect(closed([...modest, ...greedy, newcomer])).toEqual([false, false, true, false, false, false]);
    expect(connections.open).toBe(5);
  });

  it('of a trusted proxy are bounded only together with all', () => {
    const { open } = world({ proxies: ['10.0.0.1'] });
    const sockets = Array.from({ length: 10 }, () => open('10.0.0.1'));
    expect(closed(sockets).some(Boolean)).toBe(false);
  });

  it('are counted by /64, and are forgotten when they end', () => {
    const { connections, open } = world();
    const sockets = [1, 2, 3, 4].map((n) => open(`2001:db8:1:2::${n}`));
    expect(closed(sockets)).toEqual([true, false, false, false]);
    sockets.forEach((socket) => socket.destroy());
    open(undefined).destroy();
    expect(connections.open).toBe(0);
  });
});
