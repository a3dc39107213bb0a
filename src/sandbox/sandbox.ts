import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { startGovernmentServer, type GovernmentServer } from './government/government-server.js';
import { startJpkiServer, type CardRootKey, type IssueCardOptions, type JpkiServer } from './jpki/jpki-server.js';
import { SyntheticCard, type SyntheticCardData } from './card/synthetic-card.js';
import { startTimestampAuthority, type TimestampAuthorityStandIn } from './timestamp/timestamp-authority.js';
import { startTokenIssuer, type TokenIssuer } from './sign-in/token-issuer.js';
import { POLICY_OIDS } from './pki/certificate-authority.js';
import { TIMESTAMP_POLICY } from './timestamp/timestamp-writer.js';
import { readState, writeState } from './stand-in/state-file.js';

/** All stand-ins of the outside world. */
export interface Sandbox {
  readonly jpki: JpkiServer;
  readonly government: GovernmentServer;
  readonly tokens: TokenIssuer;
  readonly timestamps: TimestampAuthorityStandIn;
  /** Files that settings point to, and all state when it is kept. */
  readonly folder: string;
  close(): Promise<void>;
}

export interface SandboxOptions {
  /** Keys, cards, histories and ports are kept here, so that the next start is the same world on the same addresses. */
  readonly folder: string;
  readonly print?: (line: string) => void;
  /** Under which name the sign-in service says it is: `localhost` is another site than a server on 127.0.0.1. */
  readonly signInHost?: 'localhost' | '127.0.0.1';
}

interface SavedWorld {
  readonly ports: {
    readonly jpki: number;
    readonly government: number;
    readonly tokens: number;
    /** Absent in folders from before there was one. */
    readonly timestamps?: number;
  };
  /** Who answers control calls while this world runs, and how it is known again. */
  readonly running?: { readonly jpkiControlUrl: string; readonly cardRootPem: string };
}

/** What is asked of a card for which only files are wanted. */
export type CardWish = Pick<IssueCardOptions, 'certificateTypes' | 'holder' | 'keyAlgorithm'> & {
  readonly picture: Uint8Array;
};

/** Starts every stand-in. Closes what was started when one of them fails. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { folder } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const worldFile = path.join(folder, 'sandbox.json');
  const saved = readState<SavedWorld>(worldFile);
  const ports: SavedWorld['ports'] = saved === null ? { jpki: 0, government: 0, tokens: 0 } : saved.ports;
  const print = options.print === undefined ? {} : { print: options.print };
  const started: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(standIn: T): T => (started.push(standIn), standIn);
  try {
    const jpki = keep(
      await startJpkiServer({
        stateFile: path.join(folder, 'jpki.json'),
        port: await freeOrZero(ports.jpki),
        ...print,
      }),
    );
    const government = keep(
      await startGovernmentServer({
        logFile: path.join(folder, 'government.jsonl'),
        port: await freeOrZero(ports.government),
        ...print,
      }),
    );
    const tokens = keep(
      await startTokenIssuer({
        stateFile: path.join(folder, 'token-issuer.json'),
        port: await freeOrZero(ports.tokens),
        ...(options.signInHost !== undefined && { host: options.signInHost }),
        ...print,
      }),
    );
    const timestamps = keep(
      await startTimestampAuthority({
        stateFile: path.join(folder, 'timestamp-authority.json'),
        port: await freeOrZero(ports.timestamps ?? 0),
        ...print,
      }),
    );
    const portOf = ({ url }: { url: string }): number => Number(new URL(url).port);
    const kept: SavedWorld = {
      ports: {
        jpki: portOf(jpki),
        government: portOf(government),
        tokens: portOf(tokens),
        timestamps: portOf(timestamps),
      },
    };
    const running = { jpkiControlUrl: jpki.controlUrl, cardRootPem: jpki.cardRoot.publicKeyPem };
    writeState(worldFile, { ...kept, running } satisfies SavedWorld);
    return {
      jpki,
      government,
      tokens,
      timestamps,
      folder,
      close: async () => {
        if (existsSync(worldFile)) writeState(worldFile, kept);
        await Promise.all(started.map((standIn) => standIn.close()));
      },
    };
  } catch (error) {
    await Promise.all(started.map((standIn) => standIn.close()));
    throw error;
  }
}

/** Has a card made in the world that is kept in a folder. While that world runs it makes the card itself: what it does
 *  not know of, its authority would deny.
 *  @throws {RangeError} when a picture cannot be read, with its reason */
