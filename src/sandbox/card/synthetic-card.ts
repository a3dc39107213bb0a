import { createPrivateKey, randomInt, type KeyObject } from 'node:crypto';
import { signChallenge } from './card-record-writer.js';
import { japaneseEra, type SyntheticHolder } from '../pki/certificate-authority.js';
import { signWith } from '../pki/x509-writer.js';
import type { CertificateType } from '../../domain/values/certificate-status.js';

/** The secrets of a card and how many wrong tries each survives. @req R2 (decision A2) */
export const CARD_SECRETS = {
  /** Four digits; opens the user-authentication key. */
  authenticationPin: 3,
  /** 6–16 upper-case letters and digits, at least one of each; opens the signing key and certificate. */
  signingPassword: 5,
  /** 照合番号B, 14 digits printed on the front; opens the face record. */
  accessNumber: 10,
} as const;
export type CardSecret = keyof typeof CARD_SECRETS;

export type CardErrorCode = 'wrong_secret' | 'blocked' | 'bad_format' | 'not_verified' | 'no_certificate' | 'removed';

/** What a card refuses, with the tries that are left where a secret was wrong. */
export class CardError extends Error {
  readonly code: CardErrorCode;
  readonly triesLeft: number | null;

  constructor(code: CardErrorCode, detail: string, triesLeft: number | null = null) {
    super(detail);
    this.name = 'CardError';
    this.code = code;
    this.triesLeft = triesLeft;
  }
}

/** A card as a JSON file: everything on it, its secrets included. Synthetic, so nothing here protects a person. */
export interface SyntheticCardData {
  readonly format: 'honnin-synthetic-card/v1';
  readonly cardId: string;
  readonly holder: SyntheticHolder;
  readonly secrets: Readonly<Record<CardSecret, string>>;
  readonly triesLeft: Readonly<Record<CardSecret, number>>;
  /** Base64 DER and PKCS#8 PEM of each certificate that the card holds. */
  readonly certificates: Readonly<
    Partial<Record<CertificateType, { readonly certificate: string; readonly privateKey: string }>>
  >;
  /** EF 0002, base64. */
  readonly cardRecord: string;
  /** EF 0004, base64. */
  readonly cardIssuerCertificate: string;
  /** PKCS#8 PEM of the key whose public half the face record holds. */
  readonly surfaceKey: string;
}

/** A card in the hand of its holder. It keeps its counters over every session, and a blocked secret stays blocked. */
export class SyntheticCard {
  readonly #data: SyntheticCardData;
  readonly #triesLeft: Record<CardSecret, number>;
  readonly #keys = new Map<CertificateType | 'surface', KeyObject>();
  #session: CardSession | null = null;

  /** @throws {RangeError} when the data is not a card file. */
  constructor(data: SyntheticCardData) {
    if (data.format !== 'honnin-synthetic-card/v1')
      throw new RangeError('not a synthetic card of format honnin-synthetic-card/v1');
    this.#data = data;
    this.#triesLeft = { ...data.triesLeft };
  }

  get id(): string {
    return this.#data.cardId;
  }

  get holder(): SyntheticHolder {
    return this.#data.holder;
  }

  /** The secrets that the holder knows. */
  get secrets(): Readonly<Record<CardSecret, string>> {
    return this.#data.secrets;
  }

