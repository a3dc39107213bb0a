import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { verifierKeyText } from '../../src/domain/audit/log/signed-note.js';
import { verifierPage } from '../../src/console/build-page.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';
import { openBrowser, type Tab } from '../support/browser.js';
import { carried, DECLARED, log, noteOf, declared, OLD } from './lost-log.js';
import { AuditWorld } from './support.js';
import { built, peer, peerProgram } from '../support/peers.js';
import { describeUnless } from '../support/unless.js';

const absence = peer('chromium') ?? built('console/verifier.js');
let browser: Awaited<ReturnType<typeof openBrowser>> | null = null;
let folder: string;
let world: AuditWorld;
let tab: Tab;

beforeAll(async () => {
  if (absence !== null) return;
  folder = mkdtempSync(join(tmpdir(), 'honnin-page-'));
  world = await AuditWorld.open();
  await world.append(new SyntheticHistory({ seed: 31 }).appends(80, { registrants: 20 }));
  await world.publish();
  const lines = await world.bundle({ kind: 'range', from: 0, to: null }, { lists: ['holds'], withOpenings: true });
  writeFileSync(join(folder, 'good.honnin'), `${lines.join('\n')}\n`);
  writeFileSync(
    join(folder, 'bad.honnin'),
    `${lines.map((line) => (line.includes('"type":"Held"') ? line.replace('"boundPoints":2000', '"boundPoints":1000') : line)).join('\n')}\n`,
  );
  writeFileSync(join(folder, 'page.html'), verifierPage());
  browser = await openBrowser({
    program: peerProgram('chromium') as string,
    profile: join(folder, 'profile'),
    url: `file://${join(folder, 'page.html')}`,
  });
  ({ tab } = browser);
  await tab.until('document.readyState === "complete" && document.getElementById("lang").textContent !== ""');
}, 180_000);

afterAll(async () => {
  if (absence !== null) return;
  await browser?.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  await world.close();
});

interface Done {
  readonly sound: boolean;
  readonly seconds: number;
  readonly thread: 'worker' | 'page';
  readonly decisions: number;
  readonly reproduced: number;
  readonly discrepancies: readonly string[];
  readonly undecided: readonly string[];
}

async function choose(file: string): Promise<Done> {
  await tab.evaluate('delete document.body.dataset.done');
  await tab.choose('#bundle', [join(folder, file)]);
  return JSON.parse(await tab.until<string>('document.body.dataset.done'));
}

