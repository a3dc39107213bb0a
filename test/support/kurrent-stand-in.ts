import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import type * as grpcTypes from '@grpc/grpc-js';

const require = createRequire(import.meta.url);
const grpc = require('@grpc/grpc-js') as typeof grpcTypes;
/* The client package ships the server's side of its protocol without types for it. */
/* eslint-disable @typescript-eslint/no-explicit-any */
const stub = (name: string): any => require(`@eventstore/db-client/generated/${name}.js`);
const [streams, streamServices, shared, features, featureServices, gossip, gossipServices] = [
  'streams_pb',
  'streams_grpc_pb',
  'shared_pb',
  'serverfeatures_pb',
  'serverfeatures_grpc_pb',
  'gossip_pb',
  'gossip_grpc_pb',
].map(stub);

interface Recorded {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** TLS, and the users with their passwords; `admin` is an administrator. Without it there are neither. */
export interface Protection {
  readonly key: Buffer;
  readonly cert: Buffer;
  readonly users: Readonly<Record<string, string>>;
}

type Proposed = Pick<Recorded, 'id' | 'type' | 'contentType' | 'data' | 'metadata'>;
type Expected = 'no_stream' | 'any' | 'stream_exists' | number;
type Written =
  | { readonly ok: true; readonly revision: number; readonly position: bigint | null }
  | { readonly ok: false; readonly current: number | null };

/** What goes wrong with the next calls. Each entry is used up by one call. */
export type AppendFault =
  /** Nothing is written and the connection breaks. */
  | 'lost_before'
  /** Everything is written and the connection breaks before the answer. */
  | 'lost_after'
  /** Nothing is written and no answer ever comes. */
  | 'silent_before'
  /** Everything is written and no answer ever comes. */
  | 'silent_after';
export type ReadFault =
  /** Some events come, then the connection breaks. */
  | 'half'
  /** No answer ever comes. */
  | 'silent'
  | 'lost';

/** Stands in for EventStoreDB in tests: the log that the nodes of one cluster share. It behaves as the server's
 * documentation says, at its weakest: ids are looked at only where the expectation is behind, an append that is
 * recognised again has no position in its answer, system events lie between the others, and positions grow by the size
 * of what is written. It keeps everything in memory. */
export class KurrentClusterStandIn {
  readonly log: Recorded[] = [];
  readonly nodes: KurrentNodeStandIn[] = [];
  private readonly byStream = new Map<string, Recorded[]>();
  private readonly listeners = new Set<() => void>();
  /** By stream: events before this revision are not given to anybody (`truncate-before`, or `max-count` and `max-age`
   * in effect). */
  readonly truncatedBefore = new Map<string, number>();
  private leader = 0;
  /** While they elect, no node leads, none follows, and calls that want a leader wait a while and are told so, each at
   * its own time. */
  isElecting = false;
  /** While it stands still it takes every call and answers none, like a process that was stopped. */
  isFrozen = false;
  /** Whether it knows the user of the calls. */
  refusesUser = false;

  private constructor(readonly protection: Protection | null) {}

  /** A cluster of one node or several; the first one leads. */
  static async start(nodes = 1, protection: Protection | null = null): Promise<KurrentClusterStandIn> {
    const cluster = new KurrentClusterStandIn(protection);
    cluster.write(
      '$settings',
      [
        {
          id: randomUUID(),
          type: '$settings',
          contentType: 'application/json',
          data: Buffer.from('{}'),
          metadata: Buffer.from(''),
        },
      ],
      'any',
    );
    for (let n = 0; n < nodes; n += 1) {
      const node = new KurrentNodeStandIn(cluster);
      await node.start();
      cluster.nodes.push(node);
    }
    return cluster;
  }

  /** Address for the client: of the first node, or of all with discovery. */
  address(scheme = 'esdb'): string {
    const hosts = this.nodes.map((node) => `127.0.0.1:${node.port}`).join(',');
    return `${scheme}://${hosts}?tls=false&gossipTimeout=1&discoveryInterval=20&keepAliveInterval=10000`;
  }

