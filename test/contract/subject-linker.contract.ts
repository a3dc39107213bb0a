import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CertificateHolder } from '../../src/application/ports/outside/certificate-verifier.js';
import type { SubjectLinker } from '../../src/application/ports/registrant/subject-linker.js';

/** Somebody's two cards as the authority behind the linker knows them, one renewed, and a stranger's. */
export interface LinkedCards {
  readonly linker: SubjectLinker;
  /** Both certificates of the earlier card, of the renewed one, and a certificate that nobody issued. */
  readonly earlier: { readonly authentication: CertificateHolder; readonly signing: CertificateHolder };
  readonly renewed: { readonly authentication: CertificateHolder; readonly signing: CertificateHolder };
  readonly alone: CertificateHolder;
  readonly unknown: CertificateHolder;
  /** SHA-256 of the key in the face record of the renewed card, of the stranger's, and of no card at all. */
  readonly keys: { readonly renewed: string; readonly stranger: string; readonly none: string };
  /** The authority cannot be reached until the returned function is called. */
  away(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** What every linker, and every stand-in of one, has to say (decisions A14 and 0071). */
export function subjectLinkerContract(name: string, open: () => Promise<LinkedCards>): void {
  describe(`subject linker: ${name}`, () => {
    let cards: LinkedCards;
    beforeAll(async () => {
      cards = await open();
    });
    afterAll(() => cards.close());
    const ask = (holder: CertificateHolder, cardKeySha256: string | null = null) =>
      cards.linker.linksOf({ holder, cardKeySha256 });
    const named = (holder: CertificateHolder) => ({
      issuerName: Buffer.from(holder.issuerName),
      serialNumber: holder.serialNumber,
    });
    const same = (found: unknown) =>
      found === null || typeof found === 'string' ? found : named(found as CertificateHolder);

    it('is configured', () => expect(cards.linker.isConfigured).toBe(true));

    it('names the other certificate of a card, from both sides', async () => {
      for (const { authentication, signing } of [cards.earlier, cards.renewed]) {
        for (const [one, other] of [
          [authentication, signing],
          [signing, authentication],
        ] as const) {
          const links = await ask(one);
          expect(links.answer === 'known' && same(links.otherCertificate)).toEqual(named(other));
        }
      }
    });

    it('names the certificate before a renewed one, of the same kind, and none before the first', async () => {
      for (const kind of ['authentication', 'signing'] as const) {
        const [renewed, first] = [await ask(cards.renewed[kind]), await ask(cards.earlier[kind])];
        expect(renewed.answer === 'known' && same(renewed.previous)).toEqual(named(cards.earlier[kind]));
        expect(first).toMatchObject({ answer: 'known', previous: null });
      }
    });

    it('names no other certificate of a card that has only one', async () =>
      expect(await ask(cards.alone)).toMatchObject({ answer: 'known', previous: null, otherCertificate: null }));

    it('tells whether a face record is of the card of a certificate, and says nothing where it was not asked or does not know', async () => {
      for (const holder of [cards.renewed.authentication, cards.renewed.signing]) {
        expect(await ask(holder, cards.keys.renewed)).toMatchObject({ faceRecord: 'same_card' });
        expect(await ask(holder, cards.keys.stranger)).toMatchObject({ faceRecord: 'other_card' });
        expect(await ask(holder, cards.keys.none)).toMatchObject({ faceRecord: 'not_told' });
        expect(await ask(holder)).toMatchObject({ faceRecord: 'not_told' });
      }
      // An earlier card's certificate with the renewed card's face is two cards too.
      expect(await ask(cards.earlier.authentication, cards.keys.renewed)).toMatchObject({ faceRecord: 'other_card' });
    });

    it('guesses nothing about a certificate that it does not know, nor while it is away', async () => {
      expect(await ask(cards.unknown)).toMatchObject({ answer: 'unknown', cause: expect.any(String) });
      const back = await cards.away();
      expect(await ask(cards.renewed.signing, cards.keys.renewed)).toMatchObject({ answer: 'unknown' });
      await back();
      expect(await ask(cards.renewed.signing, cards.keys.renewed)).toMatchObject({
        answer: 'known',
        faceRecord: 'same_card',
      });
    });

    it('answers a question that is asked twice, and many at once, in the same way', async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => ask(cards.renewed.signing, cards.keys.renewed)),
      );
      for (const answer of answers) expect(answer).toEqual(answers[0]);
    });
  });
}
