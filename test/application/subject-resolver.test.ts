import { describe, expect, it } from '@jest/globals';
import type { CertificateHolder } from '../../src/application/ports/certificate-verifier.js';
import { SubjectLinker, type PreviousCertificate } from '../../src/application/ports/subject-linker.js';
import { SubjectResolver } from '../../src/application/subject-resolver.js';
import { application } from './fixture.js';

const holder = (serialNumber: string): CertificateHolder => ({ issuerName: Buffer.from('issuer'), serialNumber });

class Links extends SubjectLinker {
  readonly asked: string[] = [];
  constructor(private readonly answers: Record<string, PreviousCertificate>) {
    super();
  }
  async previousOf({ serialNumber }: CertificateHolder): Promise<PreviousCertificate> {
    this.asked.push(serialNumber);
    return this.answers[serialNumber] ?? { answer: 'none' };
  }
}

async function resolverWith(answers: Record<string, PreviousCertificate>) {
  const app = await application();
  const links = new Links(answers);
  return { ...app, links, resolver: new SubjectResolver(app.secrets, links, app.aggregates) };
}

describe('registrant key of a card (decision A14)', () => {
  it('is a keyed hash: stable, different for each card, and without the serial number in it', async () => {
    const { resolver } = await resolverWith({});
    const key = await resolver.resolve(holder('0a1b2c'), 'r1');
    expect(await resolver.resolve(holder('0a1b2c'), 'r2')).toBe(key);
    expect(await resolver.resolve(holder('0a1b2d'), 'r3')).not.toBe(key);
    expect(key).toMatch(/^[0-9a-f]{40}$/);
    expect(key).not.toContain('0a1b2c');
  });

  it('joins a renewed card to the earlier registrant, over several renewals, as one CertificateLinked each', async () => {
    const previous = (serial: string): PreviousCertificate => ({ answer: 'previous', holder: holder(serial), source: 'links' });
    const { resolver, store } = await resolverWith({ '03': previous('02'), '02': previous('01') });
    const first = await resolver.resolve(holder('01'), 'r1');
    const third = await resolver.resolve(holder('03'), 'r3');
    expect(third).toBe(first);
    const { events } = await store.readAll(null, { limit: 100, filter: { types: ['CertificateLinked'] } });
    expect(events.map((e) => e.data['registrantKey'])).toEqual([first, first]);
    expect(new Set(events.map((e) => e.stream)).size).toBe(2);
  });

  it('asks no second time about a card that it has joined', async () => {
    const { resolver, links } = await resolverWith({ '02': { answer: 'previous', holder: holder('01'), source: 'links' } });
    await resolver.resolve(holder('02'), 'r1');
    const asked = links.asked.length;
    await resolver.resolve(holder('02'), 'r2');
    expect(links.asked).toHaveLength(asked);
  });

  it('knows nothing while the link service cannot answer, and stores nothing', async () => {
    const { resolver, store } = await resolverWith({ '02': { answer: 'unknown', cause: 'unreachable' } });
    const before = await store.head();
    expect(await resolver.resolve(holder('02'), 'r1')).toBeNull();
    expect(await store.head()).toBe(before);
  });
});
