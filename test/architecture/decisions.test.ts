import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const FOLDER = fileURLToPath(new URL('../../docs/decisions/', import.meta.url));

/** What is not right between the files and the index, one sentence each.
 *  @param files names of files in the folder of decisions
 *  @param index the text of its README.md: one line `- [0001](0001-name.md) words` for each */
function discrepancies(files: readonly string[], index: string): string[] {
  const lines = [...index.matchAll(/^- \[(\d{4})\]\((\d{4})-([^)]+)\) \S/gm)];
  const named = lines.map(([, , number, rest]) => `${number}-${rest}`);
  return [
    ...files.filter((file) => !named.includes(file)).map((file) => `the index has no line for ${file}`),
    ...named.filter((file) => !files.includes(file)).map((file) => `the index names ${file}, which is not there`),
    ...lines.flatMap(([, shown, number]) => (shown === number ? [] : [`the line of ${number} says ${shown}`])),
    ...twice(named.map(numberOf)).map((number) => `the index has ${number} twice`),
    ...twice(files.map(numberOf)).map((number) => `two decisions have the number ${number}: take the next free one`),
  ];
}

const numberOf = (file: string): string => file.slice(0, 4);

function twice(numbers: readonly string[]): string[] {
  return [...new Set(numbers.filter((number, index) => numbers.indexOf(number) !== index))];
}

describe('the index of decisions', () => {
  it('names each of them once', () => {
    const files = readdirSync(FOLDER).filter((file) => file !== 'README.md');
    expect(files.length).toBeGreaterThan(60);
    expect(discrepancies(files, readFileSync(`${FOLDER}README.md`, 'utf8'))).toEqual([]);
  });

  const line = (number: string, file: string): string => `- [${number}](${file}) words\n`;
  it.each([
    ['a decision without a line', ['0001-a.md'], '', ['the index has no line for 0001-a.md']],
    ['a line without a decision', [], line('0001', '0001-a.md'), ['the index names 0001-a.md, which is not there']],
    ['a line that shows another number', ['0001-a.md'], line('0002', '0001-a.md'), ['the line of 0001 says 0002']],
    ['a line that stands twice', ['0001-a.md'], line('0001', '0001-a.md').repeat(2), ['the index has 0001 twice']],
    [
      'two decisions of one number',
      ['0001-a.md', '0001-b.md'],
      line('0001', '0001-a.md') + line('0001', '0001-b.md'),
      ['the index has 0001 twice', 'two decisions have the number 0001: take the next free one'],
    ],
    ['nothing where all is right', ['0001-a.md'], line('0001', '0001-a.md'), []],
  ])('tells %s', (_, files, index, expected) => {
    expect(discrepancies(files, index)).toEqual(expected);
  });
});
