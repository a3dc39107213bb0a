import { lossText } from '../../src/domain/audit/log/loss-declaration.js';
import { successionText } from '../../src/domain/audit/log/key-succession.js';
import { partOf } from './changed-bundles.js';
import {
  carriedTwice,
  DECLARED,
  DECLARED_AGAIN,
  declared,
  declaredAgain,
  forked,
  KEPT,
  leaves,
  NEW,
  noteOf,
  OLD,
  old,
  others,
  second,
  SIGNED,
  STRANGER,
  THIRD,
  third,
} from './lost-log.js';
import { MadeKey, MadeLog, MadeWitness } from './made-bundle.js';
import type { AskedOpinion } from './second-opinion.js';

/** How many entries the log has under its new name: some that came after those that are kept. */
const SIZE = KEPT + 9;
const log = new MadeLog(leaves.slice(0, SIZE), NEW);
const FOURTH = new MadeKey(5, 'fourth.example/log');
const witness = new MadeWitness(6, 'w.example/1');
const root = (size: number) => ({ origin: NEW.key.name, size, root: old.root(size) });

/** The text of the declaration with other lines in it, signed by both. */
function rewritten(change: (lines: string[]) => void, ...signers: MadeKey[]): string {
  const lines = lossText(declared()).split('\n');
  change(lines);
  const [first, ...more] = signers.length > 0 ? signers : [OLD, NEW];
  return (first as MadeKey).note(lines.join('\n'), ...more);
}
const withLine = (index: number, line: string) => rewritten((lines) => void (lines[index] = line));
/** From one log to another: the first entries are those of this log. */
function lost(from: MadeKey, to: MadeKey, kept: number, signed: number): string {
  const of = (key: MadeKey, size: number) => ({ origin: key.key.name, size, root: old.root(size) });
  return noteOf(declared({ from: from.key, to: to.key, kept: of(to, kept), signed: of(from, signed) }), from, to);
}
const forged = (note: string, index: number) => {
  const lines = note.split('\n');
  const [bytes, at] = [Buffer.from((lines[index] as string).split(' ')[2] as string, 'base64'), 20];
  bytes[at] = (bytes[at] as number) ^ 1;
  lines[index] = lines[index]!.replace(/[^ ]+$/, bytes.toString('base64'));
  return lines.join('\n');
};
const FIRST_SIGNATURE = 10;

/** Declarations that say what happened, as they stand in `known`. */
const HONEST: Record<string, readonly string[]> = {
  'nothing declared': [],
  genuine: [DECLARED],
  'everything is kept': [noteOf(declared({ signed: { origin: OLD.key.name, size: KEPT, root: old.root(KEPT) } }))],
  'nothing is kept': [noteOf(declared({ kept: root(0) }))],
  'the log has no more than is kept': [noteOf(declared({ kept: root(SIZE) }))],
  'with a line of a witness': [witness.cosign(DECLARED, 9)],
  'of another log': [lost(OLD, STRANGER, KEPT, SIGNED)],
  'to this log from two': [DECLARED, lost(STRANGER, NEW, 30, 50)],
  'over two losses': [lost(STRANGER, OLD, 30, 50), DECLARED],
  'over two losses, told the other way round': [DECLARED, lost(STRANGER, OLD, 45, 50)],
  'over three losses': [DECLARED, lost(STRANGER, OLD, 45, 50), lost(FOURTH, STRANGER, 20, 50)],
  'in a circle': [DECLARED, lost(NEW, OLD, 30, 35)],
};

