import { readFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { built, peer } from '../support/peers.js';
import type { Tab } from '../support/browser.js';
import { describeUnless } from '../support/unless.js';
import { choose, click, ConsoleWorld, says } from './support/console-world.js';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const PICTURES = process.env['HONNIN_CONSOLE_PICTURES'];
const ALLOWED = 120_000;

/** The officers' console in a browser, over a real server with a real sign-in service on another site. */
describeUnless(peer('chromium') ?? built('console/app/index.html'), 'the console', () => {
  let world: ConsoleWorld;
  let officer: Tab;
  let requestId: string;
  const tabs: Tab[] = [];

  beforeAll(async () => {
    world = await ConsoleWorld.start();
    requestId = await world.heldCase();
  }, 300_000);
  afterAll(() => world?.close());

  const picture = async (tab: Tab, name: string): Promise<void> => {
    if (PICTURES === undefined) return;
    mkdirSync(PICTURES, { recursive: true });
    writeFileSync(`${PICTURES}/${name}.png`, await tab.screenshot());
  };
  /** Faults of WCAG 2.2 AA that a program can see. */
  const faults = async (tab: Tab): Promise<unknown> => {
    await tab.send('Page.setBypassCSP', { enabled: true });
    await tab.evaluate(readFileSync(AXE, 'utf8'));
    await tab.evaluate(`axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => { window.found = violations.map(({ id, nodes }) => id + ' ' + nodes[0].html); })`);
    return tab.until<readonly string[]>('window.found && (window.found.length === 0 ? [] : window.found)');
  };

  it(
    'shows who is not signed in where to sign in, and nothing else',
    async () => {
      const tab = await world.browser(`/console/holds/${requestId}`);
      tabs.push(tab);
      await says(tab, 'サインインする');
      expect(await tab.evaluate('document.cookie')).toBe('');
      await picture(tab, 'sign-in');
      expect(await faults(tab)).toEqual([]);
    },
    ALLOWED,
  );

  it(
    'signs an officer in at the service and comes back to where they were going',
    async () => {
      officer = await world.signedIn('officer-a', `/console/?boothId=booth-console`);
      tabs.push(officer);
      await officer.until(`location.search === '?boothId=booth-console'`);
      // Tokens stay on the server, and the page cannot read its cookie.
      expect(await officer.evaluate('document.cookie + JSON.stringify(Object.entries(sessionStorage))')).toBe('[]');
    },
    ALLOWED,
  );

  it(
    'lists the hold, with due time, reason and booth',
    async () => {
      await officer.until(`document.querySelector('a[href="/console/holds/${requestId}"]') !== null`);
      expect(await officer.evaluate(`document.querySelector('table.rows tbody').innerText`)).toContain('booth-console');
      await picture(officer, 'desk-ja');
      expect(await faults(officer)).toEqual([]);
    },
    ALLOWED,
  );

  it(
    'opens a hold by keyboard',
    async () => {
      await officer.evaluate(`document.querySelector('table.rows a').focus()`);
      await officer.send('Input.dispatchKeyEvent', {
        type: 'keyDown',
        key: 'Enter',
        windowsVirtualKeyCode: 13,
        text: '\r',
      });
      await officer.until(`location.pathname === '/console/holds/${requestId}'`);
      await says(officer, '保留の審査');
    },
    ALLOWED,
  );

  it(
    'asks for no picture before the purpose is stated',
    async () => {
      expect(
        await officer.evaluate(
          `performance.getEntriesByType('resource').some(({ name }) => name.includes('/images/'))`,
        ),
      ).toBe(false);
      expect(await officer.evaluate(`document.querySelector('button[type=submit]').disabled`)).toBe(true);
      await says(officer, '意見を出す前に、すべての画像を見てください。');
    },
    ALLOWED,
  );

  it(
    'shows the three faces side by side, with the marks of who looks, after each look is on record',
    async () => {
      await click(officer, '.purpose button');
      await officer.until(`document.querySelectorAll('canvas[data-drawn="yes"]').length === 3`);
      const looks = world.server.storedTexts().filter((text) => text.startsWith('access-'));
      for (const image of ['photo', 'card_face', 'registered_face'])
        expect(looks.filter((text) => text.includes(`"image":"${image}"`))).toHaveLength(1);
      await picture(officer, 'hold-ja');
      expect(await faults(officer)).toEqual([]);
    },
    ALLOWED,
  );

  it(
    'offers only reasons that fit the opinion',
    async () => {
      await click(officer, 'input[value="reject"]');
      const reasons = await officer.until<readonly string[]>(
        `[...document.querySelectorAll('select[name=reason] option')].map(({ value }) => value).filter(Boolean)`,
      );
      expect(reasons).toContain('different_person');
      expect(reasons).not.toContain('same_person');
    },
    ALLOWED,
  );

  it(
    'keeps what was chosen over a reload',
    async () => {
      await choose(officer, 'select[name=reason]', 'different_person');
      await officer.send('Page.reload');
      await officer.until(`document.querySelector('input[value="reject"]')?.checked === true`);
      await officer.until(`document.querySelector('select[name=reason]')?.value === 'different_person'`);
    },
    ALLOWED,
  );

  it(
    'takes the opinion once all pictures were seen, and does not tell it to the other officer',
    async () => {
      await click(officer, '.purpose button');
      await officer.until(`document.querySelectorAll('canvas[data-drawn="yes"]').length === 3`);
      await click(officer, 'button[type=submit]');
      await says(officer, '意見を受け取りました。');
      // Until the second one is in, it can be taken back.
      await click(officer, '.opinion p[role="status"] button');
      // The very same again is another act, and not a repetition of the one that was taken back.
      await click(officer, 'input[value="reject"]');
      await choose(officer, 'select[name=reason]', 'different_person');
      await click(officer, 'button[type=submit]');
      await says(officer, '意見を受け取りました。');
      await click(officer, '.opinion p[role="status"] button');
      await click(officer, 'input[value="reject"]');
      await choose(officer, 'select[name=reason]', 'different_person');
      await choose(officer, 'textarea[name=note]', '左の眉の形が違う');
      await click(officer, 'button[type=submit]');
      await says(officer, '意見を受け取りました。');
      const other = await world.signedIn('officer-b', `/console/holds/${requestId}`);
      tabs.push(other);
      await says(other, '保留の審査');
      expect(await other.evaluate('document.body.innerText')).not.toContain('officer-a');
      // Nor does anything that this officer's session may ask for.
      for (const path of [`/v1/holds/${requestId}`, '/v1/holds?include=resolved', `/v1/cases/${requestId}/history`]) {
        const [status, said] = await other.evaluate<[number, string]>(
          `(() => { const x = new XMLHttpRequest(); x.open('GET', '${path}', false); x.send();
            return [x.status, x.responseText]; })()`,
        );
        expect([path, status]).toEqual([path, 200]);
        expect(said).toContain(requestId);
        expect(said).not.toMatch(/different_person|左の眉/);
      }
      await click(other, '.purpose button');
      await other.until(`document.querySelectorAll('canvas[data-drawn="yes"]').length === 3`);
      await click(other, 'input[value="reject"]');
      await other.until(`document.querySelectorAll('select[name=reason] option').length > 1`);
      await choose(other, 'select[name=reason]', 'different_person');
      await click(other, 'button[type=submit]');
      await says(other, 'officer-a');
      await says(other, '左の眉の形が違う');
      await click(other, '.opinion > button.button');
      await says(other, '解決済み');
    },
    ALLOWED * 2,
  );

  it(
    'says that somebody was first, and shows how it stands',
    async () => {
      await officer.send('Page.reload');
      await says(officer, '解決済み');
      await picture(officer, 'hold-resolved-ja');
    },
    ALLOWED,
  );

  it(
    'tells the history in plain words, at any moment of it',
    async () => {
      await officer.evaluate(`document.querySelector('a[href="/console/cases/${requestId}"]').click()`);
      await says(officer, '申請の経過');
      await officer.until(`document.querySelectorAll('.timeline li').length > 5`);
      await officer.evaluate(`(() => { const s = document.querySelector('.slider input'); s.value = '3';
      s.dispatchEvent(new Event('input', { bubbles: true })); })()`);
      await says(officer, '過去の状態を表示しています');
      expect(await officer.until(`document.querySelectorAll('.timeline li').length === 3`)).toBe(true);
      await picture(officer, 'case-past-ja');
      expect(await faults(officer)).toEqual([]);
    },
    ALLOWED,
  );

  it(
    'says everything in English too',
    async () => {
      await click(officer, 'header button[lang="en"]');
      await says(officer, 'You look at the past');
      expect(await officer.evaluate('document.documentElement.lang')).toBe('en');
      const japanese = await officer.evaluate<string>(
        `[...document.querySelectorAll('main')].map((m) => m.innerText).join('').replace(/日本語|本人/g, '')`,
      );
      expect(/[ぁ-んァ-ン一-龯]/.exec(japanese)?.[0]).toBeUndefined();
      await picture(officer, 'case-past-en');
    },
    ALLOWED,
  );

  it(
    'lets an auditor make every decision again in the browser',
    async () => {
      const auditor = await world.signedIn('auditor', `/console/cases/${requestId}`);
      tabs.push(auditor);
      await world.server.signedLog();
      await click(auditor, '.verify button');
      await auditor.until(`document.querySelector('[data-judgement]') !== null`);
      await picture(auditor, 'case-verified-ja');
      expect(await auditor.evaluate(`document.querySelector('[data-judgement]').innerText`)).toContain('計算し直し');
    },
    ALLOWED,
  );

  it(
    'names the lie of a server that changes what it signed',
    async () => {
      const auditor = await world.signedIn('auditor', `/console/cases/${requestId}`);
      tabs.push(auditor);
      // The answer is changed on its way into the page, as a server could.
      await auditor.evaluate(`(() => { const honest = Response.prototype.text;
        Response.prototype.text = async function () { const said = await honest.call(this);
          return this.url.endsWith('/v1/audit/exports') ? said.replaceAll('different_person', 'photograph_unclear') : said; }; })()`);
      await click(auditor, '.verify button');
      await auditor.until(`document.querySelector('[data-judgement="wrong"]') !== null`);
      await says(auditor, '正しくない');
      await picture(auditor, 'case-lying-server-ja');
    },
    ALLOWED,
  );

  it(
    'gives an auditor no opinion to give, and tells an administrator that holds are not for them',
    async () => {
      const auditor = await world.signedIn('auditor', `/console/holds/${requestId}`);
      await says(auditor, '保留の審査');
      expect(await auditor.evaluate(`document.querySelector('form')`)).toBeNull();
      const administrator = await world.signedIn('administrator', '/console/');
      await administrator.until(`document.querySelector('[data-code="forbidden"]') !== null`);
      tabs.push(auditor, administrator);
    },
    ALLOWED,
  );

  it(
    'says of a receipt that there is none, and keeps filters in the address',
    async () => {
      const tab = await world.signedIn('officer-c', '/console/');
      tabs.push(tab);
      await choose(tab, 'input[name=receipt]', '7K3M-9QXD-2VTB-HW60');
      await click(tab, '[role=search] button');
      await tab.until(`document.querySelector('[data-code="not_found"]') !== null`);
      await click(tab, 'input[name=include]');
      await click(tab, 'fieldset button[type=submit]');
      await tab.until(`location.search === '?include=resolved'`);
      await tab.until(`document.querySelector('a[href="/console/holds/${requestId}"]') !== null`);
      await picture(tab, 'desk-found-ja');
    },
    ALLOWED,
  );

  it(
    'finds a case by its request, however it was written',
    async () => {
      const tab = tabs.at(-1)!;
      await choose(tab, 'input[name=receipt]', requestId.toUpperCase());
      await click(tab, '[role=search] button');
      await tab.until(`location.pathname === '/console/cases/${requestId}'`);
      await says(tab, '申請の経過');
      await tab.send('Page.navigate', { url: `${world.server.url}/console/` });
      await click(tab, 'header button[lang="en"]');
      await says(tab, 'Find by receipt or request');
      await tab.send('Emulation.setDeviceMetricsOverride', {
        width: 320,
        height: 640,
        deviceScaleFactor: 1,
        mobile: false,
      });
      expect(await tab.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320);
      await picture(tab, 'desk-320-en');
      await tab.send('Emulation.clearDeviceMetricsOverride');
      expect(await faults(tab)).toEqual([]);
    },
    ALLOWED,
  );

  it(
    'loses nothing that was chosen when the session ends meanwhile, and goes on after signing in again',
    async () => {
      const held = await world.heldCase();
      const tab = await world.signedIn('officer-c', `/console/holds/${held}`);
      tabs.push(tab);
      await click(tab, '.purpose button');
      await tab.until(`document.querySelectorAll('canvas[data-drawn="yes"]').length === 3`);
      await click(tab, 'input[value="recapture"]');
      await choose(tab, 'select[name=reason]', 'photograph_unclear');
      await choose(tab, 'textarea[name=note]', '右側が暗い');
      await tab.send('Network.clearBrowserCookies');
      await click(tab, 'form button[type=submit]');
      await says(tab, 'サインインの期限が切れました');
      expect(await tab.evaluate(`document.querySelector('textarea[name=note]').value`)).toBe('右側が暗い');
      await picture(tab, 'session-ended-ja');
      await tab.send('Page.navigate', { url: `${world.server.url}/console/sign-in?to=/console/holds/${held}` });
      await click(tab, 'button[value="officer-c"]');
      await tab.until(`document.querySelector('textarea[name=note]')?.value === '右側が暗い'`);
    },
    ALLOWED * 2,
  );

  it(
    'says that the server is away, and goes on with the same session when it is back',
    async () => {
      const tab = await world.signedIn('officer-b', '/console/');
      tabs.push(tab);
      await says(tab, '保留の一覧');
      const { port } = new URL(world.server.url);
      const before = tabs.map(({ complaints }) => complaints.length);
      await world.server.end();
      await click(tab, 'main > button');
      await tab.until(`document.querySelector('[data-code="unreachable"]') !== null`);
      await picture(tab, 'server-away-ja');
      await world.server.start({ env: { HONNIN_PORT: port } });
      await click(tab, '[data-code="unreachable"] button');
      await tab.until(`document.querySelector('table.rows') !== null`);
      // A server that ends on purpose says 503 to what is still asked of it, in whichever tab.
      tabs.forEach(({ complaints }, i) => {
        const meanwhile = complaints.splice(before[i]!).filter((text) => !text.includes('status of 503'));
        complaints.push(...meanwhile);
      });
    },
    ALLOWED * 2,
  );

  it(
    'fits a screen of 320 pixels',
    async () => {
      await officer.send('Emulation.setDeviceMetricsOverride', {
        width: 320,
        height: 640,
        deviceScaleFactor: 1,
        mobile: false,
      });
      expect(await officer.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320);
      await officer.send('Emulation.clearDeviceMetricsOverride');
    },
    ALLOWED,
  );

  it(
    'refuses what another site makes a signed-in browser do',
    async () => {
      const answers = await officer.evaluate<number>(
        `(() => { const x = new XMLHttpRequest(); x.open('POST', '/v1/holds/${requestId}/opinions', false); x.send('{}'); return x.status; })()`,
      );
      expect(answers).not.toBe(401);
      const { status } = await fetch(`${world.server.url}/console/sign-out`, {
        method: 'POST',
        headers: { 'sec-fetch-site': 'cross-site', cookie: '__Host-honnin=x' },
      });
      expect(status).toBe(403);
    },
    ALLOWED,
  );

  it(
    'signs out here and at the service',
    async () => {
      await click(officer, 'header .who button');
      await officer.until(
        `!location.href.startsWith('${world.server.url}') || document.body.innerText.includes('Sign in')`,
      );
      await officer.send('Page.navigate', { url: `${world.server.url}/console/` });
      await officer.until(`document.querySelector('a[href^="/console/sign-in"]') !== null`);
    },
    ALLOWED,
  );

  it('violates its own policy nowhere, and throws nothing', () => {
    // What the sign-in service's own pages do, and refusals that were asked for, and a server that
    // was ended on purpose, are no fault of the console.
    const own = tabs
      .flatMap(({ complaints }) => complaints)
      .filter((text) => !/localhost|status of 4\d\d|net::ERR_/.test(text))
      .filter((text) => !text.startsWith('Audits.') || text.includes('ContentSecurityPolicyIssue'));
    expect(own).toEqual([]);
  });
});
