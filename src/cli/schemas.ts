import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { asyncApiDocument } from '../application/publication/asyncapi.js';
import { judgeSchema, runSchema, storedTypeFor } from '../application/publication/check-schema.js';
import type { EventStore } from '../application/ports/store/event-store.js';
import type { JsonObject } from '../domain/event-envelope.js';
import { EVENT_CONTRACTS, parseSchemaId } from '../domain/publication/event-contracts.js';
import { Config } from '../infrastructure/settings/config.js';
import { EVENTS_FILE, openEventStore } from '../infrastructure/event-store/open-event-store.js';
import { asyncApiOptions } from '../infrastructure/kafka/asyncapi-options.js';
import { publishedSchemas, schemaValidator, writeSchemas } from '../infrastructure/kafka/schema-files.js';
import { EXIT, UsageError, type CliCommand } from './command.js';

const PUBLISHED = fileURLToPath(new URL('../../docs/schemas/', import.meta.url));

export const command: CliCommand = {
  help: `
Keeps the contracts of published events: one JSON Schema for each type, in revisions that never change.

  ./honnin schemas list
  ./honnin schemas check [FILE ...]   judges candidates against every published revision and against every event ever
                                      stored (HONNIN_DATA); without FILE the schemas of this program
  ./honnin schemas write              writes new schemas of this program to docs/schemas
  ./honnin schemas asyncapi           prints the AsyncAPI 3 document

A candidate is refused unless it is fully compatible with all earlier revisions of its version: only optional fields may
come and go, and words may change. Everything else needs a new version of the type (…v2). The first stored event that
does not fit is named with its position.

Options
  --published DIR   folder of the published schemas; default docs/schemas

Exit code 0: every candidate may be published; 1: one is refused or a stored event does not fit.

Example
  ./honnin schemas check held-with-reason.json
`,
  async run([action, ...args]) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { published: { type: 'string', default: PUBLISHED } },
    });
    switch (action) {
      case 'list':
        for (const { type, revision, schema } of Object.values(EVENT_CONTRACTS))
          say(`${type.padEnd(48)} revision ${revision}   ${String(schema['description'])}`);
        return EXIT.ok;
      case 'check':
        return check(positionals, values.published);
      case 'write':
        return write(values.published);
      case 'asyncapi':
        say(JSON.stringify(asyncApiDocument(asyncApiOptions(Config.from(process.env))), null, 2));
        return EXIT.ok;
      default:
        throw new UsageError('say what to do: list, check, write or asyncapi');
    }
  },
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function write(folder: string): number {
  const { written, differing } = writeSchemas(folder);
  for (const file of written) say(`written    ${file}`);
  for (const file of differing)
    say(`DIFFERS    ${file}: a published revision is never changed; raise the revision of the contract`);
  return differing.length === 0 ? EXIT.ok : EXIT.failed;
}

async function check(files: readonly string[], published: string): Promise<number> {
  const candidates =
    files.length === 0 ? Object.values(EVENT_CONTRACTS).map(({ schema }) => schema) : files.map(candidateFrom);
  const config = Config.from(process.env);
  const { eventStore } = config.values;
  const isThere = eventStore !== 'sqlite' || existsSync(config.inData(EVENTS_FILE));
  const store = isThere ? await openEventStore(eventStore, config.inData(), { mode: 'read' }) : null;
  if (!store) say(`there is no event log in ${config.inData()} yet: nothing stored to check against`);
  try {
    let failed = 0;
    for (const candidate of candidates) if (!(await checkOne(candidate, published, store))) failed += 1;
    return failed === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    await store?.close();
  }
}

async function checkOne(candidate: JsonObject, published: string, store: EventStore | null): Promise<boolean> {
  const name = String(candidate['$id'] ?? 'a schema without $id');
  const judged = judgeSchema(candidate, publishedSchemas(published));
  const words = {
    published: 'is published as it is',
    compatible: 'is compatible with every earlier revision, in both directions',
    new_version: 'is a new version',
    new_type: 'is a new type',
    refused: 'is REFUSED',
  };
  say(`${name} ${words[judged.verdict]}`);
  if (judged.verdict === 'refused') for (const problem of judged.problems) say(`    ${problem}`);
  const type = storedTypeFor(parseSchemaId(name)?.type ?? '');
  const fits =
    store === null ||
    type === null ||
    (await fitsStored(store, candidate, type, { mayDiffer: judged.verdict === 'new_version' }));
  return judged.verdict !== 'refused' && fits;
}

async function fitsStored(
  store: EventStore,
  candidate: JsonObject,
  type: string,
  { mayDiffer }: { readonly mayDiffer: boolean },
): Promise<boolean> {
  const { stored, ofType, firstFailure } = await runSchema(store, type, schemaValidator(candidate));
  if (!firstFailure) say(`    fits all ${ofType} stored facts of ${type} (${stored} events looked at)`);
  else
    say(
      `    ${mayDiffer ? 'not so the facts of' : 'DOES NOT FIT'} ${type}: first at position ${firstFailure.position}, ${firstFailure.storedType} ${firstFailure.eventId}: ${firstFailure.error}${mayDiffer ? ' (a new version may differ; the translation must be written)' : ''}`,
    );
  return firstFailure === null || mayDiffer;
}

function candidateFrom(file: string): JsonObject {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JsonObject;
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