const elder = new MadeKey(7, OLD.key.name);
const NOT_HONEST: Record<string, readonly string[]> = {
  'signed under the name of before alone': [noteOf(declared(), OLD)],
  'signed under the new name alone': [noteOf(declared(), NEW)],
  'signed by a stranger too': [noteOf(declared(), OLD, NEW, STRANGER)],
  'signed by another key of the name of before': [noteOf(declared(), elder, NEW)],
  'a signature changed': [forged(DECLARED, FIRST_SIGNATURE)],
  'the other signature changed': [forged(DECLARED, FIRST_SIGNATURE + 1)],
  'the reason changed after it was signed': [DECLARED.replace('storage_failed', 'tampering_suspected')],
  'of a key that is not of the new name': [noteOf(declared({ kept: { ...root(KEPT), origin: 'other' } }))],
  'of one name': [lost(OLD, elder, KEPT, SIGNED)],
  'keeps more than was signed': [noteOf(declared({ signed: { origin: OLD.key.name, size: 39, root: old.root(39) } }))],
  'keeps another size than it has a proof for': [noteOf(declared({ kept: root(30) }))],
  'keeps another beginning': [noteOf(declared({ kept: { ...root(KEPT), root: forked.root(KEPT) } }))],
  'keeps more than the log has': [noteOf(declared({ kept: root(SIZE + 1) }))],
  'of another log, with another beginning': [
    noteOf(
      declared({ to: STRANGER.key, kept: { origin: STRANGER.key.name, size: KEPT, root: forked.root(KEPT) } }),
      OLD,
      STRANGER,
    ),
  ],
  twice: [DECLARED, DECLARED],
  'twice, with another reason': [DECLARED, noteOf(declared({ reason: 'tampering_suspected' }))],
  'to two logs, of which this is one': [DECLARED, lost(OLD, STRANGER, KEPT, SIGNED), lost(STRANGER, NEW, 30, 50)],
  'signed another root': [
    noteOf(declared({ signed: { origin: OLD.key.name, size: SIGNED, root: forked.root(SIGNED) } })),
  ],
  'signed another size': [noteOf(declared({ signed: { origin: OLD.key.name, size: 50, root: old.root(50) } }))],
  'another reason': [noteOf(declared({ reason: 'outside_service_gone' }))],
  'no reason that there is': [withLine(7, 'reason wished')],
  'two reasons': [withLine(7, 'reason storage_failed storage_failed')],
  'the label with a space after it': [withLine(3, 'honnin loss declared v1 ')],
  'another version of the label': [withLine(3, 'honnin loss declared v2')],
  'a line more': [rewritten((lines) => void lines.splice(9, 0, 'more'))],
  'a line less': [rewritten((lines) => void lines.splice(8, 1))],
  'two lines changed about': [rewritten((lines) => void lines.splice(4, 2, lines[5]!, lines[4]!))],
  'a space before the old vkey': [withLine(4, `from  ${OLD.text}`)],
  'a space after the old vkey': [withLine(4, `from ${OLD.text} `)],
  'a no-break space after the new vkey': [withLine(5, `to ${NEW.text}\u00a0`)],
  'the signed size with a zero before it': [withLine(6, `signed 0${SIGNED} ${old.checkpoint().split('\n')[2]}`)],
  'the signed size with two spaces': [withLine(6, `signed ${SIGNED}  ${old.checkpoint().split('\n')[2]}`)],
  'the signed size too large': [withLine(6, `signed 9007199254740992 ${old.checkpoint().split('\n')[2]}`)],
  'the signed root too short': [withLine(6, `signed ${SIGNED} AAAA`)],
  'a reference of spaces': [withLine(8, 'reference   ')],
  'a reference of 200 units': [withLine(8, `reference ${'\u{1f600}'.repeat(100)}`)],
  'a reference of 201 units': [withLine(8, `reference ${'\u{1f600}'.repeat(100)}.`)],
  'a reference with a no-break space': [withLine(8, 'reference \u00a0INC\u2028')],
  'a reference with a half of a pair': [withLine(8, 'reference a\ud800b')],
  'no reference': [withLine(8, 'reference ')],
};

const KEYS: Record<string, readonly MadeKey[]> = {
  'the old key': [OLD],
  'the new key': [NEW],
  'both keys': [OLD, NEW],
  'no key': [],
  'the key of another log': [STRANGER],
};

const KNOWN: Record<string, readonly string[]> = {
  'no checkpoint': [],
  'one of what is kept': [old.checkpoint(30)],
  'one of just what is kept': [old.checkpoint(KEPT)],
  'another of just what is kept': [forked.checkpoint(KEPT)],
  'one of the first of four': [old.checkpoint(30, FOURTH)],
  'one of nothing': [old.checkpoint(0)],
  'one of another beginning': [forked.checkpoint(30)],
  'one of another that is lost': [forked.checkpoint(SIZE - 1)],
  'one of what is lost': [old.checkpoint(50)],
  'one of as many as the log has': [old.checkpoint(SIZE)],
  'the last one of before': [old.checkpoint()],
  'another last one of before': [forked.checkpoint(SIGNED)],
  'a newer one of before': [new MadeLog([...leaves, ...others], OLD).checkpoint()],
  'one of before that another signed': [old.checkpoint(30).replace(/\n\n[^]*/, `\n\n${signatures(STRANGER)}`)],
  'one of before that the new key signed': [old.checkpoint(30).replace(/\n\n[^]*/, `\n\n${signatures(NEW)}`)],
  'one of another log': [old.checkpoint(30, STRANGER)],
  'one of another log with what is lost there': [old.checkpoint(48, STRANGER)],
  'one of now': [log.checkpoint(45)],
  'the declaration': [DECLARED],
  'the declaration, with the old signature only': [noteOf(declared(), OLD)],
  'two of before, one of now': [old.checkpoint(30), old.checkpoint(), log.checkpoint(20)],
  'no note': ['no note'],
};