export async function issueCardIn(
  folder: string,
  wish: CardWish,
): Promise<{ readonly card: SyntheticCard; readonly root: CardRootKey }> {
  const { running } = readState<SavedWorld>(path.join(folder, 'sandbox.json')) ?? {};
  const root = running === undefined ? null : await rootAt(running.jpkiControlUrl);
  if (running !== undefined && root !== null && root.publicKeyPem === running.cardRootPem)
    return { card: await issuedAt(running.jpkiControlUrl, wish), root };
  const jpki = await startJpkiServer({ stateFile: path.join(folder, 'jpki.json'), print: () => undefined });
  try {
    return { card: await jpki.issueCard(wish), root: jpki.cardRoot };
  } finally {
    await jpki.close();
  }
}

/** The root of the card issuer that answers there; null where nobody does, or somebody else. */
async function rootAt(controlUrl: string): Promise<CardRootKey | null> {
  const answer = await fetch(`${controlUrl}/control/anchors`).catch((error: unknown) => {
    // After a crash the file still names a world that is gone.
    if (error instanceof TypeError) return null;
    throw error;
  });
  if (answer === null || !answer.ok) return null;
  const { cardRoot } = (await answer.json()) as { readonly cardRoot?: CardRootKey };
  return cardRoot ?? null;
}

async function issuedAt(controlUrl: string, { picture, ...wish }: CardWish): Promise<SyntheticCard> {
  const answer = await fetch(`${controlUrl}/control/cards`, {
    method: 'POST',
    body: JSON.stringify({ ...wish, pictureBase64: Buffer.from(picture).toString('base64') }),
  });
  if (!answer.ok) throw new RangeError(((await answer.json()) as { readonly detail: string }).detail);
  return new SyntheticCard((await answer.json()) as SyntheticCardData);
}

/** As what the sign-in service knows the officers' console. */
const CONSOLE_CLIENT = 'honnin-console';

/** Tells the sign-in service of the console of a server, once its address is known. */
export async function admitConsole({ tokens }: Sandbox, serverUrl: string): Promise<void> {
  await tokens.registerClient({
    clientId: CONSOLE_CLIENT,
    redirectUris: [`${serverUrl}/console/callback`],
    postLogoutRedirectUris: [`${serverUrl}/console/`],
    backchannelLogoutUri: `${serverUrl}/console/back-channel-sign-out`,
  });
}

/** Settings with which the server trusts and uses these stand-ins, as environment variables. Writes the files that they
 *  point to. The names belong to src/infrastructure/settings/config.ts. */
export function sandboxSettings(sandbox: Sandbox): Readonly<Record<string, string>> {
  const { jpki, government, tokens, timestamps } = sandbox;
  const file = (name: string, content: string): string => {
    const full = path.resolve(sandbox.folder, name);
    writeFileSync(full, content);
    return full;
  };
  const { keyId, modulusHex, exponentHex } = jpki.cardRoot;
  return {
    HONNIN_ENVIRONMENT: 'test',
    HONNIN_JPKI_AUTH_ANCHORS: file('anchors-user-authentication.pem', jpki.anchorsPem.user_authentication),
    HONNIN_JPKI_SIGN_ANCHORS: file('anchors-digital-signature.pem', jpki.anchorsPem.digital_signature),
    HONNIN_JPKI_AUTH_POLICY_OIDS: POLICY_OIDS.user_authentication,
    HONNIN_JPKI_SIGN_POLICY_OIDS: POLICY_OIDS.digital_signature,
    HONNIN_JPKI_OCSP_URL: jpki.ocspUrl,
    HONNIN_JPKI_CRL_AUTH_URL: jpki.crlUrls.user_authentication,
    HONNIN_JPKI_CRL_SIGN_URL: jpki.crlUrls.digital_signature,
    HONNIN_JPKI_LINK_URL: jpki.linksUrl,
    HONNIN_CARD_ISSUER_KEYS: file(
      'card-issuer-keys.json',
      `${JSON.stringify([{ keyIdHex: keyId, modulus: modulusHex, exponent: exponentHex }], null, 2)}\n`,
    ),
    HONNIN_GOVERNMENT_URL: government.url,
    HONNIN_OIDC_ISSUER: tokens.issuer,
    HONNIN_OIDC_AUDIENCE: tokens.audience,
    HONNIN_CONSOLE_CLIENT_ID: CONSOLE_CLIENT,
    HONNIN_TSA_URL: timestamps.tsaUrl,
    HONNIN_TSA_ANCHORS: file('anchor-timestamps.pem', timestamps.anchorPem),
    HONNIN_TSA_CRL_URLS: timestamps.crlUrl,
    HONNIN_TSA_POLICY: TIMESTAMP_POLICY,
    // Once an hour is for authorities that charge for it.
    HONNIN_TSA_SECONDS: '10',
  };
}

/** The port of the last time when nobody else took it since. */
async function freeOrZero(port: number): Promise<number> {
  if (port === 0) return 0;
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(0));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)));
  });
}
