import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { verifierKeyText } from '../../src/domain/audit/signed-note.js';
import { verifierPage } from '../../src/console/build-page.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { AuditWorld } from './support.js';

/** One tab of a browser without a window, spoken to over its debugging protocol. */
class Tab {
  private next = 0;
  private readonly waiting = new Map<number, (value: Record<string, unknown>) => void>();

  private constructor(private readonly socket: WebSocket) {
    socket.addEventListener('message', ({ data }) => {
      const { id, result, error } = JSON.parse(String(data)) as { id?: number; result?: Record<string, unknown>; error?: object };
      if (id !== undefined) this.waiting.get(id)?.(result ?? { error });
    });
  }

  static async open(port: number): Promise<Tab> {
    for (let i = 0; ; i += 1) {
      try {
        const list = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { type: string; webSocketDebuggerUrl: string }[];
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
    const { result } = (await this.send('Runtime.evaluate', { expression, returnByValue: true })) as { result: { value: T } };
    return result.value;
  }

  async until<T>(expression: string, limitMs = 60_000): Promise<T> {
    for (const start = Date.now(); ; ) {
      const value = await this.evaluate<T | null>(expression);
      if (value) return value;
      if (Date.now() - start > limitMs) throw new Error(`never: ${expression}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync(name, ['--version']).status === 0);
const why = !chromium ? 'there is no Chromium here' : !existsSync(resolve('dist/console/verifier.js')) ? 'dist is not built' : '';
let browser: ChildProcess | null = null;
let folder: string;
let world: AuditWorld;
let tab: Tab;

beforeAll(async () => {
  if (why) return;
  folder = mkdtempSync(join(tmpdir(), 'honnin-page-'));
  world = await AuditWorld.open();
  await world.append(new SyntheticHistory({ seed: 31 }).appends(80, { registrants: 20 }));
  await world.publish();
  const lines = await world.bundle({ kind: 'range', from: 0, to: null }, { lists: ['holds'], withOpenings: true });
  writeFileSync(join(folder, 'good.honnin'), `${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'bad.honnin'), `${lines.map((line) => (line.includes('"type":"Held"') ? line.replace('"boundPoints":2000', '"boundPoints":1000') : line)).join('\n')}\n`);
  writeFileSync(join(folder, 'page.html'), verifierPage());
  const port = await new Promise<number>((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as { port: number };
      server.close(() => done(free));
    });
  });
  browser = spawn(chromium as string, ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--remote-debugging-port=${port}`, `--user-data-dir=${join(folder, 'profile')}`, '--window-size=1000,1100', `file://${join(folder, 'page.html')}`], { stdio: 'ignore' });
  tab = await Tab.open(port);
  await tab.until('document.readyState === "complete" && document.getElementById("lang").textContent !== ""');
}, 60_000);

afterAll(async () => {
  if (why) return;
  const ended = new Promise((done) => browser?.once('exit', done));
  browser?.kill();
  await ended;
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  await world.close();
});

async function choose(file: string): Promise<{ sound: boolean; seconds: number; decisions: number; reproduced: number; discrepancies: string[] }> {
  await tab.evaluate('delete document.body.dataset.done');
  const { root } = (await tab.send('DOM.getDocument')) as { root: { nodeId: number } };
  const { nodeId } = (await tab.send('DOM.querySelector', { nodeId: root.nodeId, selector: '#bundle' })) as { nodeId: number };
  await tab.send('DOM.setFileInputFiles', { nodeId, files: [join(folder, file)] });
  return JSON.parse(await tab.until<string>('document.body.dataset.done'));
}

describe('the offline page', () => {
  it('is one file that names no other address', () => {
    if (why) return void process.stderr.write(`skipped: ${why}\n`);
    const page = verifierPage();
    expect(page).not.toMatch(/<(?:link|img|iframe)|src=|@import|url\(/i);
    expect(page).toContain("default-src 'none'");
  });

  it('verifies a bundle in a browser and reproduces every decision', async () => {
    if (why) return void process.stderr.write(`skipped: ${why}\n`);
    await tab.evaluate(`document.getElementById('keys').value = ${JSON.stringify(verifierKeyText(world.keys.keys()[0]!))}`);
    const done = await choose('good.honnin');
    expect(done.discrepancies).toEqual([]);
    expect(done.sound).toBe(true);
    expect(done.reproduced).toBe(done.decisions);
    expect(done.decisions).toBeGreaterThan(800);
    expect(await tab.evaluate('document.getElementById("verdict").className')).toBe('verdict ok');
    expect(await tab.evaluate('document.querySelectorAll("#story li").length')).toBeGreaterThan(3);
    if (process.env['AUDIT_SCREENSHOT']) {
      const { data } = (await tab.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true })) as { data: string };
      writeFileSync(process.env['AUDIT_SCREENSHOT'], Buffer.from(data, 'base64'));
    }
  });

  it('names what does not fit, with its place, in both languages', async () => {
    if (why) return void process.stderr.write(`skipped: ${why}\n`);
    const done = await choose('bad.honnin');
    expect(done.discrepancies).toContain('root_differs');
    expect(done.discrepancies).toContain('decision_differs');
    expect(await tab.evaluate('document.getElementById("verdict").className')).toBe('verdict bad');
    expect(await tab.evaluate('document.getElementById("wrong").textContent')).toContain('boundPoints is 1000 and would be 2000');
    await tab.evaluate('document.getElementById("lang").click()');
    expect(await tab.evaluate('document.documentElement.lang')).toBe('en');
  });

  it('does not vouch for a bundle when it has no key', async () => {
    if (why) return void process.stderr.write(`skipped: ${why}\n`);
    await tab.evaluate(`document.getElementById('keys').value = ''`);
    expect((await choose('good.honnin')).sound).toBe(false);
    expect(await tab.evaluate('document.getElementById("verdict").className')).toBe('verdict warn');
  });
});