/** The signature lines of a key on the old checkpoint of 30 entries. */
function signatures(key: MadeKey): string {
  const [text] = old.checkpoint(30).split('\n\n') as [string];
  return key.note(`${text}\n`).split('\n\n')[1] as string;
}

/** Bundles that carry declarations of loss, for readers who hold this and that. */
export function declaredLosses(): { readonly how: string; readonly asked: AskedOpinion }[] {
  const made: { how: string; asked: AskedOpinion }[] = [];
  const proofFor = (note: string, i: number) => {
    const size = Number(note.split('\n')[1]);
    // A declaration that is told to keep another size comes with the proof for what is kept.
    const first = NOT_HONEST['keeps another size than it has a proof for']!.includes(note) ? KEPT : size;
    return { checkpoint: note, proof: i < 9 && first <= SIZE ? log.grown(first) : [] };
  };
  const add = (how: string, lines: readonly string[], held: Omit<AskedOpinion, 'bundle'>) =>
    made.push({ how, asked: { bundle: Buffer.from(`${lines.join('\n')}\n`), ...held } });
  const texts = (keys: readonly MadeKey[]) => keys.map(({ text }) => text);
  const part = partOf(leaves.slice(0, SIZE), SIZE - 5, SIZE - 1);
  const early = { checkpoint: old.checkpoint(30), proof: log.grown(30) };
  for (const [declaration, notes] of Object.entries(HONEST)) {
    const known = notes.map(proofFor);
    const whole = log.bundle({ header: { known } });
    const some = log.bundle({ ...part, header: { known: [...known, early] } });
    for (const [keysName, keys] of Object.entries(KEYS))
      Object.entries(KNOWN).forEach(([knownName, mine], i) => {
        // Whoever holds other keys is asked about the genuine one.
        if (declaration !== 'genuine' && keysName !== 'the old key') return;
        const how = `${declaration}; ${keysName}; ${knownName}`;
        add(how, i % 2 === 0 ? some : whole, { keys: texts(keys), known: mine });
      });
  }
  for (const [declaration, notes] of Object.entries(NOT_HONEST)) {
    const lines = log.bundle({ ...part, header: { known: notes.map(proofFor) } });
    for (const [keys, known] of [
      ['the new key', 'no checkpoint'],
      ['the old key', 'one of what is lost'],
      ['the old key', 'the last one of before'],
    ] as const)
      add(`${declaration}; ${keys}; ${known}`, lines, { keys: texts(KEYS[keys]!), known: KNOWN[known]! });
  }
  for (const [how, header, signer] of otherHeaders())
    for (const [keysName, keys] of Object.entries(KEYS))
      add(`${how}; ${keysName}`, new MadeLog(leaves.slice(0, SIZE), signer).bundle({ ...part, header }), {
        keys: texts(keys),
        known: [],
      });
  const cosigned = { checkpoint: witness.cosign(DECLARED, 9), proof: log.grown(KEPT) };
  const spoilt = { ...cosigned, checkpoint: forged(cosigned.checkpoint, FIRST_SIGNATURE + 2) };
  const plain = { ...cosigned, checkpoint: DECLARED };
  const before = { checkpoint: witness.cosign(old.checkpoint(30), 9), proof: log.grown(30) };
  const bad = { ...before, checkpoint: forged(before.checkpoint, 5) };
  const lists = {
    cosigned: [cosigned],
    spoilt: [spoilt],
    plain: [plain],
    'of before': [plain, before],
    'spoilt before': [plain, bad],
  };
  for (const [how, known] of Object.entries(lists))
    for (const mine of [[], [before.checkpoint]])
      add(`${how}, with a witness; ${mine.length}`, log.bundle({ header: { known } }), {
        keys: [OLD.text],
        known: mine,
        witnesses: [witness.text],
      });
  const again = (change: Parameters<typeof declaredAgain>[0], ...by: MadeKey[]) =>
    noteOf(declaredAgain(change), ...(by.length > 0 ? by : [NEW, THIRD]));
  const kept = (of: MadeLog, size: number) => ({ origin: THIRD.key.name, size, root: of.root(size) });
  const twice = {
    'a second loss that keeps less': [DECLARED, DECLARED_AGAIN],
    'the same, told the other way round': [DECLARED_AGAIN, DECLARED],
    'the first one alone': [DECLARED],
    'the second one alone': [DECLARED_AGAIN],
    'a second one that keeps nothing': [DECLARED, again({ kept: kept(third, 0) })],
    'a second one by the wrong key': [DECLARED, again({}, OLD, THIRD)],
    'a second one of another beginning': [DECLARED, again({ kept: kept(forked, 30) })],
    'a second one that leads elsewhere': [DECLARED, again({ to: STRANGER.key }, NEW, STRANGER)],
    'a second one twice': [DECLARED, DECLARED_AGAIN, again({ reason: 'tampering_suspected' })],
    'a first one of another beginning': [
      noteOf(declared({ kept: { ...root(KEPT), root: forked.root(KEPT) } })),
      DECLARED_AGAIN,
    ],
    'three losses, of which the first keeps most': [lost(FOURTH, OLD, 45, 50), DECLARED, DECLARED_AGAIN],
    'three losses, of which the second keeps least': [lost(FOURTH, OLD, 20, 50), DECLARED, DECLARED_AGAIN],
    'the last one in a circle': [DECLARED, DECLARED_AGAIN, lost(THIRD, OLD, 35, 64)],
  };
  const mine = [
    ...[20, 30, 35, KEPT, SIGNED].flatMap((size) => [old.checkpoint(size), forked.checkpoint(size)]),
    ...[20, 35, KEPT, 41, 55].flatMap((size) => [second.checkpoint(size), old.checkpoint(size, NEW)]),
    old.checkpoint(56, NEW),
    old.checkpoint(20, FOURTH),
    forked.checkpoint(45, FOURTH),
    third.checkpoint(45),
  ];
  const few = [old.checkpoint(35), forked.checkpoint(KEPT), second.checkpoint(41)];
  const lastOfThird = partOf(third.leaves, third.leaves.length - 5, third.leaves.length - 1);
  Object.entries(twice).forEach(([how, notes], i) => {
    for (const checkpoint of [null, ...(i === 0 ? mine : few)]) {
      const known = checkpoint === null ? [] : [checkpoint];
      const early = { checkpoint: old.checkpoint(20), proof: third.grown(20) };
      const header = { known: [...carriedTwice(...notes).header.known, early] };
      const name = `${how}; ${checkpoint?.split('\n', 2).join(' ') ?? 'no checkpoint'}`;
      add(name, third.bundle({ ...lastOfThird, header }), { keys: [OLD.text, FOURTH.text], known });
    }
  });
  return made;
}

