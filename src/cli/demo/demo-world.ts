import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { BoothClient, type Capture } from '../../booth/booth-client.js';
import { generateBoothKey } from '../../booth/booth-key.js';
import { DurableCaptureCounter } from '../../booth/capture-counter.js';
import { admitConsole, sandboxSettings, startSandbox, type Sandbox } from '../../sandbox/sandbox.js';
import type { SyntheticCard } from '../../sandbox/card/synthetic-card.js';
import { startServer, type RunningServer } from '../../server.js';
import { makeDemoFolder, removeDemoFolder } from './demo-folder.js';

/** One event of a case as the history answers it. */
export interface HistoryEvent {
  readonly recordedAtUtc: string;
  readonly stream: string;
  readonly type: string;
  readonly actor: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Every end that a case can have. */
export const CASE_ENDS = [
  'CertificateRejected',
  'FaceMismatched',
  'FaceNotComparable',
  'HoldRejected',
  'RecaptureRequested',
  'HoldExpired',
  'GovernmentAccepted',
  'GovernmentRefused',
  'KeptInRegistry',
  'RegistrationWithdrawn',
];

/** What shows health and measurements, unless the environment names another token. */
const OPERATOR_TOKEN = 'operator';
const BOOTH_ID = 'booth-shinjuku-01';

/** A server, the stand-ins around it and one booth, all on free ports, with data in a temporary folder. Everything
 * talks HTTP. */
export class DemoWorld {
  /** Told of every history that is read, so that a case can be shown while it happens. */
  onHistory: (events: readonly HistoryEvent[]) => void = () => {};

  private constructor(
    readonly folder: string,
    readonly sandbox: Sandbox,
    readonly server: RunningServer,
    readonly booth: BoothClient,
    private readonly tokens: Readonly<Record<string, string>>,
    readonly operatorToken: string,
    private readonly consentText: string,
  ) {}

  static async start(say: (line: string) => void): Promise<DemoWorld> {
    const folder = makeDemoFolder();
    const sandbox = await startSandbox({ folder: join(folder, 'sandbox'), print: say });
    say('starting the server (the first start on a machine also builds the face models) ...');
    const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('HONNIN_')));
    const settings: Record<string, string | undefined> = {
      HONNIN_LOG_LEVEL: 'silent',
      HONNIN_METRICS_TOKEN: OPERATOR_TOKEN,
      ...own,
      ...sandboxSettings(sandbox),
      HONNIN_DATA: join(folder, 'data'),
      HONNIN_HOST: '127.0.0.1',
      HONNIN_PORT: '0',
    };
    // Who ends this process ends the demonstration; and with the process goes the key to everything that is kept of
    // people.
    const server = await startServer(settings, { masterKey: randomBytes(32), takesSignals: false });
    await admitConsole(sandbox, server.url);
    say(`server: ${server.url}   data: ${folder}`);
    const users = ['officer-a', 'officer-b', 'officer-c', 'auditor', 'administrator', 'administrator-b'];
    const tokens = Object.fromEntries(
      await Promise.all(users.map(async (user) => [user, await sandbox.tokens.signIn(user)] as const)),
    );
    const key = generateBoothKey();
    const booth = new BoothClient({
      baseUrl: server.url,
      boothId: BOOTH_ID,
      key,
      counter: new DurableCaptureCounter(join(folder, 'booth')),
    });
    const { consentTexts } = await booth.settings();
    const world = new DemoWorld(
      folder,
      sandbox,
      server,
      booth,
      tokens,
      settings['HONNIN_METRICS_TOKEN'] ?? OPERATOR_TOKEN,
      consentTexts.at(-1)?.version ?? 'none',
    );
    await world.twoPeople('/v1/booths', {
      boothId: BOOTH_ID,
      publicKey: key.publicKeySpki,
      reason: 'new_site',
      reference: 'DEMO-1',
    });
    return world;
  }

  /** What a booth does: reads the card, signs, sends. @returns the receipt number. */
  async register(
    card: SyntheticCard,
    photo: Uint8Array,
    options: Pick<Capture, 'mode' | 'frames'> = {},
  ): Promise<string> {
    const { authenticationPin, accessNumber } = card.secrets;
    const { receipt } = await this.booth.register({
      card: card.connect(),
      pin: authenticationPin,
      accessNumber,
      photo,
      consent: { textVersion: this.consentText, keepReferenceImage: true },
      ...options,
    });
    return receipt;
  }

  async requestIdOf(receipt: string): Promise<string> {
    const { requestId } = (await this.call('auditor', 'GET', `/v1/cases?receipt=${receipt}`)) as { requestId: string };
    return requestId;
  }

  async history(requestId: string, atUtc?: string): Promise<readonly HistoryEvent[]> {
    const { events } = (await this.call(
      'auditor',
      'GET',
      `/v1/cases/${requestId}/history${atUtc ? `?at=${encodeURIComponent(atUtc)}` : ''}`,
    )) as { events: HistoryEvent[] };
    this.onHistory(events);
    return events;
  }

  /** Waits until the case has an event of one of these names. @throws when it takes longer than the limit. */
  async until(requestId: string, types: readonly string[], limitMs = 90_000): Promise<readonly HistoryEvent[]> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const events = await this.history(requestId);
      if (events.some((e) => types.includes(e.type))) return events;
      const end = events.find((e) => CASE_ENDS.includes(e.type));
      if (end)
        throw new Error(`the case ended with ${end.type} ${JSON.stringify(end.data)} before ${types.join(' or ')}`);
      if (Date.now() > deadline)
        throw new Error(
          `no ${types.join(' or ')} within ${limitMs / 1000} s; the case has ${events.map((e) => e.type).join(', ')}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** The whole history, once nothing has been added to it for a moment: the last effects of a case come after its
   * end. */
  async settled(requestId: string): Promise<readonly HistoryEvent[]> {
    for (let earlier = -1; ;) {
      const events = await this.history(requestId);
      if (events.length === earlier) return events;
      earlier = events.length;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  /** How far the signed log is covered by timestamps of the authority, as the server says it. */
  async timestamps(): Promise<string> {
    const { parts } = (await this.ready()) as {
      readonly parts?: Readonly<Record<string, { readonly detail: string }>>;
    };
    return (
      parts?.['checkpoint-timestamp']?.detail.replace('are covered', 'are covered by a timestamp') ??
      'no timestamp authority is configured'
    );
  }

  private async ready(): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.operatorToken}` };
    return (await fetch(`${this.server.url}/health/ready`, { headers })).json();
  }

  /** A signed-in call. @throws with the problem document when it is refused. */
  async call(user: string, method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.server.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.tokens[user]}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} as ${user}: ${response.status} ${text}`);
    return text === '' ? null : (JSON.parse(text) as unknown);
  }

  /** What two administrators have to agree to: one proposes, the other one approves. */
  async twoPeople(path: string, body: object): Promise<void> {
    const { actId } = (await this.call('administrator', 'POST', path, body)) as { readonly actId: string };
    await this.call('administrator-b', 'POST', `/v1/acts/${actId}/approval`);
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.sandbox.close();
    removeDemoFolder(this.folder);
  }
}
