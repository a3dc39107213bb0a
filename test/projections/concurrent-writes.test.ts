import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { ReadModelDatabase } from '../../src/infrastructure/read-model/read-model-database.js';

it('keeps concurrent writes of one process in transactions of their own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'honnin-read-model-'));
  const database = ReadModelDatabase.open(join(folder, 'readmodel.db'));
  try {
    await database.write(() => database.execute('CREATE TABLE numbers (n INTEGER PRIMARY KEY)'));
    const writes = Array.from({ length: 20 }, (_, n) =>
      database.write(() => {
        database.statement('INSERT INTO numbers (n) VALUES (?)').run(n);
        if (n % 5 === 0) throw new Error(`refused ${n}`);
      }),
    );
    const results = await Promise.allSettled(writes);
    expect(results.filter((r) => r.status === 'rejected')).toHaveLength(4);
    expect(database.readStatement('SELECT count(*) AS n FROM numbers').get()).toEqual({ n: 16 });
  } finally {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