  get cardRecord(): Uint8Array {
    return Buffer.from(this.#data.cardRecord, 'base64');
  }

  get cardIssuerCertificate(): Uint8Array {
    return Buffer.from(this.#data.cardIssuerCertificate, 'base64');
  }

  /** DER of a certificate on the card. @throws {CardError} no_certificate */
  certificate(type: CertificateType): Uint8Array {
    return Buffer.from(this.#entry(type).certificate, 'base64');
  }

  get certificateTypes(): readonly CertificateType[] {
    return Object.keys(this.#data.certificates) as CertificateType[];
  }

  /** Puts the card on the reader. An earlier session ends: there is one card. */
  connect(): CardSession {
    this.#session?.disconnect();
    this.#session = new CardSession(this, {
      certificate: (type) => this.certificate(type),
      sign: (type, message) => signWith(this.#key(type), message),
      signChallenge: (challenge) => Buffer.from(signChallenge(challenge, this.#key('surface'))),
      triesLeft: (secret) => this.#triesLeft[secret],
      check: (secret, value) => this.#check(secret, value),
    });
    return this.#session;
  }

  /** For a file; counters as they stand now. */
  toJson(): SyntheticCardData {
    return { ...this.#data, triesLeft: { ...this.#triesLeft } };
  }

  #check(secret: CardSecret, value: string): void {
    if (this.#triesLeft[secret] === 0)
      throw new CardError('blocked', `${secret} is blocked; only the municipal office can release it`, 0);
    if (value === this.#data.secrets[secret]) {
      this.#triesLeft[secret] = CARD_SECRETS[secret];
      return;
    }
    this.#triesLeft[secret] -= 1;
    const left = this.#triesLeft[secret];
    throw new CardError(left === 0 ? 'blocked' : 'wrong_secret', `${secret} is wrong, ${left} tries left`, left);
  }

  #entry(type: CertificateType): { readonly certificate: string; readonly privateKey: string } {
    const entry = this.#data.certificates[type];
    if (entry === undefined) throw new CardError('no_certificate', `the card holds no ${type} certificate`);
    return entry;
  }

  #key(name: CertificateType | 'surface'): KeyObject {
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const key = createPrivateKey(name === 'surface' ? this.#data.surfaceKey : this.#entry(name).privateKey);
    this.#keys.set(name, key);
    return key;
  }
}

interface CardInside {
  certificate(type: CertificateType): Uint8Array;
  sign(type: CertificateType, message: Uint8Array): Uint8Array;
  signChallenge(challenge: Uint8Array): Uint8Array;
  triesLeft(secret: CardSecret): number;
  check(secret: CardSecret, value: string): void;
}

/** One stay on the reader. As on a real card, changing between the JPKI and the surface application forgets what was
 * verified. */
export class CardSession {
  readonly #card: SyntheticCard;
  readonly #inside: CardInside;
  readonly #verified = new Set<CardSecret>();
  #application: 'jpki' | 'surface' | null = null;
  #present = true;

  constructor(card: SyntheticCard, inside: CardInside) {
    this.#card = card;
    this.#inside = inside;
  }

  /** Tries left; asking costs nothing. */
  async triesLeft(secret: CardSecret): Promise<number> {
    this.#requirePresent();
    return this.#inside.triesLeft(secret);
  }

  /** Enters the PIN (user authentication) or the password (signing). A badly formed one is refused before it costs a
   * try.
   * @throws {CardError} wrong_secret | blocked | bad_format */
  async verifyPin(type: CertificateType, pin: string): Promise<void> {
    this.#select('jpki');
    const secret = secretOf(type);
    if (!wellFormed(secret, pin)) throw new CardError('bad_format', `not the form of ${secret}`);
    this.#verify(secret, pin);
  }

  /** Enters the 14-digit number from the card's front. @throws {CardError} wrong_secret | blocked | bad_format */
  async verifyAccessNumber(accessNumber: string): Promise<void> {
    this.#select('surface');
    if (!wellFormed('accessNumber', accessNumber)) throw new CardError('bad_format', 'not the form of accessNumber');
    this.#verify('accessNumber', accessNumber);
  }

  /** The user-authentication certificate is free to read; the signing certificate names its holder and needs the
   * password. */
  async readCertificate(type: CertificateType): Promise<Uint8Array> {
    this.#select('jpki');
    if (type === 'digital_signature') this.#requireVerified('signingPassword');
    return this.#inside.certificate(type);
  }

  async readCardRecord(): Promise<Uint8Array> {
    this.#select('surface');
    this.#requireVerified('accessNumber');
    return this.#card.cardRecord;
  }

  async readCardIssuerCertificate(): Promise<Uint8Array> {
    this.#select('surface');
    return this.#card.cardIssuerCertificate;
  }

  /** Signs with the certificate's key: PKCS#1 v1.5 with SHA-256, or ECDSA P-384 with SHA-384. Needs the PIN in this
   * stay. */
  async sign(type: CertificateType, message: Uint8Array): Promise<Uint8Array> {
    this.#select('jpki');
    this.#requireVerified(secretOf(type));
    return this.#inside.sign(type, message);
  }

  /** The active check: signs with the key of the face record. Needs no secret. */
  async signChallenge(challenge: Uint8Array): Promise<Uint8Array> {
    this.#select('surface');
    return this.#inside.signChallenge(challenge);
  }

  /** Takes the card off the reader. */
  disconnect(): void {
    this.#present = false;
    this.#verified.clear();
  }

  #select(application: 'jpki' | 'surface'): void {
    this.#requirePresent();
    if (this.#application !== application) this.#verified.clear();
    this.#application = application;
  }

  #verify(secret: CardSecret, value: string): void {
    this.#verified.delete(secret);
    this.#inside.check(secret, value);
    this.#verified.add(secret);
  }

  #requireVerified(secret: CardSecret): void {
    if (!this.#verified.has(secret))
      throw new CardError(
        'not_verified',
        `${secret} was not entered in this stay, or another application was selected since`,
      );
  }

  #requirePresent(): void {
    if (!this.#present) throw new CardError('removed', 'the card is not on the reader');
  }
}

function secretOf(type: CertificateType): CardSecret {
  return type === 'user_authentication' ? 'authenticationPin' : 'signingPassword';
}

const FORMS: Readonly<Record<CardSecret, RegExp>> = {
  authenticationPin: /^\d{4}$/,
  signingPassword: /^(?=.*[A-Z])(?=.*\d)[A-Z\d]{6,16}$/,
  accessNumber: /^\d{14}$/,
};

/** Whether a text has the form of this secret. */
export function wellFormed(secret: CardSecret, value: string): boolean {
  return FORMS[secret].test(value);
}

/** 照合番号B: birth date with the year of the Japanese era, year of the card's expiry, security code.
 *  Example: born 1980-02-17 (昭和55), expiry 2035, code 2285 → `55021720352285`. */
export function accessNumberOf(birthDate: string, expiryYear: number, securityCode: string): string {
  const year = String(japaneseEra(birthDate).year).padStart(2, '0');
  return `${year}${birthDate.slice(5, 7)}${birthDate.slice(8, 10)}${expiryYear}${securityCode}`;
}

/** Four printed digits. */
export function freshSecurityCode(): string {
  return String(randomInt(10_000)).padStart(4, '0');
}
