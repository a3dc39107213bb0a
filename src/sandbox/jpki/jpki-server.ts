import { createHash, createPrivateKey, createPublicKey, randomUUID, type KeyObject } from 'node:crypto';
import {
  buildCardRecord,
  buildIssuerCertificate,
  cardKeyId,
  encodeRsaPublicKey,
  rsaPublicParts,
} from '../card/card-record-writer.js';
import { cardPhotoFrom, printedLine, type Crop } from '../card/card-photo.js';
import {
  CertificateAuthority,
  cardEnd,
  generateKey,
  responderCertificate,
  serialOf,
  type AuthorityState,
  type CertifiedKey,
  type IssuedCertificate,
  type KeyAlgorithm,
  type SyntheticHolder,
} from '../pki/certificate-authority.js';
import { FaultTape } from '../stand-in/fault-tape.js';
import { answerOcsp, OCSP_FAULTS, readOcspRequest, type OcspFault, type WrongResponders } from './ocsp-responder.js';
import { ListeningStandIn, type Troublable } from '../stand-in/listening-stand-in.js';
import {
  commonControl,
  controlBody,
  json,
  problem,
  type StandInAnswer,
  type StandInOptions,
  type StandInRequest,
} from '../stand-in/stand-in-listener.js';
import { readState, writeState } from '../stand-in/state-file.js';
import {
  accessNumberOf,
  CARD_SECRETS,
  freshSecurityCode,
  SyntheticCard,
  type SyntheticCardData,
} from '../card/synthetic-card.js';
import { isRevocationReason, pem } from '../pki/x509-writer.js';
import {
  CERTIFICATE_TYPES,
  type CertificateType,
  type RevocationReason,
} from '../../domain/values/certificate-status.js';

/** What is wrong with the CRLs that are handed out. */
export const CRL_FAULTS = [
  'none',
  'stale',
  'badSignature',
  'garbage',
  'truncated',
  'ofOtherAuthority',
  'http500',
  'drop',
] as const;
export type CrlFault = (typeof CRL_FAULTS)[number];

/** What is wrong with the answers about which certificates and cards belong together. `anotherCard`: the face record
 * that is asked about is not of the certificate's card. `withoutCard` and `withoutSameCard`: a service that does not
 * tell so much. */
export const LINK_FAULTS = [
  'none',
  'anotherCard',
  'withoutCard',
  'withoutSameCard',
  'malformed',
  'garbage',
  'http500',
  'drop',
] as const;
export type LinkFault = (typeof LINK_FAULTS)[number];

export interface JpkiOptions extends StandInOptions {
  /** Keys and issued certificates are kept here over a restart; in memory only when absent. */
  readonly stateFile?: string;
  /** How long an OCSP answer is fresh. Default a quarter of an hour. */
  readonly ocspValidityMs?: number;
  /** How long a CRL is fresh. Default one day. */
  readonly crlValidityMs?: number;
}

/** What is asked for when a card is made. Everything has a default except the photograph. */
export interface IssueCardOptions {
  /** JPEG, PNG or WebP of the holder; written to the card as grey JP2 of 240 x 320. Give this or `faceImage`. */
  readonly picture?: Uint8Array;
  readonly crop?: Crop;
  /** A finished JP2. */
  readonly faceImage?: Uint8Array;
  readonly holder?: Partial<SyntheticHolder>;
  /** Default: user authentication only. */
  readonly certificateTypes?: readonly CertificateType[];
  /** `P-384` is what the next generation of the card is announced to use. Default RSA-2048. */
  readonly keyAlgorithm?: KeyAlgorithm;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly authenticationPin?: string;
  readonly signingPassword?: string;
  /** A face record that contradicts the certificates, for tests: attributes of another holder, another last day
   * (`YYYYMMDD`). */
  readonly recordHolder?: Partial<Pick<SyntheticHolder, 'birthDate' | 'sex'>>;
  readonly recordExpiry?: string;
  /** Last day of the card (`YYYYMMDD`) instead of a birthday, as where somebody's stay in the country ends. The
   * certificates end with it. */
  readonly cardExpiry?: string;
}

