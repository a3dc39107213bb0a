import { BoothClient } from '../../../src/booth/booth-client.js';
import { generateBoothKey } from '../../../src/booth/booth-key.js';
import { DurableCaptureCounter } from '../../../src/booth/capture-counter.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace, type DemoFaceName } from '../../../src/sandbox/card/demo-faces.js';
import type { SyntheticCard } from '../../../src/sandbox/card/synthetic-card.js';
import { admitConsole } from '../../../src/sandbox/sandbox.js';
import { openBrowser, type Tab } from '../../support/browser.js';
import { peerProgram } from '../../support/peers.js';
import { RealServer } from '../../support/real-server.js';

const BOOTH = 'booth-console';

/** A server with held cases beside a sign-in service on another site, and browsers of officers. */
export class ConsoleWorld {
  private readonly closers: (() => Promise<void>)[] = [];
  private booth!: BoothClient;
  private browsers = 0;

  private constructor(readonly server: RealServer) {}

  static async start(): Promise<ConsoleWorld> {
    const users = ['auditor', 'officer-a', 'officer-b', 'officer-c', 'administrator'];
    const server = await RealServer.beside('console', users, { signInHost: 'localhost' });
    await server.start();
    await admitConsole(server.sandbox, server.url);
    const world = new ConsoleWorld(server);
    const key = generateBoothKey();
    await server.enrol(BOOTH, key.publicKeySpki);
    const counter = new DurableCaptureCounter(server.at('booth'));
    world.booth = new BoothClient({ baseUrl: server.url, boothId: BOOTH, key, counter });
    return world;
  }

  async close(): Promise<void> {
    await Promise.all(this.closers.map((close) => close()));
    await this.server.close();
  }

  /** A person who is registered and comes again with a renewed card and another face. @returns the held case */
  async heldCase(): Promise<string> {
    const { card, captured } = DEMO_STORIES.samePerson;
    const first = await this.server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto(card) });
    await this.server.caseWith(await this.register(first, captured), 'FaceImageConfirmed');
    const other = DEMO_STORIES.cardOfAnother;
    const renewed = await this.server.sandbox.jpki.renew(first, await loadCardPhoto(other.card));
    return this.server.caseWith(await this.register(renewed, other.captured), 'HoldOpened');
  }

  /** A browser of its own, signed in. */
  async signedIn(user: string, path = '/console/'): Promise<Tab> {
    const tab = await this.browser(path);
    await signIn(tab, user);
    return tab;
  }

  /** A browser of its own, with nobody signed in. */
  async browser(path = '/console/', size = '1280,1600'): Promise<Tab> {
    const { tab, close } = await openBrowser({
      program: peerProgram('chromium') as string,
      profile: this.server.at(`browser-${(this.browsers += 1)}`),
      url: `${this.server.url}${path}`,
      size,
    });
    this.closers.push(close);
    for (const domain of ['Runtime', 'Log', 'Page', 'Audits']) await tab.send(`${domain}.enable`);
    return tab;
  }

  private async register(card: SyntheticCard, captured: DemoFaceName): Promise<string> {
    const { receipt } = await this.booth.register({
      card: card.connect(),
      certificateType: 'user_authentication',
      pin: card.secrets.authenticationPin,
      accessNumber: card.secrets.accessNumber,
      photo: await loadDemoFace(captured),
      consent: { textVersion: '2026-11', keepReferenceImage: true },
    });
    return receipt;
  }
}

/** Goes through the sign-in service as this user and comes back. */
export async function signIn(tab: Tab, user: string): Promise<void> {
  await click(tab, 'a[href^="/console/sign-in"]');
  await click(tab, `button[value="${user}"]`);
  await tab.until(`document.querySelector('header .who')?.textContent.includes('${user}')`);
}

/** Clicks when it is there and can be. */
export async function click(tab: Tab, selector: string): Promise<void> {
  const found = `document.querySelector(${JSON.stringify(selector)})`;
  await tab.until(`${found} !== null && !${found}.disabled && (${found}.click(), true)`);
}

/** Puts a value in as a person would, once it can be chosen. */
export async function choose(tab: Tab, selector: string, value: string): Promise<void> {
  const [found, wanted] = [`document.querySelector(${JSON.stringify(selector)})`, JSON.stringify(value)];
  await tab.until(`(() => { const field = ${found}; if (!field) return false; field.value = ${wanted};
    if (field.value !== ${wanted}) return false;
    for (const type of ['input', 'change']) field.dispatchEvent(new Event(type, { bubbles: true }));
    return true; })()`);
}

/** Waits for a text anywhere on the page. */
export function says(tab: Tab, text: string): Promise<true> {
  return tab.until(`document.body?.innerText.includes(${JSON.stringify(text)})`);
}
