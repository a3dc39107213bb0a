import { describe, expect, it } from '@jest/globals';
import { explain } from '../../src/domain/audit/story/explain.js';
import type { LeafEvent } from '../../src/domain/audit/log/leaf.js';
import { caseState, differences } from '../../src/domain/audit/story/time-travel.js';
import { WhatIf } from '../../src/domain/audit/what-if/what-if.js';
import { doubtsOfComparison } from '../../src/domain/registration/explain-doubts.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';

const events: LeafEvent[] = [...new SyntheticHistory({ seed: 8 }).appends(200, { registrants: 20 })].flatMap(
  ({ stream, events: made, expected }) =>
    made.map((event, i) => ({ ...event, stream, revision: (expected === 'no_stream' ? 0 : expected + 1) + i })),
);
function whatIf(change: ConstructorParameters<typeof WhatIf>[0]) {
  const run = new WhatIf(change);
  events.forEach((event, index) => run.feed(index, event));
  return run.finish();
}

describe('what other thresholds would have done', () => {
  const compared = events.filter((e) => ['FaceMatched', 'FaceMismatched', 'FaceReferred'].includes(e.type));
  const gapOf = (e: LeafEvent) => {
    const r = e.data['registered'] as { comparison: string; points: number };
    return r.comparison === 'compared' ? Number(e.data['cardPoints']) - r.points : null;
  };

  it('nothing, when they are the thresholds that were in force', () => {
    const report = whatIf({ holdMarginPoints: 2000, cardMatchPointsMin: 9204 });
    expect(report.comparisons).toBe(compared.length);
    expect(report.flips).toEqual([]);
  });
  it('holds exactly the confirmed cases whose gap reaches a smaller margin', () => {
    const report = whatIf({ holdMarginPoints: 1000 });
    const expected = compared
      .filter((e) => e.data['confirmation'] === 'confirmed' && (gapOf(e) ?? -1) >= 1000)
      .map((e) => e.metadata.correlationId);
    expect(expected.length).toBeGreaterThan(3);
    expect(report.flips.map((f) => f.requestId).sort()).toEqual(expected.sort());
    expect(report.byChange).toEqual({ 'confirmed → held:registered_gap': expected.length });
    expect(Object.values(report.byBooth).reduce((sum, c) => sum + c.flips, 0)).toBe(expected.length);
    expect(Object.keys(report.byMonth)).toEqual(['2026-01']);
  });
  it('refuses exactly the matched cases below a higher threshold', () => {
    // Where the pictures are in doubt a lower score is held instead.
    const certain = compared.filter((e) => doubtsOfComparison(e.data).length === 0);
    const expected = certain
      .filter((e) => e.type === 'FaceMatched' && Number(e.data['cardPoints']) < 9500)
      .map((e) => e.metadata.correlationId);
    const flips = whatIf({ cardMatchPointsMin: 9500 }).flips.filter(
      (f) => f.wouldBe === 'mismatched' && certain.some((e) => e.metadata.correlationId === f.requestId),
    );
    expect(expected.length).toBeGreaterThan(3);
    expect(flips.map((f) => f.requestId).sort()).toEqual(expected.sort());
  });
});

describe('the past of a case', () => {
  const heldId = events.find((e) => e.type === 'Held' && e.data['registeredPoints'] !== null)!.metadata.correlationId;
  const own = events.filter((e) => e.metadata.correlationId === heldId);
  it('is the state that the same rules fold, at any moment, and differs by what happened in between', () => {
    const at = own.findIndex((e) => e.type === 'Held');
    const before = caseState(own.slice(0, at));
    const after = caseState(own.slice(0, at + 1));
    expect((after['registration'] as { stage: string }).stage).toBe('held');
    expect(differences(before, after).map((d) => d.path)).toEqual(
      expect.arrayContaining(['registration.stage', 'registration.dueAtUtc', 'events.Held']),
    );
    expect(differences(after, after)).toEqual([]);
  });
  it('is told in Japanese and English with the figures that decided', () => {
    const held = own.find((e) => e.type === 'Held')!;
    const d = held.data as Record<string, unknown>;
    expect(explain(held, 'en')).toContain(
      `${d['cardPoints']} − ${d['registeredPoints']} = ${d['differencePoints']}; bound ${d['boundPoints']}`,
    );
    expect(explain(held, 'ja')).toContain(`基準${d['boundPoints']}`);
    const story = events.filter(({ stream }) => /^(?:registration|registrant|hold)-/.test(stream));
    for (const event of story)
      for (const language of ['ja', 'en'] as const) {
        expect(explain(event, language)).not.toBe(event.type);
        expect(explain(event, language)).not.toMatch(/undefined|\[object/);
      }
  });
});