/** A root that signs issuer certificates of face records, as a verifier must be told of it. */
export interface CardRootKey {
  /** Hex of the 16-byte key id in the `7F21` certificate. */
  readonly keyId: string;
  readonly modulusHex: string;
  readonly exponentHex: string;
  readonly publicKeyPem: string;
}

export interface JpkiHistoryEntry {
  readonly atUtc: string;
  readonly kind: 'ocsp' | 'crl' | 'link';
  /** Serial or list that was asked for; `?` when the request could not be read. */
  readonly subject: string;
  readonly fault: string;
}

/** The stand-in as its starter drives it. */
export interface JpkiServer extends Troublable {
  readonly ocspUrl: string;
  readonly crlUrls: Readonly<Record<CertificateType, string>>;
  readonly linksUrl: string;
  /** Trust anchors, DER. */
  readonly anchors: Readonly<Record<CertificateType, Uint8Array>>;
  readonly anchorsPem: Readonly<Record<CertificateType, string>>;
  readonly cardRoot: CardRootKey;
  issueCard(options: IssueCardOptions): Promise<SyntheticCard>;
  /** A new card for the same holder: new keys, new certificates that replace the old ones, which become `superseded`.
   *  @param faceImage JP2 of the new card; the old card's, when absent
   *  @param certificateTypes the old card's, when absent */
  renew(
    card: SyntheticCard,
    faceImage?: Uint8Array,
    certificateTypes?: readonly CertificateType[],
  ): Promise<SyntheticCard>;
  /** Revokes every certificate of a card, or the one named. */
  revoke(card: SyntheticCard, reason?: RevocationReason, type?: CertificateType): void;
  hold(card: SyntheticCard, type?: CertificateType): void;
  release(card: SyntheticCard, type?: CertificateType): void;
  readonly ocspFaults: FaultTape<OcspFault>;
  readonly crlFaults: FaultTape<CrlFault>;
  readonly linkFaults: FaultTape<LinkFault>;
  readonly history: readonly JpkiHistoryEntry[];
}

/** Starts the stand-in for the authentication server (JPKI): card issuer, OCSP responder, CRLs, number links.
 * @req R6 */
export async function startJpkiServer(options: JpkiOptions = {}): Promise<JpkiServer> {
  const server = new JpkiStandIn(options, await loadOrCreate(options));
  await server.listen();
  return server;
}

interface JpkiState {
  readonly format: 'honnin-sandbox-jpki/v1';
  readonly authorities: readonly AuthorityState[];
  readonly cardRootKey: string;
  readonly municipalityKey: string;
  /** Card id by the SHA-256 of the card's own key, hex. Absent in files of before it was kept. */
  readonly cardKeys?: Readonly<Record<string, string>>;
}

interface Keys {
  readonly authorities: Readonly<Record<CertificateType, CertificateAuthority>>;
  readonly cardRootKey: KeyObject;
  readonly municipalityKey: KeyObject;
  readonly cardKeys: Map<string, string>;
}

const ROOT_KEY_ID = cardKeyId('6000023', '001');
const MUNICIPALITY_KEY_ID = cardKeyId('6131016', '001');
const DEFAULT_HOLDER: SyntheticHolder = {
  name: '見本　花子',
  address: '見本県見本市見本町一丁目1番1号',
  birthDate: '1980-02-17',
  sex: '2',
};
const CRL_NAMES: Readonly<Record<string, CertificateType>> = {
  '/crl/auth.crl': 'user_authentication',
  '/crl/sign.crl': 'digital_signature',
};

