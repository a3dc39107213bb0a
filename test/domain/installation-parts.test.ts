import { describe, expect, it } from '@jest/globals';
import {
  judgeParts,
  type FoundParts,
  type InstallationClaim,
} from '../../src/domain/installation/installation-parts.js';

const claim: InstallationClaim = {
  installationId: 'us',
  origin: 'log.example/us',
  logKeySha256: 'log-key',
  masterKeyCheck: 'master',
  serverSecretCheck: 'secret',
  isFirstStart: true,
};

/** An installation that is whole. */
const whole: FoundParts = {
  log: { name: 'the event log events.db', events: 12, claim, originAfterLoss: null },
  origin: 'log.example/us',
  masterKey: { file: 'master.key', check: 'master' },
  serverSecret: { file: 'server.secret', check: 'secret' },
  logKeys: { publicFolder: 'audit/keys', firstSha256: 'log-key', secretFile: 'log-1.key', isSecretThere: true },
  vault: {
    file: 'keys.db',
    isThere: true,
    owners: 3,
    mark: { installationId: 'us', isClaimed: true },
    changes: 9,
    sealedFolder: 'sealed',
    isSealedThere: true,
    tombstones: { marks: 3, key: 'there' },
  },
  audit: { folder: 'audit', entries: 12 },
  readModel: { file: 'readmodel.db', installationId: 'us', isUsed: true, vaultChanges: 9 },
};
/** A folder and a store in which nothing ever was. */
const nothing: FoundParts = {
  log: { name: 'the event log events.db', events: 0, claim: null, originAfterLoss: null },
  origin: 'log.example/us',
  masterKey: { file: 'master.key', check: null },
  serverSecret: { file: 'server.secret', check: null },
  logKeys: { publicFolder: 'audit/keys', firstSha256: null, secretFile: 'log-1.key', isSecretThere: false },
  vault: {
    file: 'keys.db',
    isThere: false,
    owners: 0,
    mark: null,
    changes: 0,
    sealedFolder: 'sealed',
    isSealedThere: false,
    tombstones: { marks: 0, key: 'missing' },
  },
  audit: { folder: 'audit', entries: 0 },
  readModel: { file: 'readmodel.db', installationId: null, isUsed: false, vaultChanges: null },
};
type Change = { readonly [P in keyof FoundParts]?: FoundParts[P] extends string ? string : Partial<FoundParts[P]> };
/** `base` with some members of some parts changed. */
function but(base: FoundParts, change: Change): FoundParts {
  const parts = Object.entries(change).map(([part, members]) => {
    const before = base[part as keyof FoundParts];
    return [part, typeof members === 'string' || typeof before === 'string' ? members : { ...before, ...members }];
  });
  return { ...base, ...Object.fromEntries(parts) } as FoundParts;
}
const problemsOf = (found: FoundParts): readonly string[] => {
  const verdict = judgeParts(found);
  return verdict.is === 'refused' ? verdict.problems : [];
};
const unclaimed = but(whole, {
  log: { claim: null },
  vault: { mark: null, changes: 0 },
  readModel: { installationId: null, vaultChanges: null },
});

