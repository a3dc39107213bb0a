import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { isObjectIdentifier } from '../../infrastructure/x509/asn1/oids.js';
import { EXIT, UsageError } from '../command.js';

/** Files, instants and batch lines of the `verify-` tools. */

/** The DER objects in a file: one in DER, or every PEM block. @throws {UsageError} when the file cannot be read */
export function readDerFile(file: string): Buffer[] {
  const bytes = readInputFile(file);
  const blocks = pemBlocks(bytes.toString('latin1'));
  return blocks.length > 0 ? blocks : [bytes];
}

/** The one DER object in a file. @throws {UsageError} */
export function readOneDer(file: string): Buffer {
  const [first, ...rest] = readDerFile(file);
  if (first === undefined || rest.length > 0)
    throw new UsageError(`${file}: one object is expected, ${rest.length + 1} found`);
  return first;
}

export function readInputFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function pemBlocks(text: string): Buffer[] {
  return [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g)].map((block) =>
    Buffer.from(block[2]!, 'base64'),
  );
}

/** Seconds since 1970. @throws {UsageError} */
export function instant(text: string): number {
  const milliseconds = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : NaN;
  if (Number.isNaN(milliseconds))
    throw new UsageError(`'${text}' is not an instant of RFC 3339, for example 2026-11-23T05:02:00Z`);
  return milliseconds / 1000;
}

export function hexBytes(text: string): Buffer {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw new UsageError(`'${text.slice(0, 40)}' is not hexadecimal`);
  return Buffer.from(text, 'hex');
}

/** @throws {UsageError} unless it is a whole number that is not negative */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`'${text}' is not a whole number`);
  return Number(text);
}

/** @throws {UsageError} unless it is an object identifier in dotted numbers */
export function objectIdentifier(text: string): string {
  if (!isObjectIdentifier(text))
    throw new UsageError(`'${text.slice(0, 80)}' is not an OID, for example 1.3.6.1.5.5.7.3.2`);
  return text;
}

/** Reads fields of one batch line. Absent and null are the same; everything else must have the right type.
 * @throws {UsageError} */
export class BatchLine {
  private readonly used = new Set<string>(['id']);
  private constructor(private readonly fields: Readonly<Record<string, unknown>>) {}

  static parse(text: string): BatchLine {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new UsageError('the line is not JSON');
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new UsageError('the line is not a JSON object');
    return new BatchLine(value as Record<string, unknown>);
  }

  get id(): unknown {
    return this.fields['id'] ?? null;
  }

  /** Fields that nobody asked for: most likely misspelt. */
  get unused(): string[] {
    return Object.keys(this.fields).filter((name) => !this.used.has(name));
  }

  text(name: string): string | undefined {
    return this.typed(name, 'a text', (v): v is string => typeof v === 'string');
  }

  flag(name: string): boolean | undefined {
    return this.typed(name, 'true or false', (v): v is boolean => typeof v === 'boolean');
  }

  count(name: string): number | undefined {
    return this.typed(
      name,
      'a whole number',
      (v): v is number => typeof v === 'number' && Number.isSafeInteger(v) && v >= 0,
    );
  }

  /** An empty list is as good as none. */
  texts(name: string): string[] | undefined {
    const list = this.typed(
      name,
      'a list of texts',
      (v): v is string[] => Array.isArray(v) && v.every((one) => typeof one === 'string'),
    );
    return list === undefined || list.length === 0 ? undefined : list;
  }

  /** Base64 (or PEM) of one object. */
  bytes(name: string): Buffer {
    const text = this.text(name);
    if (text === undefined) throw new UsageError(`'${name}' is missing`);
    return decode(text, name);
  }

  byteLists(name: string): Buffer[] {
    return (this.texts(name) ?? []).map((text) => decode(text, name));
  }

  private typed<T>(name: string, what: string, is: (value: unknown) => value is T): T | undefined {
    this.used.add(name);
    const value = this.fields[name];
    if (value === undefined || value === null) return undefined;
    if (!is(value)) throw new UsageError(`'${name}' must be ${what}`);
    return value;
  }
}

function decode(text: string, name: string): Buffer {
  const [pem] = pemBlocks(text);
  if (pem !== undefined) return pem;
  if (!/^[A-Za-z0-9+/_\s-]*={0,2}\s*$/.test(text)) throw new UsageError(`'${name}' is not base64`);
  return Buffer.from(text, 'base64');
}

/** Reads one case per line and writes one verdict per line, each at once, so that a caller may also ask and wait.
 * @param judge the verdict's fields; throws UsageError on a line that is not a case
 * @param verdictField the field that says `unknown` for such a line: it must never read as valid or invalid
 * @returns 0 when every line got its verdict, 64 when one was not a case, 70 when a bug stopped one. All other lines
 *   are answered in any case. */
export async function runBatch(
  file: string | undefined,
  judge: (line: BatchLine) => object,
  verdictField: 'verdict' | 'status',
): Promise<number> {
  const input: NodeJS.ReadableStream = file === undefined || file === '-' ? process.stdin : createReadStream(file);
  const failed = new Promise<never>((_resolve, reject) =>
    input.once('error', (error: Error) => reject(new UsageError(`${file}: ${error.message}`))),
  );
  return Promise.race([answerLines(input, judge, verdictField), failed]);
}

async function answerLines(
  input: NodeJS.ReadableStream,
  judge: (line: BatchLine) => object,
  verdictField: 'verdict' | 'status',
): Promise<number> {
  let code: number = EXIT.ok;
  const warned = new Set<string>();
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    if (text.trim() === '') continue;
    const started = performance.now();
    const { id, outcome, failure } = answerLine(text, judge, warned);
    if (failure !== null) code = Math.max(code, failure.reason === 'internal' ? EXIT.internal : EXIT.usage);
    await write(
      `${JSON.stringify({ id, ...(failure === null ? outcome : { [verdictField]: 'unknown', ...failure }), elapsedMs: elapsedSince(started) })}\n`,
    );
  }
  return code;
}

interface LineAnswer {
  readonly id: unknown;
  readonly outcome: object;
  readonly failure: { readonly reason: 'usage' | 'internal'; readonly detail: string } | null;
}

function answerLine(text: string, judge: (line: BatchLine) => object, warned: Set<string>): LineAnswer {
  let line: BatchLine | null = null;
  try {
    line = BatchLine.parse(text);
    const outcome = judge(line);
    for (const name of line.unused) {
      if (!warned.has(name)) process.stderr.write(`honnin: field '${name}' is not known and was ignored\n`);
      warned.add(name);
    }
    return { id: line.id, outcome, failure: null };
  } catch (error) {
    const reason = error instanceof UsageError ? 'usage' : 'internal';
    if (reason === 'internal') process.stderr.write(`honnin: internal error: ${describe(error)}\n`);
    return {
      id: line?.id ?? null,
      outcome: {},
      failure: { reason, detail: error instanceof Error ? error.message : String(error) },
    };
  }
}

/** Node ends with 1 after an uncaught error, which would read as "invalid". */
export function neverCrashWithAVerdict(): void {
  process.on('uncaughtException', (error) => {
    process.stderr.write(`honnin: internal error: ${describe(error)}\n`);
    process.exit(EXIT.internal);
  });
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

export function elapsedSince(started: number): number {
  return Math.round((performance.now() - started) * 1000) / 1000;
}

/** Waits for a full pipe, so that a slow reader does not pile up verdicts in memory. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}