async function loadOrCreate(options: JpkiOptions): Promise<Keys> {
  const saved = readState<JpkiState>(options.stateFile);
  if (saved !== null) {
    const authorities = Object.fromEntries(
      saved.authorities.map((state) => [state.type, CertificateAuthority.restore(state)]),
    ) as Record<CertificateType, CertificateAuthority>;
    return {
      authorities,
      cardRootKey: createPrivateKey(saved.cardRootKey),
      municipalityKey: createPrivateKey(saved.municipalityKey),
      cardKeys: new Map(Object.entries(saved.cardKeys ?? {})),
    };
  }
  const now = options.now?.() ?? new Date();
  const [userAuthentication, digitalSignature, cardRootKey, municipalityKey] = await Promise.all([
    CertificateAuthority.create('user_authentication', now),
    CertificateAuthority.create('digital_signature', now),
    generateKey('RSA-2048'),
    generateKey('RSA-2048'),
  ]);
  return {
    authorities: { user_authentication: userAuthentication, digital_signature: digitalSignature },
    cardRootKey,
    municipalityKey,
    cardKeys: new Map(),
  };
}

class JpkiStandIn extends ListeningStandIn implements JpkiServer {
  readonly ocspFaults = new FaultTape<OcspFault>(OCSP_FAULTS, 'none');
  readonly crlFaults = new FaultTape<CrlFault>(CRL_FAULTS, 'none');
  readonly linkFaults = new FaultTape<LinkFault>(LINK_FAULTS, 'none');
  readonly #options: JpkiOptions;
  readonly #keys: Keys;
  readonly #history: JpkiHistoryEntry[] = [];
  readonly #wrong = new Map<CertificateType, Promise<WrongResponders>>();
  readonly #crls = new Map<CertificateType, { revision: string; madeAt: number; bytes: Buffer }>();

  constructor(options: JpkiOptions, keys: Keys) {
    super('authentication server (JPKI)', options);
    this.#options = options;
    this.#keys = keys;
  }

  override async listen(): Promise<void> {
    await super.listen();
    this.#save();
  }

  get ocspUrl(): string {
    return `${this.url}/ocsp`;
  }

  get crlUrls(): Readonly<Record<CertificateType, string>> {
    return { user_authentication: `${this.url}/crl/auth.crl`, digital_signature: `${this.url}/crl/sign.crl` };
  }

  get linksUrl(): string {
    return `${this.url}/links`;
  }

  get anchors(): Readonly<Record<CertificateType, Uint8Array>> {
    return {
      user_authentication: this.#authority('user_authentication').anchor.certificate,
      digital_signature: this.#authority('digital_signature').anchor.certificate,
    };
  }

  get anchorsPem(): Readonly<Record<CertificateType, string>> {
    const { user_authentication, digital_signature } = this.anchors;
    return {
      user_authentication: pem('CERTIFICATE', user_authentication),
      digital_signature: pem('CERTIFICATE', digital_signature),
    };
  }