/** Headers in which a declaration meets a succession, or a checkpoint of somebody else. */
function otherHeaders(): [string, object, MadeKey][] {
  const [newer, elder] = [new MadeKey(8, NEW.key.name), new MadeKey(9, OLD.key.name)];
  const succeeded = (from: MadeKey, to: MadeKey) =>
    from.note(successionText({ origin: from.key.name, from: from.key, to: to.key, size: 9, root: old.root(9) }), to);
  const known = [{ checkpoint: DECLARED, proof: log.grown(KEPT) }];
  const foreign = [{ checkpoint: lost(OLD, STRANGER, KEPT, SIGNED), proof: log.grown(KEPT) }];
  const ofElder = [{ checkpoint: lost(elder, NEW, KEPT, SIGNED), proof: log.grown(KEPT) }];
  const checkpoint = log.checkpoint();
  const byStranger = STRANGER.note(`${checkpoint.split('\n\n')[0]}\n`);
  const byBoth = NEW.note(`${checkpoint.split('\n\n')[0]}\n`, STRANGER);
  return [
    ['a succession after the loss', { known, successions: [succeeded(NEW, newer)] }, newer],
    ['a succession before the loss', { known: ofElder, successions: [succeeded(OLD, elder)] }, NEW],
    ['two keys after the old one', { known, successions: [succeeded(OLD, elder)] }, NEW],
    ['a checkpoint of the log of a foreign declaration', { known: foreign, checkpoint: byStranger }, NEW],
    ['a checkpoint of both logs', { known: foreign, checkpoint: byBoth }, NEW],
    ['a checkpoint with the old key alone', { known, checkpoint: OLD.note(`${checkpoint.split('\n\n')[0]}\n`) }, NEW],
    ['a timestamp of before', { known, timestamp: { ...known[0], checkpoint: old.checkpoint(KEPT), token: '' } }, NEW],
    ['a timestamp on the declaration', { known, timestamp: { ...known[0], token: '' } }, NEW],
    ['a checkpoint of now with another root', { known: [...known, { checkpoint: log.checkpoint(9), proof: [] }] }, NEW],
    ['the declaration with no proof', { known: [{ checkpoint: DECLARED, proof: [] }] }, NEW],
    ['the declaration with the proof of another', { known: [{ checkpoint: DECLARED, proof: log.grown(30) }] }, NEW],
  ];
}