// @fault O11
describe('the parts that a start finds', () => {
  it('are a first start only where nothing is there of an earlier one', () => {
    expect(judgeParts(nothing)).toEqual({ is: 'first', installationId: null });
  });

  it('are a first start that was cut short, under the same id, wherever it died', () => {
    const cut = but(nothing, { vault: { isThere: true, mark: { installationId: 'us', isClaimed: false } } });
    expect(judgeParts(cut)).toEqual({ is: 'first', installationId: 'us' });
    expect(judgeParts(but(cut, { readModel: { installationId: 'us' } }))).toMatchObject({ is: 'first' });
    const keys = { masterKey: { check: 'master' }, serverSecret: { check: 'secret' }, logKeys: whole.logKeys };
    expect(judgeParts(but(nothing, keys))).toEqual({ is: 'first', installationId: null });
    // The claim is stored and the process died before it noted so.
    const stored = but(whole, { vault: { mark: { installationId: 'us', isClaimed: false } } });
    expect(judgeParts(stored)).toEqual({ is: 'claimed', claim });
  });

  it('are an installation where all of them are its own, also with no read models', () => {
    expect(judgeParts(whole)).toEqual({ is: 'claimed', claim });
    expect(judgeParts(but(whole, { readModel: nothing.readModel }))).toMatchObject({ is: 'claimed' });
    expect(judgeParts(but(whole, { vault: { changes: 10 } }))).toMatchObject({ is: 'claimed' });
  });

  it('are an installation from before there were claims, with all of its parts', () => {
    expect(judgeParts(unclaimed)).toEqual({ is: 'unclaimed', installationId: null });
    const cut = but(unclaimed, { vault: { mark: { installationId: 'us', isClaimed: false } } });
    expect(judgeParts(cut)).toEqual({ is: 'unclaimed', installationId: 'us' });
  });

  it.each<[string, FoundParts, RegExp]>([
    [
      'no master key',
      but(whole, { masterKey: { check: null } }),
      /has 12 events of installation us and no master key: master.key is missing; restore/,
    ],
    [
      'another master key',
      but(whole, { masterKey: { check: 'x' } }),
      /master.key is not the master key of this installation/,
    ],
    ['no server secret', but(whole, { serverSecret: { check: null } }), /no server secret: server.secret is missing/],
    ['another server secret', but(whole, { serverSecret: { check: 'x' } }), /server.secret is not the server secret/],
    [
      'another name of the log',
      but(whole, { origin: 'log.example/them' }),
      /HONNIN_AUDIT_ORIGIN is log.example\/them and the signed log is log.example\/us/,
    ],
    [
      'no public log keys',
      but(whole, { logKeys: { firstSha256: null } }),
      /no public keys of the signed log: audit\/keys/,
    ],
    ['other log keys', but(whole, { logKeys: { firstSha256: 'x' } }), /audit\/keys begins with another key/],
    ['no signing key', but(whole, { logKeys: { isSecretThere: false } }), /no key that signs it: log-1.key is missing/],
    ['no vault', but(whole, { vault: { isThere: false, mark: null } }), /no vault: keys.db is missing/],
    ['a vault from before the claim', but(whole, { vault: { mark: null } }), /keys.db is older than the claim/],
    ['an older vault', but(whole, { vault: { changes: 8 } }), /knows of 8 changes of keys, and the server has seen 9/],
    ['no sealed files', but(whole, { vault: { isSealedThere: false } }), /no sealed files: sealed is missing/],
    [
      'no key of tombstones',
      but(whole, { vault: { tombstones: { marks: 3, key: 'missing' } } }),
      /keys.db holds 3 marks of cards and tombstones, and the key of tombstones, .* is missing: restore keys.db from/,
    ],
    [
      'a key of tombstones that does not open',
      but(whole, { vault: { tombstones: { marks: 1, key: 'damaged' } } }),
      /the key of tombstones, .* is damaged: restore keys.db/,
    ],
    [
      'an unclaimed log and no key of tombstones',
      but(unclaimed, { vault: { tombstones: { marks: 1, key: 'missing' } } }),
      /the key of tombstones, .* is missing/,
    ],
    [
      'read models from before the claim',
      but(whole, { readModel: { installationId: null } }),
      /readmodel.db is older than the claim/,
    ],
    [
      'foreign read models that nothing has read yet',
      but(whole, { readModel: { installationId: 'them', isUsed: false } }),
      /readmodel.db belongs to installation them/,
    ],
    [
      'foreign read models',
      but(whole, { readModel: { installationId: 'them' } }),
      /readmodel.db belongs to installation them/,
    ],
    [
      'a vault of another installation',
      but(whole, { vault: { mark: { installationId: 'them', isClaimed: true } } }),
      /is not this data folder's: keys.db belongs to installation them/,
    ],
    ['an empty folder', { ...nothing, log: whole.log }, /this data folder holds no keys: restore/],
    [
      'an empty folder on a store that does not count',
      { ...nothing, log: { ...whole.log, events: null } },
      /has events of installation us and/,
    ],
    [
      'an older log, from before the claim',
      but(unclaimed, { vault: { mark: { installationId: 'us', isClaimed: true } } }),
      /the event log events.db does not name it: it is an older copy/,
    ],
    [
      'an unclaimed log and no keys',
      { ...nothing, log: { ...whole.log, claim: null, events: 1 } },
      /has 1 event and no keys: restore/,
    ],
    ['an unclaimed log and no master key', but(unclaimed, { masterKey: { check: null } }), /no master key/],
    ['an unclaimed log and no server secret', but(unclaimed, { serverSecret: { check: null } }), /no server secret/],
    ['an unclaimed log and no log keys', but(unclaimed, { logKeys: { firstSha256: null } }), /no public keys/],
    ['an unclaimed log and no vault', but(unclaimed, { vault: { isThere: false } }), /no vault/],
    [
      'no log and a vault',
      but(nothing, { vault: { isThere: true, mark: { installationId: 'us', isClaimed: true } } }),
      /belongs to installation us, and the event log events.db is empty/,
    ],
    [
      'no log and an old vault',
      but(nothing, { vault: { isThere: true, owners: 2 } }),
      /holds keys of 2 owners, and the event log/,
    ],
    [
      'no log and a signed log',
      but(nothing, { audit: { entries: 7 } }),
      /a signed log of 7 entries, and the event log/,
    ],
    [
      'no log and read models',
      but(nothing, { readModel: { isUsed: true } }),
      /was built from events, and the event log/,
    ],
  ])('are refused: %s', (_what, found, words) => {
    expect(problemsOf(found)).toEqual([expect.stringMatching(words)]);
  });

  it('are all named at once', () => {
    const several = but(whole, {
      masterKey: { check: null },
      serverSecret: { check: 'x' },
      vault: { isSealedThere: false },
    });
    expect(problemsOf(several)).toHaveLength(3);
  });
});