  get cardRoot(): CardRootKey {
    const parts = rsaPublicParts(this.#keys.cardRootKey);
    return {
      keyId: Buffer.from(ROOT_KEY_ID).toString('hex'),
      modulusHex: Buffer.from(parts.modulus).toString('hex'),
      exponentHex: Buffer.from(parts.exponent).toString('hex'),
      publicKeyPem: createPublicKey(this.#keys.cardRootKey).export({ format: 'pem', type: 'spki' }) as string,
    };
  }

  get history(): readonly JpkiHistoryEntry[] {
    return [...this.#history];
  }

  async issueCard(options: IssueCardOptions): Promise<SyntheticCard> {
    const faceImage =
      options.faceImage ??
      (options.picture === undefined ? undefined : await cardPhotoFrom(options.picture, options.crop));
    if (faceImage === undefined) throw new RangeError('a card needs a photograph: give picture or faceImage');
    return this.#makeCard({ options, faceImage, previous: null });
  }

  async renew(
    card: SyntheticCard,
    faceImage: Uint8Array = faceImageOf(card.cardRecord),
    certificateTypes: readonly CertificateType[] = card.certificateTypes,
  ): Promise<SyntheticCard> {
    const renewed = await this.#makeCard({
      options: { holder: card.holder, certificateTypes },
      faceImage,
      previous: card,
    });
    for (const type of card.certificateTypes) {
      if (this.#issuedOn(card, type).revocation === null) this.revoke(card, 'superseded', type);
    }
    return renewed;
  }

  revoke(card: SyntheticCard, reason: RevocationReason = 'unspecified', type?: CertificateType): void {
    for (const each of type === undefined ? card.certificateTypes : [type])
      this.#authority(each).revoke(this.#issuedOn(card, each).serial, reason, this.now());
    this.#save();
  }

  hold(card: SyntheticCard, type?: CertificateType): void {
    this.revoke(card, 'certificate_hold', type);
  }

  release(card: SyntheticCard, type?: CertificateType): void {
    for (const each of type === undefined ? card.certificateTypes : [type])
      this.#authority(each).release(this.#issuedOn(card, each).serial);
    this.#save();
  }

  #authority(type: CertificateType): CertificateAuthority {
    return this.#keys.authorities[type];
  }

  #issuedOn(card: SyntheticCard, type: CertificateType): IssuedCertificate {
    const serial = serialOf(card.certificate(type));
    const issued = this.#authority(type).find(serial);
    if (issued === undefined) throw new RangeError(`the card's ${type} certificate was not issued here`);
    return issued;
  }

