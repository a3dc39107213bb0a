import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import openapiTS, { astToString } from 'openapi-typescript';
import { ApiServer } from '../api/support/api-server.js';

const file = fileURLToPath(new URL('../../src/console/app/api/schema.d.ts', import.meta.url));
const HEADING = `/** What the server's own description says, as types. Generated: \`UPDATE_CONSOLE_TYPES=1 ./honnin test
 * test/console/api-types.test.ts\` writes it, and the same test fails while it is not current. */
`;

describe("the console's types of the API", () => {
  let api: ApiServer;
  beforeAll(async () => {
    api = await ApiServer.start();
  });
  afterAll(() => api.close());

  it('are those that the server describes', async () => {
    const document = (await api.inject({ method: 'GET', url: '/openapi.json' })).json<object>();
    const types = HEADING + astToString(await openapiTS(JSON.stringify(document)));
    if (process.env['UPDATE_CONSOLE_TYPES'] === '1') writeFileSync(file, types);
    expect(existsSync(file) ? readFileSync(file, 'utf8') : 'missing').toBe(types);
    expect(types).toContain("'/v1/holds'".replaceAll("'", '"'));
  });
});
