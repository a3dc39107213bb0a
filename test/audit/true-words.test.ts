import { describe, expect, it } from '@jest/globals';
import { gapsInWords } from '../../src/domain/audit/bundle/gaps-in-words.js';
import { differences } from '../../src/domain/audit/story/time-travel.js';

/** An answer says no more than was looked at. @fault Q9 */
describe('words of answers', () => {
  it.each([
    [{ noGaps: true, leaves: 474, treeSize: 474 }, 'no gaps'],
    [
      { noGaps: true, leaves: 330, treeSize: 474 },
      'no gaps in the range that was asked for; 144 of 474 entries of the log are not here',
    ],
    [{ noGaps: false, leaves: 12, treeSize: 474 }, 'gaps are not excluded'],
    [{ noGaps: true, leaves: 0, treeSize: null }, 'no gaps'],
  ])('%j: %s', (report, words) => expect(gapsInWords(report)).toBe(words));

  it('call a member that is not there and one that is null no difference', () => {
    expect(differences({ stop: null, stage: 'held' }, { stage: 'held' })).toEqual([]);
    expect(differences({ stage: 'held' }, { stage: 'held', stop: null })).toEqual([]);
    expect(differences(undefined, undefined)).toEqual([]);
    expect(differences({ stop: null }, { stop: 'material' })).toEqual([
      { path: 'stop', before: null, after: 'material' },
    ]);
  });
});