  async #makeCard(wanted: {
    options: IssueCardOptions;
    faceImage: Uint8Array;
    previous: SyntheticCard | null;
  }): Promise<SyntheticCard> {
    const { options, faceImage, previous } = wanted;
    const holder = { ...DEFAULT_HOLDER, ...options.holder };
    const cardId = randomUUID();
    const types = options.certificateTypes ?? ['user_authentication'];
    const [surfaceKey, ...keys] = await Promise.all([
      generateKey('RSA-2048'),
      ...types.map(() => generateKey(options.keyAlgorithm ?? 'RSA-2048')),
    ]);
    const cardExpiry = options.cardExpiry ?? cardEnd(holder.birthDate, this.now());
    const certificates: Partial<Record<CertificateType, { certificate: string; privateKey: string }>> = {};
    types.forEach((type, i) => {
      const key = keys[i];
      if (key === undefined) throw new Error('a key is missing');
      certificates[type] = this.#certify({ type, key, holder, cardId, cardExpiry, previous, options });
    });
    const surface = this.#surface({
      holder: { ...holder, ...options.recordHolder },
      faceImage,
      surfaceKey,
      expiry: options.recordExpiry ?? cardExpiry,
    });
    this.#keys.cardKeys.set(cardKeySha256(surfaceKey), cardId);
    this.#save();
    return new SyntheticCard({
      format: 'honnin-synthetic-card/v1',
      cardId,
      holder,
      secrets: {
        authenticationPin: options.authenticationPin ?? previous?.secrets.authenticationPin ?? '1234',
        signingPassword: options.signingPassword ?? previous?.secrets.signingPassword ?? 'ABC123',
        accessNumber: surface.accessNumber,
      },
      triesLeft: { ...CARD_SECRETS },
      certificates,
      cardRecord: Buffer.from(surface.cardRecord).toString('base64'),
      cardIssuerCertificate: Buffer.from(surface.cardIssuerCertificate).toString('base64'),
      surfaceKey: toPem(surfaceKey),
    });
  }

  #certify(wanted: {
    type: CertificateType;
    key: KeyObject;
    holder: SyntheticHolder;
    cardId: string;
    cardExpiry: string;
    previous: SyntheticCard | null;
    options: IssueCardOptions;
  }): { certificate: string; privateKey: string } {
    const { type, key, holder, cardId, cardExpiry, previous, options } = wanted;
    const issued = this.#authority(type).issue(
      {
        holder,
        cardId,
        cardExpiry,
        publicKey: createPublicKey(key),
        ...(options.notBefore === undefined ? {} : { notBefore: options.notBefore }),
        ...(options.notAfter === undefined ? {} : { notAfter: options.notAfter }),
        ...(previous === null || !previous.certificateTypes.includes(type)
          ? {}
          : { previousSerial: serialOf(previous.certificate(type)) }),
      },
      this.now(),
    );
    return { certificate: Buffer.from(issued.certificate).toString('base64'), privateKey: toPem(key) };
  }

  #surface(wanted: { holder: SyntheticHolder; faceImage: Uint8Array; surfaceKey: KeyObject; expiry: string }): {
    cardRecord: Uint8Array;
    cardIssuerCertificate: Uint8Array;
    accessNumber: string;
  } {
    const { holder, faceImage, surfaceKey, expiry } = wanted;
    const securityCode = freshSecurityCode();
    const birthDate = holder.birthDate.replaceAll('-', '');
    const cardRecord = buildCardRecord(
      {
        birthDate,
        sex: holder.sex === '3' ? '9' : holder.sex,
        cardKey: rsaPublicParts(surfaceKey),
        nameImage: printedLine(holder.name),
        addressImage: printedLine(holder.address),
        faceImage,
        expiry,
        securityCodeImage: printedLine(securityCode),
      },
      this.#keys.municipalityKey,
    );
    const cardIssuerCertificate = buildIssuerCertificate(
      {
        issuerKeyId: ROOT_KEY_ID,
        subjectKeyId: MUNICIPALITY_KEY_ID,
        subjectKey: rsaPublicParts(this.#keys.municipalityKey),
      },
      this.#keys.cardRootKey,
    );
    return {
      cardRecord,
      cardIssuerCertificate,
      accessNumber: accessNumberOf(holder.birthDate, Number(expiry.slice(0, 4)), securityCode),
    };
  }

  protected override async serve(request: StandInRequest): Promise<StandInAnswer> {
    if (request.path === '/ocsp') return this.#ocsp(request);
    const list = CRL_NAMES[request.path];
    if (list !== undefined && request.method === 'GET') return this.#crl(list, request);
    if (request.path === '/links' && request.method === 'GET') return this.#link(request);
    return problem(
      404,
      'not_found',
      'this stand-in answers POST /ocsp, GET /crl/auth.crl, GET /crl/sign.crl and GET /links',
    );
  }

  async #ocsp(request: StandInRequest): Promise<StandInAnswer> {
    if (request.method !== 'POST' || request.headers['content-type'] !== 'application/ocsp-request')
      return problem(415, 'not_ocsp', 'POST an application/ocsp-request');
    const fault = this.ocspFaults.next();
    this.#remember('ocsp', askedSerials(request.body), fault);
    if (fault === 'drop') return { status: 0, drop: true };
    if (fault === 'http500') return problem(500, 'internal', 'the stand-in plays a fault');
    const body = await answerOcsp(request.body, {
      authorities: Object.values(this.#keys.authorities),
      now: this.now(),
      fault,
      validityMs: this.#options.ocspValidityMs ?? 15 * 60_000,
      wrongResponders: (authority) => this.#wrongResponders(authority),
    });
    return { status: 200, headers: { 'content-type': 'application/ocsp-response' }, body };
  }

  #crl(type: CertificateType, request: StandInRequest): StandInAnswer {
    const fault = this.crlFaults.next();
    this.#remember('crl', request.path, fault);
    if (fault === 'drop') return { status: 0, drop: true };
    if (fault === 'http500') return problem(500, 'internal', 'the stand-in plays a fault');
    const body = this.#crlBytes(type, fault);
    const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`;
    if (request.headers['if-none-match'] === etag) return { status: 304, headers: { etag } };
    return { status: 200, headers: { 'content-type': 'application/pkix-crl', etag }, body };
  }

  #crlBytes(type: CertificateType, fault: CrlFault): Buffer {
    const validity = this.#options.crlValidityMs ?? 24 * 3600_000;
    const now = this.now().getTime();
    const listFrom = (start: number, of: CertificateType = type): Buffer =>
      this.#authority(of).crl({ thisUpdate: new Date(start), nextUpdate: new Date(start + validity) });
    if (fault === 'stale') return listFrom(now - validity - 3600_000);
    if (fault === 'garbage') return Buffer.from('<html>this is not a CRL</html>');
    if (fault === 'ofOtherAuthority')
      return listFrom(now, type === 'user_authentication' ? 'digital_signature' : 'user_authentication');
    const good = this.#freshCrl(type, now, validity, listFrom);
    if (fault === 'truncated') return good.subarray(0, good.length - 20);
    return fault === 'badSignature' ? Buffer.concat([good.subarray(0, -1), Buffer.of((good.at(-1) ?? 0) ^ 1)]) : good;
  }

  /** One list is handed out until something changed or half of its time is over, so that an ETag means something. */
  #freshCrl(type: CertificateType, now: number, validity: number, make: (start: number) => Buffer): Buffer {
    const revision = JSON.stringify(
      this.#authority(type).certificates.map(({ serial, revocation }) => [serial, revocation]),
    );
    const kept = this.#crls.get(type);
    if (kept !== undefined && kept.revision === revision && now - kept.madeAt < validity / 2 && now >= kept.madeAt)
      return kept.bytes;
    const bytes = make(now);
    this.#crls.set(type, { revision, madeAt: now, bytes });
    return bytes;
  }

  /** `?issuer=<hex DER name>&serial=<hex>[&cardKey=<hex SHA-256>]`: which certificate came before this one, which other
   * certificate the same card holds, and whether the card with this key is that card. The authority tells this to
   * notified verifiers, for the validity check only (law arts. 18(4), 18(5), 52). */
  #link(request: StandInRequest): StandInAnswer {
    const issuer = request.query.get('issuer')?.toLowerCase() ?? '';
    const serial = request.query.get('serial')?.toLowerCase().replace(/^0+/, '') ?? '';
    const fault = this.linkFaults.next();
    this.#remember('link', serial, fault);
    if (fault === 'drop') return { status: 0, drop: true };
    if (fault === 'http500') return problem(500, 'internal', 'the stand-in plays a fault');
    if (fault === 'garbage')
      return { status: 200, headers: { 'content-type': 'application/json' }, body: '<html>not JSON</html>' };
    if (fault === 'malformed')
      return json(200, { previous: { issuer: 'zz', serial: 7 }, sameCard: 'yes', card: 'perhaps' });
    const authority = Object.values(this.#keys.authorities).find((candidate) => candidate.nameHex === issuer);
    const issued = authority?.find(serial);
    if (authority === undefined || issued === undefined)
      return problem(404, 'unknown_certificate', 'no such certificate was issued here');
    const previous = issued.previousSerial === null ? null : { issuer, serial: issued.previousSerial };
    const card = fault === 'anotherCard' ? 'other' : this.#cardOf(request.query.get('cardKey'), issued);
    return json(200, {
      previous,
      ...(fault === 'withoutSameCard' ? {} : { sameCard: this.#sameCard(authority, issued) }),
      ...(fault === 'withoutCard' ? {} : { card }),
    });
  }

  /** Whether the card with this key holds the certificate; null for a key that was not asked about or is on no card
   * that was made here. */
  #cardOf(cardKey: string | null, issued: IssuedCertificate): 'same' | 'other' | null {
    const cardId = cardKey === null ? undefined : this.#keys.cardKeys.get(cardKey.toLowerCase());
    if (cardId === undefined) return null;
    return cardId === issued.cardId ? 'same' : 'other';
  }

  #sameCard(authority: CertificateAuthority, issued: IssuedCertificate): { issuer: string; serial: string } | null {
    for (const other of Object.values(this.#keys.authorities)) {
      const twin = other === authority ? undefined : other.certificates.find(({ cardId }) => cardId === issued.cardId);
      if (twin !== undefined) return { issuer: other.nameHex, serial: twin.serial };
    }
    return null;
  }

  protected override async control(request: StandInRequest): Promise<StandInAnswer> {
    const common = await commonControl(request, this.listening, this.ocspFaults);
    if (common !== null) return common;
    switch (`${request.method} ${request.path}`) {
      case 'GET /control/history':
        return json(200, this.#history);
      case 'GET /control/anchors':
        return json(200, {
          anchors: this.anchorsPem,
          cardRoot: this.cardRoot,
          ocspUrl: this.ocspUrl,
          crlUrls: this.crlUrls,
          linksUrl: this.linksUrl,
        });
      case 'POST /control/crl-faults':
        applyTo(this.crlFaults, controlBody(request));
        return json(200, { ok: true });
      case 'POST /control/link-faults':
        applyTo(this.linkFaults, controlBody(request));
        return json(200, { ok: true });
      case 'POST /control/cards':
        return json(201, (await this.issueCard(cardOptionsFrom(controlBody(request)))).toJson());
      case 'POST /control/renew':
        return json(201, (await this.#renewedBy(controlBody(request))).toJson());
      case 'POST /control/revoke':
        this.revoke(cardFrom(controlBody(request)), reasonFrom(controlBody(request)));
        return json(200, { ok: true });
      case 'POST /control/hold':
        this.hold(cardFrom(controlBody(request)));
        return json(200, { ok: true });
      case 'POST /control/release':
        this.release(cardFrom(controlBody(request)));
        return json(200, { ok: true });
      default:
        return problem(404, 'not_found', 'no such control call; docs/sandbox.md lists them');
    }
  }

  async #renewedBy(body: Record<string, unknown>): Promise<SyntheticCard> {
    const picture = body['pictureBase64'];
    return this.renew(
      cardFrom(body),
      typeof picture === 'string' ? await cardPhotoFrom(Buffer.from(picture, 'base64')) : undefined,
    );
  }

  #remember(kind: JpkiHistoryEntry['kind'], subject: string, fault: string): void {
    this.#history.push({ atUtc: this.now().toISOString(), kind, subject, fault });
  }

  /** Keys that may not sign OCSP answers, made when a fault first needs them. */
  #wrongResponders(authority: CertificateAuthority): Promise<WrongResponders> {
    const known = this.#wrong.get(authority.type);
    if (known !== undefined) return known;
    const made = this.#makeWrongResponders(authority);
    this.#wrong.set(authority.type, made);
    return made;
  }

  async #makeWrongResponders(authority: CertificateAuthority): Promise<WrongResponders> {
    const [responderKey, foreignKey] = await Promise.all([generateKey('RSA-2048'), generateKey('RSA-2048')]);
    const base = { issuer: authority.name, issuerKey: authority.anchor.privateKey, responderKey, now: this.now() };
    const certified = (certificate: Uint8Array): CertifiedKey => ({ certificate, privateKey: responderKey });
    const user = authority.issue(
      { holder: DEFAULT_HOLDER, cardId: randomUUID(), publicKey: createPublicKey(responderKey) },
      this.now(),
    );
    return {
      // Same name, another key: only the signature tells it from the real authority.
      foreign: certified(responderCertificate({ ...base, issuerKey: foreignKey })),
      withoutEku: certified(responderCertificate({ ...base, withoutOcspSigning: true })),
      expired: certified(responderCertificate({ ...base, expired: true })),
      user: certified(user.certificate),
    };
  }

  #save(): void {
    const state: JpkiState = {
      format: 'honnin-sandbox-jpki/v1',
      authorities: Object.values(this.#keys.authorities).map((authority) => authority.save()),
      cardRootKey: toPem(this.#keys.cardRootKey),
      municipalityKey: toPem(this.#keys.municipalityKey),
      cardKeys: Object.fromEntries(this.#keys.cardKeys),
    };
    writeState(this.#options.stateFile, state);
  }
}

function applyTo(
  faults: { play(names: readonly string[]): void; always(name: string): void; clear(): void },
  body: Record<string, unknown>,
): void {
  if (body['clear'] === true) faults.clear();
  if (typeof body['always'] === 'string') faults.always(body['always']);
  if (Array.isArray(body['play'])) faults.play(body['play'].map(String));
}

/** SHA-256 of the card's key as its face record holds it (content of DF24), hex. */
function cardKeySha256(surfaceKey: KeyObject): string {
  return createHash('sha256')
    .update(encodeRsaPublicKey(rsaPublicParts(surfaceKey)))
    .digest('hex');
}

function askedSerials(body: Uint8Array): string {
  try {
    return readOcspRequest(body)
      .ids.map(({ serial }) => serial)
      .join(',');
  } catch (error) {
    if (error instanceof RangeError) return '?';
    throw error;
  }
}

/** The photograph in a record that was written here: the value of `DF27`, found by its place in the offset table. */
export function faceImageOf(cardRecord: Uint8Array): Uint8Array {
  const record = Buffer.from(cardRecord);
  const tableAt = record.indexOf(Buffer.from('df21', 'hex'));
  const photographAt = record.readUInt16BE(tableAt + 3 + 2 * 5);
  const lengthOctets = (record[photographAt + 2] ?? 0) & 0x80 ? (record[photographAt + 2] ?? 0) & 0x7f : 0;
  const length =
    lengthOctets === 0 ? (record[photographAt + 2] ?? 0) : record.readUIntBE(photographAt + 3, lengthOctets);
  const start = photographAt + 3 + lengthOctets;
  return record.subarray(start, start + length);
}

function toPem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }) as string;
}

function cardFrom(body: Record<string, unknown>): SyntheticCard {
  if (typeof body['card'] !== 'object' || body['card'] === null)
    throw new RangeError('give the card file as member card');
  return new SyntheticCard(body['card'] as SyntheticCardData);
}

function reasonFrom(body: Record<string, unknown>): RevocationReason {
  const reason = body['reason'] ?? 'unspecified';
  if (!isRevocationReason(reason))
    throw new RangeError('reason is a CRLReason in snake case, for example key_compromise');
  return reason;
}

function cardOptionsFrom(body: Record<string, unknown>): IssueCardOptions {
  const picture = body['pictureBase64'];
  if (typeof picture !== 'string') throw new RangeError('give the photograph as member pictureBase64');
  const types = Array.isArray(body['certificateTypes'])
    ? CERTIFICATE_TYPES.filter((type) => (body['certificateTypes'] as unknown[]).includes(type))
    : undefined;
  const dates = ['notBefore', 'notAfter'].flatMap((name) =>
    typeof body[name] === 'string' ? [[name, new Date(body[name])]] : [],
  );
  return {
    picture: Buffer.from(picture, 'base64'),
    ...(typeof body['holder'] === 'object' ? { holder: body['holder'] as Partial<SyntheticHolder> } : {}),
    ...(types === undefined ? {} : { certificateTypes: types }),
    ...(typeof body['recordHolder'] === 'object'
      ? { recordHolder: body['recordHolder'] as Partial<SyntheticHolder> }
      : {}),
    ...Object.fromEntries(
      ['recordExpiry', 'cardExpiry'].flatMap((name) => (typeof body[name] === 'string' ? [[name, body[name]]] : [])),
    ),
    ...(body['keyAlgorithm'] === 'P-384' ? { keyAlgorithm: 'P-384' as const } : {}),
    ...Object.fromEntries(dates),
  };
}
