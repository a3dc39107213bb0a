import { describe, expect, it } from '@jest/globals';
import { explain } from '../../src/domain/audit/story/explain.js';
import { inJapanese, japanTime } from '../../src/domain/audit/story/japanese-terms.js';
import { OFFICER_OPINIONS, OPINION_REASONS } from '../../src/domain/hold-review/hold-review.events.js';
import { SyntheticHistory } from '../../src/sandbox/synthetic-history.js';

describe('Japanese words for code words', () => {
  it('are there for everything that an officer chooses', () => {
    for (const word of [...OFFICER_OPINIONS, ...OPINION_REASONS]) expect(inJapanese(word)).not.toBe(word);
  });
  it('show an unknown word as it is stored', () => {
    expect(inJapanese('constructor')).toBe('constructor');
    expect(inJapanese(undefined)).toBe('undefined');
  });
  // @fault Q3
  it.each([
    ['2026-11-23T08:15:30.123Z', '2026年11月23日17時15分30秒'],
    ['2025-12-31T15:00:00.000Z', '2026年1月1日0時00分00秒'],
    ['someday', 'someday'],
    [null, 'null'],
  ])('tell the time of Japan: %s', (instant, told) => expect(japanTime(instant)).toBe(told));
  // @fault Q3
  it('tell no instant of another clock', () => {
    const stories: string[] = [];
    const history = new SyntheticHistory({ seed: 9 });
    for (const { events } of [...history.appends(60), ...history.endRetention()])
      for (const event of events) stories.push(explain(event as unknown as Parameters<typeof explain>[0], 'ja'));
    expect(stories.filter((text) => /\d{4}年\d+月\d+日/.test(text)).length).toBeGreaterThan(20);
    expect(stories.filter((text) => /\dT\d\d:/.test(text))).toEqual([]);
  });
  it('leave no code word of ours in the Japanese story of a history', () => {
    const stories = new Set<string>();
    const history = new SyntheticHistory({ seed: 8 });
    for (const { events } of [...history.appends(60), ...history.endRetention()]) {
      for (const event of events)
        stories.add(
          explain(event as unknown as Parameters<typeof explain>[0], 'ja').replace(
            /\d{4}-\d\d-\d\dT[\d:.]+Z|\d{4}年\d+月\d+日\d+時\d\d分\d\d秒|#[\w-]+|ブース\S+から/g,
            '',
          ),
        );
    }
    const told = [...stories].filter((text) => /[ぁ-ん]/.test(text));
    expect(told.length).toBeGreaterThan(20);
    expect(told).toEqual(
      expect.arrayContaining([
        expect.stringContaining('封印したまま'),
        expect.stringContaining('規則「保存期間の満了」により、認めなかった電子証明書の証拠と鍵を消去した'),
      ]),
    );
    // The government's own reason is its text, not ours.
    expect(
      told.filter((text) => /[a-z]+_[a-z]+/.test(text) && !text.startsWith('行政サーバーが受理しなかった')),
    ).toEqual([]);
  });
});