  /** Whether a user may read (`$r`) or write (`$w`) a stream, by the newest `$settings`; without any, as on a new
   * server.
   * @param authorization what the call says of its user */
  refusalOf(authorization: string | undefined, stream: string, right: '$r' | '$w'): 'unknown_user' | 'denied' | null {
    if (this.protection === null) return null;
    const [name = '', password] = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64')
      .toString()
      .split(':');
    if (this.protection.users[name] !== password || password === undefined) return 'unknown_user';
    if (name === 'admin') return null;
    const isSystem = stream.startsWith('$');
    const settings = JSON.parse(Buffer.from(this.stream('$settings').at(-1)?.data ?? []).toString()) as Record<
      string,
      Record<string, string | string[]>
    >;
    const given =
      settings[isSystem ? '$systemStreamAcl' : '$userStreamAcl']?.[right] ?? (isSystem ? '$admins' : '$all');
    return [given].flat().some((one) => one === name || one === '$all') ? null : 'denied';
  }

  get leadingNode(): KurrentNodeStandIn {
    return this.nodes[this.leader] as KurrentNodeStandIn;
  }

  /** The others now follow; they refuse calls that want a leader and name it. */
  lead(node: number): void {
    this.leader = node;
  }

  isLeader(node: KurrentNodeStandIn): boolean {
    return this.leadingNode === node;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  stream(name: string): readonly Recorded[] {
    return this.byStream.get(name) ?? [];
  }

  /** Writes as the server does. */
  write(stream: string, events: readonly Proposed[], expected: Expected): Written {
    const before = this.byStream.get(stream) ?? [];
    const current = before.length - 1;
    const matches =
      expected === 'any' ||
      (expected === 'no_stream' ? current === -1 : expected === 'stream_exists' ? current >= 0 : expected === current);
    if (!matches) {
      const from = expected === 'no_stream' ? 0 : typeof expected === 'number' ? expected + 1 : 0;
      const again =
        from + events.length <= before.length && events.every((event, index) => before[from + index]?.id === event.id);
      return again
        ? { ok: true, revision: from + events.length - 1, position: null }
        : { ok: false, current: current < 0 ? null : current };
    }
    for (const [index, event] of events.entries())
      this.record({ ...event, stream, revision: current + 1 + index, position: this.nextPosition(event) });
    for (const listener of this.listeners) listener();
    return { ok: true, revision: current + events.length, position: (this.log.at(-1) as Recorded).position };
  }

  onWritten(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private nextPosition(event: Proposed): bigint {
    return (this.log.at(-1)?.position ?? 1000n) + BigInt(100 + event.data.length + event.metadata.length);
  }

  private record(event: Recorded): void {
    this.log.push(event);
    const stream = this.byStream.get(event.stream);
    if (stream) stream.push(event);
    else this.byStream.set(event.stream, [event]);
  }
}

/** One server process of the cluster: listens on a port of its own, can be killed and started again, and has faults on
 * demand. */
export class KurrentNodeStandIn {
  port = 0;
  appendFaults: AppendFault[] = [];
  readFaults: ReadFault[] = [];
  /** How often each call came in. */
  readonly calls = { append: 0, batchAppend: 0, read: 0, subscribe: 0, gossip: 0 };
  private server: grpcTypes.Server | null = null;
  private readonly subscriptions = new Set<any>();

  constructor(private readonly cluster: KurrentClusterStandIn) {}

  /** Listens; after `kill` on the same port as before. */
  async start(): Promise<void> {
    const server = new grpc.Server({ 'grpc.max_receive_message_length': 17 * 1024 * 1024 });
    // Frozen, nothing is even looked at.
    const whileAwake =
      (answer: (...given: any[]) => void) =>
      (...given: any[]) =>
        this.cluster.isFrozen || answer(...given);
    server.addService(streamServices.StreamsService, {
      read: whileAwake((call) => this.read(call)),
      append: whileAwake((call, answer) => this.append(call, answer)),
      batchAppend: whileAwake((call) => this.batchAppend(call)),
      delete: unimplemented,
      tombstone: unimplemented,
    });
    server.addService(featureServices.ServerFeaturesService, {
      getSupportedMethods: whileAwake((_call, answer) => answer(null, supportedMethods())),
    });
    server.addService(gossipServices.GossipService, {
      read: whileAwake((_call, answer) => answer(null, this.members())),
    });
    this.port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${this.port}`, credentialsOf(this.cluster.protection), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
    this.server = server;
  }

  /** Ends as a killed process does: every connection breaks. */
  async kill(): Promise<void> {
    this.server?.forceShutdown();
    this.server = null;
    this.subscriptions.clear();
  }

  /** Ends the subscriptions as a server that sheds load does, and keeps everything else going. */
  dropSubscriptions(): void {
    for (const call of this.subscriptions)
      call.emit('error', { code: grpc.status.ABORTED, details: 'dropped', metadata: new grpc.Metadata() });
    this.subscriptions.clear();
  }

  get subscribers(): number {
    return this.subscriptions.size;
  }

  private append(call: any, answer: any): void {
    this.calls.append += 1;
    const requests: any[] = [];
    call.on('data', (request: any) => requests.push(request));
    call.on('end', () => {
      if (this.cluster.isFrozen) return;
      if (this.cluster.isElecting) return void setTimeout(() => answer(lost()), 20 + Math.random() * 400);
      const refused = this.refusal(call, appendOptions(requests[0].getOptions()).stream, '$w');
      if (refused) return answer(refused);
      const fault = this.appendFaults.shift();
      if (fault === 'silent_before') return;
      if (fault === 'lost_before') return answer(lost());
      const [{ stream, expected }, ...events] = [
        appendOptions(requests[0].getOptions()),
        ...requests.slice(1).map((request) => proposed(request.getProposedMessage())),
      ] as [{ stream: string; expected: Expected }, ...Proposed[]];
      const written = this.cluster.write(stream, events, expected);
      if (fault === 'silent_after') return;
      if (fault === 'lost_after') return answer(lost());
      answer(null, appendAnswer(written, expected));
    });
  }

  /** Only counted and carried out: nothing here should ever use it. */
  private batchAppend(call: any): void {
    call.on('data', () => {
      this.calls.batchAppend += 1;
    });
    call.on('end', () => call.end());
  }

  private read(call: any): void {
    const options = call.request.getOptions();
    if (options.hasSubscription()) return this.subscribe(call);
    this.calls.read += 1;
    if (this.cluster.isElecting) return void setTimeout(() => call.emit('error', lost()), 20 + Math.random() * 400);
    const refused = this.refusal(call, options.hasAll() ? '$all' : nameOf(options.getStream()), '$r');
    if (refused) return call.emit('error', refused);
    const fault = this.readFaults.shift();
    if (fault === 'silent') return;
    if (fault === 'lost') return call.emit('error', lost());
    const backwards = options.getReadDirection() === 1;
    const count = Number(options.getCount());
    const wanted = options.hasAll()
      ? allFrom(this.cluster.log, options.getAll(), backwards)
      : streamFrom(this.cluster, options.getStream(), backwards);
    if (wanted === null) {
      call.write(notFound(options.getStream().getStreamIdentifier()));
      return call.end();
    }
    const events = wanted.slice(0, count);
    const given = fault === 'half' ? events.slice(0, Math.floor(events.length / 2)) : events;
    for (const event of given) call.write(eventAnswer(event));
    if (fault === 'half') return call.emit('error', lost());
    call.end();
  }

  private subscribe(call: any): void {
    this.calls.subscribe += 1;
    let next = this.cluster.log.length;
    const push = (): void => {
      for (; next < this.cluster.log.length; next += 1) call.write(eventAnswer(this.cluster.log[next] as Recorded));
    };
    const stop = this.cluster.onWritten(push);
    const end = (): void => {
      stop();
      this.subscriptions.delete(call);
    };
    call.on('cancelled', end);
    call.on('error', end);
    this.subscriptions.add(call);
    const confirmation = new streams.ReadResp.SubscriptionConfirmation();
    confirmation.setSubscriptionId(randomUUID());
    const answer = new streams.ReadResp();
    answer.setConfirmation(confirmation);
    call.write(answer);
  }

  private refusal(call: any, stream: string, right: '$r' | '$w'): object | null {
    const refused = this.cluster.refusalOf(call.metadata.get('authorization')[0], stream, right);
    if (refused === 'denied') {
      const metadata = new grpc.Metadata();
      metadata.set('exception', 'access-denied');
      return { code: grpc.status.PERMISSION_DENIED, details: 'access denied', metadata };
    }
    if (refused === 'unknown_user' || this.cluster.refusesUser)
      return { code: grpc.status.UNAUTHENTICATED, details: 'who is that?', metadata: new grpc.Metadata() };
    return this.notLeader(call);
  }

  private notLeader(call: any): object | null {
    const wantsLeader = call.metadata.get('requires-leader')[0] === 'true';
    if (!wantsLeader || this.cluster.isLeader(this)) return null;
    const metadata = new grpc.Metadata();
    metadata.set('exception', 'not-leader');
    metadata.set('leader-endpoint-host', '127.0.0.1');
    metadata.set('leader-endpoint-port', String(this.cluster.leadingNode.port));
    return { code: grpc.status.NOT_FOUND, details: 'not leader', metadata };
  }

  private members(): object {
    this.calls.gossip += 1;
    const info = new gossip.ClusterInfo();
    info.setMembersList(
      this.cluster.nodes.map((node) => {
        const endPoint = new gossip.EndPoint();
        endPoint.setAddress('127.0.0.1');
        endPoint.setPort(node.port);
        const member = new gossip.MemberInfo();
        const id = new shared.UUID();
        id.setString(randomUUID());
        member.setInstanceId(id);
        member.setTimeStamp(1);
        // 8 is a leader, 6 a follower, 2 nobody knows.
        member.setState(this.cluster.isElecting ? 2 : this.cluster.isLeader(node) ? 8 : 6);
        member.setIsAlive(node.server !== null);
        member.setHttpEndPoint(endPoint);
        return member;
      }),
    );
    return info;
  }
}

function credentialsOf(protection: Protection | null): grpcTypes.ServerCredentials {
  if (protection === null) return grpc.ServerCredentials.createInsecure();
  const { key, cert } = protection;
  return grpc.ServerCredentials.createSsl(null, [{ private_key: key, cert_chain: cert }]);
}

function nameOf(options: any): string {
  return Buffer.from(options.getStreamIdentifier().getStreamName_asU8()).toString('utf8');
}

function unimplemented(_call: any, answer: any): void {
  answer({ code: grpc.status.UNIMPLEMENTED, details: 'not here' });
}

function lost(): object {
  return { code: grpc.status.UNAVAILABLE, details: 'the connection broke', metadata: new grpc.Metadata() };
}

function supportedMethods(): object {
  const methods = ['append', 'batchappend', 'read'].map((name) => {
    const method = new features.SupportedMethod();
    method.setMethodName(name);
    method.setServiceName('event_store.client.streams.streams');
    return method;
  });
  const answer = new features.SupportedMethods();
  answer.setEventStoreServerVersion('23.10.0');
  answer.setMethodsList(methods);
  return answer;
}

function appendOptions(options: any): { stream: string; expected: Expected } {
  const stream = Buffer.from(options.getStreamIdentifier().getStreamName_asU8()).toString('utf8');
  const expected = options.hasRevision()
    ? Number(options.getRevision())
    : options.hasNoStream()
      ? 'no_stream'
      : options.hasStreamExists()
        ? 'stream_exists'
        : 'any';
  return { stream, expected };
}

function proposed(message: any): Proposed {
  const metadata = message.getMetadataMap();
  return {
    id: uuidText(message.getId()),
    type: metadata.get('type'),
    contentType: metadata.get('content-type'),
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

function uuidText(id: any): string {
  if (id.hasString()) return id.getString();
  const hex = (text: string): string => BigInt.asUintN(64, BigInt(text)).toString(16).padStart(16, '0');
  const all = hex(id.getStructured().getMostSignificantBits()) + hex(id.getStructured().getLeastSignificantBits());
  return `${all.slice(0, 8)}-${all.slice(8, 12)}-${all.slice(12, 16)}-${all.slice(16, 20)}-${all.slice(20)}`;
}

function appendAnswer(written: Written, expected: Expected): object {
  const answer = new streams.AppendResp();
  if (written.ok) {
    const success = new streams.AppendResp.Success();
    success.setCurrentRevision(String(written.revision));
    if (written.position === null) success.setNoPosition(new shared.Empty());
    else {
      const position = new streams.AppendResp.Position();
      position.setCommitPosition(String(written.position));
      position.setPreparePosition(String(written.position));
      success.setPosition(position);
    }
    answer.setSuccess(success);
    return answer;
  }
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  if (written.current === null) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(String(written.current));
  if (typeof expected === 'number') wrong.setExpectedRevision(String(expected));
  else wrong.setExpectedNoStream(new shared.Empty());
  answer.setWrongExpectedVersion(wrong);
  return answer;
}

function allFrom(log: readonly Recorded[], options: any, backwards: boolean): Recorded[] {
  if (backwards) {
    const reversed = [...log].reverse();
    return options.hasEnd()
      ? reversed
      : reversed.filter((event) => event.position < BigInt(options.getPosition().getCommitPosition()));
  }
  if (options.hasStart()) return [...log];
  const from = BigInt(options.getPosition().getCommitPosition());
  return log.filter((event) => event.position >= from);
}

function streamFrom(cluster: KurrentClusterStandIn, options: any, backwards: boolean): Recorded[] | null {
  const name = nameOf(options);
  const events = cluster.stream(name);
  const gone = cluster.truncatedBefore.get(name) ?? 0;
  if (events.length === 0 || gone >= events.length) return null;
  const revision = options.hasRevision() ? Number(options.getRevision()) : options.hasEnd() ? events.length - 1 : 0;
  return backwards ? events.slice(gone, revision + 1).reverse() : events.slice(Math.max(gone, revision));
}

function notFound(identifier: any): object {
  const missing = new streams.ReadResp.StreamNotFound();
  missing.setStreamIdentifier(identifier);
  const answer = new streams.ReadResp();
  answer.setStreamNotFound(missing);
  return answer;
}

function eventAnswer(event: Recorded): object {
  const id = new shared.UUID();
  id.setString(event.id);
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(event.stream, 'utf8').toString('base64'));
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent();
  recorded.setId(id);
  recorded.setStreamIdentifier(identifier);
  recorded.setStreamRevision(String(event.revision));
  recorded.setCommitPosition(String(event.position));
  recorded.setPreparePosition(String(event.position));
  recorded.getMetadataMap().set('type', event.type);
  recorded.getMetadataMap().set('content-type', event.contentType);
  recorded.getMetadataMap().set('created', '17637696000000000');
  recorded.setData(event.data);
  recorded.setCustomMetadata(event.metadata);
  const read = new streams.ReadResp.ReadEvent();
  read.setEvent(recorded);
  read.setCommitPosition(String(event.position));
  const answer = new streams.ReadResp();
  answer.setEvent(read);
  return answer;
}
