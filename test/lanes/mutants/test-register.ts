// Stands in for `@jest/globals` where the tests of a target are run in one process again and again: it only writes
// down what there is to run. Matchers are those of Jest itself.
import { createRequire } from 'node:module';

type Body = () => unknown;

/** A group of tests as `describe` names it; a file is one as well. */
export interface Group {
  readonly name: string;
  readonly parent: Group | null;
  readonly hooks: Readonly<Record<Hook, Body[]>>;
}

export type Hook = 'beforeAll' | 'afterAll' | 'beforeEach' | 'afterEach';

export interface RegisteredTest {
  /** File, groups and sentence: its name in every process. */
  readonly id: string;
  /** Groups and sentence, as Jest matches them. */
  readonly sentence: string;
  readonly group: Group;
  readonly body: Body;
}

export const registered: RegisteredTest[] = [];
let current: Group = groupOf('', null);

/** What is written down from now on belongs to this file. */
export function beginFile(file: string): void {
  current = groupOf(file, null);
}

function groupOf(name: string, parent: Group | null): Group {
  return { name, parent, hooks: { beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] } };
}

/** From the file to the group itself. */
export function lineage(group: Group): readonly Group[] {
  return group.parent ? [...lineage(group.parent), group] : [group];
}

function group(name: string, body: Body): void {
  const outer = current;
  current = groupOf(name, outer);
  body();
  current = outer;
}

function test(name: string, body: Body): void {
  const [file, ...groups] = lineage(current).map((each) => each.name);
  const sentence = [...groups, name].join(' ');
  const same = registered.filter((each) => each.group === current && each.sentence === sentence).length;
  registered.push({ id: `${file}: ${sentence}${same > 0 ? ` (${same + 1})` : ''}`, sentence, group: current, body });
}

/** Sentences of a table are told apart by their number: their words are of no account here. */
function eachOf(add: (name: string, body: Body) => void) {
  return (rows: readonly unknown[]) => (name: string, body: (...row: readonly unknown[]) => unknown) => {
    for (const [i, row] of rows.entries())
      add(`${name} [${i}]`, () => body(...(Array.isArray(row) ? (row as readonly unknown[]) : [row])));
  };
}

const hook = (kind: Hook) => (body: Body) => void current.hooks[kind].push(body);
const nothing = Object.assign(() => {}, { each: () => () => {} });

export const describe = Object.assign(group, { each: eachOf(group), skip: nothing });
export const it = Object.assign(test, { each: eachOf(test), skip: nothing });
export const [beforeAll, afterAll] = [hook('beforeAll'), hook('afterAll')];
export const [beforeEach, afterEach] = [hook('beforeEach'), hook('afterEach')];

const fromGlobals = createRequire(createRequire(import.meta.url).resolve('@jest/globals'));
export const expect = (fromGlobals('@jest/expect') as { readonly jestExpect: unknown }).jestExpect;
