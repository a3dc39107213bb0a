import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';

/** A browser without a window, with one tab. @param profile a folder of its own */
export async function openBrowser({
  program,
  profile,
  url,
  size,
}: {
  readonly program: string;
  readonly profile: string;
  readonly url: string;
  readonly size?: string;
}): Promise<{ readonly tab: Tab; readonly close: () => Promise<void> }> {
  const port = await freePort();
  const process = spawn(
    program,
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      `--remote-debugging-port=${port}`,
      `--user-data-dir=${profile}`,
      `--window-size=${size ?? '1000,1100'}`,
      url,
    ],
    { stdio: 'ignore' },
  );
  return { tab: await Tab.open(port), close: () => ended(process) };
}

async function ended(process: ChildProcess): Promise<void> {
  const end = new Promise((done) => process.once('exit', done));
  process.kill();
  await end;
}

async function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}

const COMPLAINTS = new Set(['Runtime.exceptionThrown', 'Log.entryAdded', 'Audits.issueAdded']);

/** One tab of a browser without a window, spoken to over its debugging protocol. */
export class Tab {
  private next = 0;
  private readonly waiting = new Map<number, (value: Record<string, unknown>) => void>();

  /** What the page wrote to its console, threw, or was refused by its own policy. */
  readonly complaints: string[] = [];
  private readonly socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result, error, method, params } = JSON.parse(String(data)) as {
        id?: number;
        result?: Record<string, unknown>;
        error?: object;
        method?: string;
        params?: object;
      };
      if (method !== undefined && COMPLAINTS.has(method)) this.complaints.push(`${method} ${JSON.stringify(params)}`);
      if (id !== undefined) this.waiting.get(id)?.(result ?? { error });
    });
  }

  static async open(port: number): Promise<Tab> {
    for (let i = 0; ; i += 1) {
      try {
        const list = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
          type: string;
          webSocketDebuggerUrl: string;
        }[];
        const page = list.find((entry) => entry.type === 'page');
        if (page) {
          const socket = new WebSocket(page.webSocketDebuggerUrl);
          await new Promise((done) => socket.addEventListener('open', done));
          return new Tab(socket);
        }
      } catch (error) {
        if (i > 200) throw error;
      }
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = (this.next += 1);
    return new Promise((done) => {
      this.waiting.set(id, done);
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async evaluate<T>(expression: string): Promise<T> {
    const { result } = (await this.send('Runtime.evaluate', { expression, returnByValue: true })) as {
      result?: { value: T };
    };
    // Between two pages there is nothing to ask.
    return result?.value as T;
  }

  async until<T>(expression: string, limitMs = 120_000): Promise<T> {
    for (const start = Date.now(); ;) {
      const value = await this.evaluate<T | null>(expression);
      if (value) return value;
      if (Date.now() - start > limitMs) throw new Error(`never: ${expression}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  /** Chooses a file in an input of the page. */
  async choose(selector: string, files: readonly string[]): Promise<void> {
    const { root } = (await this.send('DOM.getDocument')) as { root: { nodeId: number } };
    const { nodeId } = (await this.send('DOM.querySelector', { nodeId: root.nodeId, selector })) as { nodeId: number };
    await this.send('DOM.setFileInputFiles', { nodeId, files });
  }

  async screenshot(): Promise<Buffer> {
    const { data } = (await this.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true })) as {
      data: string;
    };
    return Buffer.from(data, 'base64');
  }
}
