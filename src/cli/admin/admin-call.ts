import { existsSync, readFileSync } from 'node:fs';
import type { Json, JsonObject } from '../../domain/event-envelope.js';
import { say, sayJson } from '../audit/arguments.js';
import { memberLines, tableLines } from '../audit/print-table.js';
import { ask } from '../audit/server-answers.js';
import { EXIT, UsageError } from '../command.js';

export interface AdminOptions {
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly 'token-file'?: string | undefined;
  readonly json?: boolean | undefined;
  readonly reason?: string | undefined;
  readonly reference?: string | undefined;
  readonly rule?: string | undefined;
  readonly key?: string | undefined;
  readonly 'based-on'?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly 'dry-run'?: boolean | undefined;
  readonly issuer?: string | undefined;
  readonly client?: string | undefined;
  readonly scope?: string | undefined;
}

/** One call of `honnin admin`: what is asked of which server, as whom, and how the answer is shown. */
export class AdminCall {
  constructor(
    readonly options: AdminOptions,
    /** Names that follow the words of the command. */
    readonly names: readonly string[],
  ) {}

  get<T>(path: string): Promise<T> {
    return ask<T>(this.server, this.token, path);
  }

  post<T>(path: string, body: object = {}): Promise<T> {
    return ask<T>(this.server, this.token, path, body);
  }

  /** Every page of a list, in one. @param member the member of the answer that holds the rows */
  async rows(path: string, member: string): Promise<readonly JsonObject[]> {
    const rows: JsonObject[] = [];
    for (let cursor: string | null = null; ;) {
      const page: Page = await this.get(`${path}?limit=${PAGE}${cursor === null ? '' : `&cursor=${cursor}`}`);
      rows.push(...(page[member] as readonly JsonObject[]));
      cursor = page.nextCursor ?? null;
      if (cursor === null) return rows;
    }
  }

  /** Names that go into an address. @throws {UsageError} for more or fewer than are asked for */
  named(...what: readonly string[]): readonly string[] {
    if (this.names.length !== what.length)
      throw new UsageError(what.length === 0 ? 'this takes no names' : `this needs ${what.join(' and ')}`);
    return this.names.map(encodeURIComponent);
  }

  needed(...options: readonly ('reason' | 'reference' | 'rule' | 'key')[]): readonly string[] {
    const missing = options.filter((name) => !this.options[name]);
    if (missing.length > 0) throw new UsageError(`this needs ${missing.map((name) => `--${name}`).join(' and ')}`);
    return options.map((name) => this.options[name] as string);
  }

  /** A table for people, or the rows as they came. */
  showRows(rows: readonly JsonObject[], columns?: readonly string[]): number {
    if (this.options.json) sayJson(rows);
    else if (rows.length === 0) say('none');
    else for (const line of tableLines(rows, columns && [...columns])) say(line);
    return EXIT.ok;
  }

  /** One thing, a line for each of its members, or as it came. */
  show(value: object, words: string | null = null): number {
    if (this.options.json) sayJson(value);
    else for (const line of words === null ? memberLines(value as JsonObject) : [words]) say(line);
    return EXIT.ok;
  }

  get server(): string {
    const { server } = this.options;
    if (server === undefined || !URL.canParse(server))
      throw new UsageError('the address of the server is needed: --server https://honnin.example');
    return server;
  }

  /** Whether the command names a token, in whichever way, before any sign-in that is kept. */
  get isTokenGiven(): boolean {
    return (this.token ?? process.env['HONNIN_TOKEN']) !== undefined;
  }

  private get token(): string | undefined {
    return tokenOf(this.options);
  }
}

/** The access token that was given, in a file or as it is. @returns undefined where none was:
 * HONNIN_TOKEN, or who is signed in @throws {UsageError} */
export function tokenOf({ token, 'token-file': file }: Pick<AdminOptions, 'token' | 'token-file'>): string | undefined {
  if (token !== undefined && file !== undefined) throw new UsageError('give --token or --token-file, not both');
  if (file === undefined) return token;
  if (!existsSync(file)) throw new UsageError(`--token-file ${file}: there is no such file`);
  return readFileSync(file, 'utf8').trim();
}

const PAGE = 200;
type Page = Readonly<Record<string, Json | undefined>> & { readonly nextCursor?: string | null };
