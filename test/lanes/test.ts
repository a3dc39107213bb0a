// The lane `./honnin test`: its own words and its quick choice; everything else goes to Jest as it was given.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from 'jest';
import { QUICK } from './quick.ts';

/** What `./honnin test --help` prints. */
export const HELP = `honnin test: runs the tests.

Usage: ./honnin test [--quick] [FILE or PATTERN ...] [OPTIONS OF JEST]

  ./honnin test --quick                     the rules, formats and readers, without servers; a minute
  ./honnin test                             everything, about a quarter of an hour; see below
  ./honnin test test/domain/values.test.ts  one file; part of a path names every file that has it
  ./honnin test test/domain -t 'bound'      the tests of a folder whose sentence contains a word
  ./honnin test --watch test/domain         any option of Jest; 'node_modules/.bin/jest --help' lists them all

Lanes
  ./honnin test --quick   while you work
  ./honnin test           before you hand something over
  .ci/run                 what a change must pass: everything, with the programs that tests compare with installed first
  ./honnin soak           hours: the same suites with large numbers, and mutation testing

The whole run compares Honnin with programs that you may have: openssl, chromium, kcat, strace, go, cjpeg, Java with
Maven, python3 with its package cryptography, schemathesis, openapi-python-client. Each is tried once, before its tests;
what is not here or half there is skipped, and a line 'skipped: ...' says why (with CI=true it fails). Nothing is
installed. Where Java and Maven are found, Maven fetches Apache Kafka once (kept in Maven's own folder);
where Go is found, it fetches golang.org/x/mod once. Nothing else is downloaded.

Case files and suites that are not part of Honnin are read from the folder HONNIN_SHARED (../shared without it), where
there is one. Environment for larger numbers: './honnin soak --help'. How to debug a test: CONTRIBUTING.md.
`;

/** Arguments as the user gave them, for Jest: `--quick` stands for the files of the quick lane. */
export function forJest(args: readonly string[]): string[] {
  const given = args.filter((arg) => arg !== '--quick');
  return given.length === args.length ? given : [...given, ...QUICK.map((place) => `/test/${place}`)];
}

async function main(args: readonly string[]): Promise<void> {
  if (args[0] === '--help' || args[0] === '-h') {
    process.stdout.write(HELP);
    return;
  }
  process.env['NODE_ENV'] ??= 'test';
  // What one test file finds out about the programs that are here, the others need not try again.
  const folder = mkdtempSync(path.join(tmpdir(), 'honnin-test-run-'));
  process.env['HONNIN_TEST_RUN'] = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await run(forJest(args));
}

if (import.meta.main) await main(process.argv.slice(2));