async function keep(name: string): Promise<void> {
  const where = process.env['AUDIT_SCREENSHOTS'];
  if (!where) return;
  for (const [size, width] of [
    ['wide', 1000],
    ['narrow', 380],
  ] as const) {
    await tab.send('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false });
    writeFileSync(join(where, `${name}-${size}.png`), await tab.screenshot());
  }
  await tab.send('Emulation.clearDeviceMetricsOverride');
}

describeUnless(absence, 'the offline page', () => {
  it('is one file that names no other address', () => {
    const page = verifierPage();
    expect(page).not.toMatch(/<(?:link|img|iframe)|src=|@import|url\(/i);
    expect(page).not.toMatch(
      /fetch\(|XMLHttpRequest|WebSocket|EventSource|importScripts|sendBeacon|eval\(|new Function/,
    );
    expect(page).toContain("default-src 'none'");
  });

  it('verifies a bundle in a browser and reproduces every decision', async () => {
    await tab.evaluate(
      `document.getElementById('keys').value = ${JSON.stringify(verifierKeyText(world.keys.keys()[0]!))}`,
    );
    const done = await choose('good.honnin');
    expect(done.discrepancies).toEqual([]);
    expect(done.sound).toBe(true);
    expect(done.reproduced).toBe(done.decisions);
    expect(done.decisions).toBeGreaterThan(800);
    expect(await tab.evaluate('document.getElementById("verdict").className')).toBe('verdict ok');
    expect(await tab.evaluate('document.querySelectorAll("#story li").length')).toBeGreaterThan(3);
    expect(done.thread).toBe('worker');
    expect(Number(await tab.evaluate('document.body.dataset.progress'))).toBeGreaterThan(2);
    expect(await tab.evaluate('document.getElementById("bar").hidden')).toBe(true);
    await keep('good');
  });

  it('names what does not fit, with its place, in both languages', async () => {
    const done = await choose('bad.honnin');
    expect(done.discrepancies).toContain('root_differs');
    expect(done.discrepancies).toContain('decision_differs');
    expect(await tab.evaluate('document.getElementById("verdict").className')).toBe('verdict bad');
    expect(await tab.evaluate('document.getElementById("wrong").textContent')).toContain(
      'boundPoints is 1000 and would be 2000',
    );
    expect(await tab.evaluate('document.getElementById("wrong").textContent')).toMatch(
      /\d+番: 判定が規則と一致しません。Held in registration-[^ ]+: /,
    );
    expect(done.reproduced).toBeLessThan(done.decisions);
    await keep('bad-ja');
    await tab.evaluate('document.getElementById("lang").click()');
    expect(await tab.evaluate('document.documentElement.lang')).toBe('en');
    expect(await tab.evaluate('document.getElementById("wrong").textContent')).toMatch(
      /entry [\d,]+: Held in .*the bundle as a whole: the leaves and the proof|the bundle as a whole: the leaves and the proof[^]*entry [\d,]+: Held in/,
    );
    await keep('bad-en');
  });

  it('says that a loss is declared, neither right nor wrong, and calls a forged declaration wrong', async () => {
    writeFileSync(join(folder, 'lost.honnin'), `${log.bundle(carried(DECLARED)).join('\n')}\n`);
    const forged = noteOf(declared(), OLD);
    writeFileSync(join(folder, 'forged.honnin'), `${log.bundle(carried(forged)).join('\n')}\n`);
    await tab.evaluate(`document.getElementById('keys').value = ${JSON.stringify(OLD.text)}`);
    const lost = await choose('lost.honnin');
    expect([lost.sound, lost.discrepancies, lost.undecided]).toEqual([false, [], ['loss_declared']]);
    expect(await tab.evaluate('document.getElementById("verdict").className')).toBe('verdict warn');
    expect(await tab.evaluate('document.getElementById("undecided").textContent')).toMatch(
      /loss declared: lost\.example\/log had signed/,
    );
    expect((await choose('forged.honnin')).discrepancies).toEqual(['loss_wrong']);
    expect(await tab.evaluate('document.getElementById("verdict").className')).toBe('verdict bad');
  });

  it('does not vouch for a bundle when it has no key', async () => {
    await tab.evaluate(`document.getElementById('keys').value = ''`);
    expect((await choose('good.honnin')).sound).toBe(false);
    expect(await tab.evaluate('document.getElementById("verdict").className')).toBe('verdict warn');
  });

  it('says how many certificate verdicts it did not make again, and what it needs', async () => {
    expect(await tab.evaluate('document.getElementById("facts").textContent')).toMatch(
      /Certificate verdicts[\d,]+, evidence for 0\. Not recomputed: give the roots of the certification service/,
    );
  });

  it('says what is wrong with a key or a file and forgets the result before', async () => {
    await tab.evaluate(
      `document.getElementById('keys').value = 'no key'; document.getElementById('keys').dispatchEvent(new Event('change'))`,
    );
    await tab.until(
      'document.getElementById("status").textContent.includes("The public key has not the right form: not an Ed25519 verifier key")',
    );
    expect(await tab.evaluate('document.getElementById("result").hidden')).toBe(true);
    await tab.evaluate(`document.getElementById('keys').value = ''`);
    writeFileSync(join(folder, 'none.honnin'), 'something else');
    expect((await choose('none.honnin')).discrepancies).toEqual(['bundle_malformed']);
  });

  it('works where a browser refuses it a thread', async () => {
    await tab.send('Page.enable');
    await tab.send('Page.addScriptToEvaluateOnNewDocument', {
      source: 'globalThis.Worker = class { constructor() { throw new Error("refused"); } };',
    });
    await tab.evaluate('document.body.dataset.old = "1"');
    await tab.send('Page.reload');
    await tab.until(
      'document.readyState === "complete" && document.body.dataset.old === undefined && document.getElementById("lang").textContent !== ""',
    );
    const done = await choose('bad.honnin');
    expect(done.thread).toBe('page');
    expect(done.discrepancies).toContain('decision_differs');
  });
});
