import { mkdirSync, readdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import type { JsonObject } from '../../domain/event-envelope.js';
import {
  ACKNOWLEDGEMENT_CONTRACT,
  EVENT_CONTRACTS,
  parseSchemaId,
  type EventContract,
} from '../../domain/publication/event-contracts.js';

/** Every revision that was ever published, from `<folder>/<type>/<revision>.json`. @throws {Error} for a file that does
 * not say what its name says */
export function publishedSchemas(folder: string): readonly EventContract[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: type }) =>
      readdirSync(join(folder, type))
        .filter((file) => file.endsWith('.json'))
        .map((file): EventContract => {
          const schema = JSON.parse(readFileSync(join(folder, type, file), 'utf8')) as JsonObject;
          const revision = Number(file.replace('.json', ''));
          const id = parseSchemaId(String(schema['$id']));
          if (id?.type !== type || id.revision !== revision)
            throw new Error(`${join(folder, type, file)} has the $id ${String(schema['$id'])}`);
          return { type, revision, schema };
        }),
    );
}

/** Writes the contracts of this program beside the published ones. What is published is never written again.
 *  @returns names of new files, and of files whose published content differs from the program */
export function writeSchemas(folder: string): {
  readonly written: readonly string[];
  readonly differing: readonly string[];
} {
  const [written, differing]: [string[], string[]] = [[], []];
  for (const { type, revision, schema } of [...Object.values(EVENT_CONTRACTS), ACKNOWLEDGEMENT_CONTRACT]) {
    const file = join(folder, type, `${revision}.json`);
    const text = `${JSON.stringify(schema, null, 2)}\n`;
    if (existsSync(file)) {
      if (readFileSync(file, 'utf8') !== text) differing.push(file);
      continue;
    }
    mkdirSync(join(folder, type), { recursive: true });
    writeFileSync(file, text);
    written.push(file);
  }
  return { written, differing };
}

/** A function that says what of some data does not fit a schema, or null. @throws {Error} when it is no JSON Schema
 * (draft-07) */
export function schemaValidator(schema: JsonObject): (data: JsonObject) => string | null {
  const ajv = addFormats.default(new Ajv({ allErrors: true, validateSchema: true }));
  const validate = ajv.compile(schema as object);
  return (data) => (validate(data) ? null : ajv.errorsText(validate.errors, { dataVar: 'data' }));
}
