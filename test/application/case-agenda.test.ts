import { describe, expect, it } from '@jest/globals';
import { CaseAgenda } from '../../src/application/saga/case-agenda.js';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();

function taken(agenda: CaseAgenda): string[] {
  const all: string[] = [];
  for (let next = agenda.take(); next !== undefined; next = agenda.take()) all.push(next);
  return all;
}

describe('case agenda', () => {
  it('hands out each changed case once, the longest waiting first', () => {
    const agenda = new CaseAgenda();
    for (const id of ['a', 'b', 'a']) agenda.change(id);
    expect(taken(agenda)).toEqual(['a', 'b']);
    expect(taken(agenda)).toEqual([]);
  });

  it('wakes a waiting case at the earliest of its instants, and not before', () => {
    const agenda = new CaseAgenda();
    agenda.wait('a', [at(20), null, at(10)]);
    agenda.wake(at(9));
    expect(taken(agenda)).toEqual([]);
    agenda.wake(at(10));
    expect(taken(agenda)).toEqual(['a']);
    agenda.wake(at(30));
    expect(taken(agenda)).toEqual([]);
  });

  it('never wakes a case that waits for a person, and forgets the time of one that changed', () => {
    const agenda = new CaseAgenda();
    agenda.wait('operator', [null]);
    agenda.wait('a', [at(10)]);
    agenda.change('a');
    expect(taken(agenda)).toEqual(['a']);
    agenda.wake(at(60));
    expect(taken(agenda)).toEqual([]);
  });

  it('does not look at cases that only wait: 100,000 of them leave the agenda empty', () => {
    const agenda = new CaseAgenda();
    for (let i = 0; i < 100_000; i++) agenda.wait(`case-${i}`, [at(3600 + i)]);
    agenda.wake(at(3600));
    expect(taken(agenda)).toEqual(['case-0']);
  });
});
