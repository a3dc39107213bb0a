"""Judges audit bundles: right, wrong or undecided. Written from bundle.md alone, whose sections are named."""
import base64, json, re, sys
from formats import *
from lists import draw
from replay import Replay, is_known, todays
# The forms of header and leaf (section 2): functions that say whether a value has it, or raise.
def is_text(value): return isinstance(value, str)
def is_object(value): return isinstance(value, dict)
def is_base64(value): return read_base64(value) is not None
def exactly(**forms): return lambda o: o.keys() == forms.keys() and all(form(o[name]) for name, form in forms.items())
def all_of(form): return lambda value: isinstance(value, list) and all(map(form, value))
def members(form): return lambda value: all(map(form, value.values()))
def maybe(form): return lambda value: value is None or form(value)
LISTS = set('requests holds booths acts policies accesses dashboard decisions erasures exports'.split())
PROOF = all_of(lambda value: read_base64(value, 32))
HEADER = exactly(
    query=lambda query: query.kind in ('range', 'registration'), createdAtUtc=lambda at: read_instant(at) is not None,
    policyVersion=maybe(is_integer), asked=maybe(exactly(first=is_integer, last=is_integer)), checkpoint=is_text,
    lists=lambda lists: LISTS >= lists.keys() and members(all_of(is_object))(lists), certificate=is_text, proof=PROOF,
    successions=all_of(is_text), evidence=members(is_base64), known=all_of(exactly(checkpoint=is_text, proof=PROOF)),
    timestamp=maybe(exactly(checkpoint=is_text, proof=PROOF, token=is_text)),
    openings=members(exactly(kind=is_text, id=is_text, salt=is_base64)))
LEAF = exactly(data=is_object, id=is_text, revision=lambda value: is_integer(value) and value >= 0, stream=is_text,
               type=is_text, schemaVersion=is_integer, metadata=lambda m: is_text(m.recordedAtUtc) and is_text(m.actor))
class Bundle:  # what a bundle says, and the steps that judge it, each of which raises where it finds something wrong
    def __init__(self, content, keys, known, witnesses, needed):
        self.given, self.keys, self.readers, self.undecided = bool(keys), keys, known, []
        self.witnesses, self.needed = witnesses, len(witnesses) if needed is None else needed
        title, header, *lines, end, nothing = content.decode('utf-8').split('\n')
        need(title == 'honnin audit bundle v1' and nothing == '' and end == f'end {len(lines)}')
        pairs = [re.fullmatch('([0-9]+) (.*)', line).groups() for line in lines]
        self.header, self.indices = read_canonical(header), [read_index(index) for index, _ in pairs]
        need(HEADER(self.header) and all(one < other for one, other in zip(self.indices, self.indices[1:])))
        self.hashes, self.leaves = [leaf_hash(text) for _, text in pairs], [read_canonical(text) for _, text in pairs]
        need(all(map(LEAF, self.leaves)))
        self.mine, self.note = read_checkpoint(self.header.checkpoint), read_note(self.header.certificate)
        self.earlier = [(read_checkpoint(known.checkpoint), known.proof) for known in self.header.known]
        self.is_range, self.asked, self.cosigned = self.header.query.kind == 'range', self.header.asked, [self.mine]
        self.is_cut = (self.indices or [-1])[-1] != self.mine.size - 1
    def doubt(self, condition, code): return condition and self.undecided.append(code) is None
    def begins_with(self, other, proof): return begins_with(*other[1:3], *self.mine[1:3], map(read_base64, proof))
    def declarations(self):  # of loss: those that lead to this log count, one for each name of before
        notes = [(read_loss(checkpoint), proof) for checkpoint, proof in self.earlier if is_called_loss(checkpoint)]
        self.declared, names = [loss for loss, _ in notes], {self.mine.origin}
        for _ in notes: names |= {loss.old.name for loss in self.declared if loss.new.name in names}
        counting = [loss for loss in self.declared if loss.new.name in names]
        self.losses = {loss.old.name: loss for loss in counting}
        self.doubt(counting, 'loss_declared')
        need(len(self.losses) == len(counting))
        gone = [loss for loss in counting if self.left(loss) < loss.kept.size]
        need(all(loss in gone or self.begins_with(loss.kept, proof) for loss, proof in notes))
    def left(self, loss):  # how many of the entries that it keeps later ones keep too
        later = [self.left(self.losses[loss.new.name])] if loss.new.name != self.mine.origin else []
        return min([loss.kept.size, *later])
    def signatures(self):
        pairs = [read_succession(text) for text in self.header.successions]
        need(len(dict(pairs)) == len(set(pairs)))
        pairs += [(loss.old, loss.new) for loss in self.declared]
        for _ in pairs: self.keys |= {new for old, new in pairs if old in self.keys}
        for note in self.mine.note, self.note:
            by = signers(note, self.keys)
            need(by is not None and (note is self.note or not by or self.mine.origin in {key.name for key in by}))
            self.doubt(not by, 'other_key' if self.given else 'no_key')
    def tree(self):
        need(root_of(self.mine.size, self.indices, self.hashes, map(read_base64, self.header.proof)) == self.mine.root)
        need(all(token(one.kind, one.id, one.salt) == name for name, one in self.header.openings.items()))
    def decisions(self):
        is_partial = not self.is_range or self.asked is None or self.asked.first != 0
        world = Replay(zip(self.indices, self.leaves), is_partial, self.is_cut)
        self.doubt(world.undecided, 'decision_of_another_version')
        first, last = (self.asked.first, self.asked.last) if self.asked else (0, -1)
        leaves = [placed for placed in zip(self.indices, self.leaves) if first <= placed[0] <= last]
        for name, rows in self.header.lists.items() if self.is_range and not world.undecided else ():
            need(same(draw(leaves, name), rows))
    def gapless(self):
        query, asked, last = self.header.query, self.asked, self.mine.size - 1
        if self.is_range and query.get('by') == 'range':
            until = last if query.get('to') is None else min(query.to, last)
            need(asked is not None and same([asked.first, asked.last], [query.get('from'), until]))
        if not self.is_range or asked is None: return self.is_range and not self.indices
        held = [index for index in self.indices if index >= asked.first]
        return need(len(held) == asked.last - asked.first + 1 and (not held or held[-1] == asked.last)) or True
    def certificate(self):
        h, ends, covers = self.header, self.indices or ['none'], re.search('\nheader [0-9a-f]{64}\n$', self.note.text)
        need(self.note.text == '\n'.join([
            'honnin population certificate v1', self.mine.origin, str(self.mine.size),
            base64.b64encode(self.mine.root).decode(), f'query {canonical(h.query)}',
            f"policy {'none' if h.policyVersion is None else h.policyVersion}", f'count {len(self.indices)}',
            f'first {ends[0]}', f'last {ends[-1]}', f"gaps {'none' if self.gapless() else 'not claimed'}",
            f"leaves {sha(b''.join(self.hashes)).hex()}",
            *(f'list {name} {len(h.lists[name])} {hex_of(h.lists[name])}' for name in sorted(h.lists)),
            f'created {h.createdAtUtc}',
            *([f"header {hex_of({name: h[name] for name in h if name != 'certificate'})}"] if covers else []), '']))
    def beginnings(self):  # the checkpoints in the header's known, and that of the timestamp
        for checkpoint, proof in self.earlier:
            is_ours = checkpoint.origin == self.mine.origin and checkpoint.size <= self.mine.size
            if is_ours and self.begins_with(checkpoint, proof): self.cosigned.append(checkpoint)
            else: need(not is_ours or not signers(checkpoint.note, self.keys))
        if stamp := self.header.timestamp:
            by = signers((checkpoint := read_checkpoint(stamp.checkpoint)).note, self.keys)
            need(by is not None and checkpoint.origin == self.mine.origin)
            need(self.begins_with(checkpoint, stamp.proof))
            self.doubt(not by and self.given, 'other_key')
    def agrees(self, text):  # the log with a checkpoint of the reader; gives it back
        try: known = read_checkpoint(text)
        except ERRORS: return self.undecided.append('known_unreadable')
        size, indices = known.size, self.indices[:known.size]
        proof = next((proof for other, proof in self.earlier if other.size == size), None)
        unsigned, loss = self.given and not signers(known.note, self.keys), self.losses.get(known.origin)
        other = not loss and known.origin != self.mine.origin
        if self.doubt(other, 'known_of_another_log') or self.doubt(unsigned, 'known_unsigned'): return None
        if loss and size > self.left(loss):
            kept = [one.kept for one in self.losses.values() if known.origin in (one.old.name, one.new.name)]
            need(all(one.root == known.root for one in [loss, *kept] if one.size == size) and size <= loss.size)
            return self.undecided.append('loss_declared')
        if self.doubt(size > self.mine.size, 'known_is_newer'): return None
        if size == 0 or len(indices) == size == indices[-1] + 1:
            return need(root_of(size, indices, self.hashes, []) == known.root) or known
        if size == self.mine.size: return need(known.root == self.mine.root) or known
        if self.doubt(proof is None, 'known_without_proof'): return None
        return need(self.begins_with(known, proof)) or known
    def fork(self):
        agreeing = [checkpoint for text in self.readers if (checkpoint := self.agrees(text))]
        cosigned = [cosigners(checkpoint.note, self.witnesses) for checkpoint in self.cosigned + agreeing]
        need(not any(bad for _, bad in cosigned[:len(self.cosigned)]))
        self.doubt(self.witnesses and max(len(good) for good, _ in cosigned) < self.needed, 'not_witnessed')
    def evidence(self):  # section 11, without roots
        evidence, asked = self.header.evidence, self.header.query.get('withEvidence')
        erased = [leaf.data.get('sealedEvidenceId') for leaf in self.leaves if leaf.type == 'RefusedEvidenceErased']
        gone, named = {leaf.stream for leaf in self.leaves if leaf.type == 'RegistrantErased'}, set()
        is_open = '\nheader ' in self.header.certificate or self.is_range and self.is_cut
        for leaf in (one for one in self.leaves if one.type in ('CertificateVerified', 'CertificateRejected')):
            data, verified = todays(leaf) if is_known(leaf) else leaf.data, leaf.type == 'CertificateVerified'
            name, digest = data.get('sealedEvidenceId'), data.get('sealedEvidenceSha256')
            named.add(name := name if is_text(name) else None)
            if leaf.schemaVersion >= (3 if verified else 2):
                need(re.fullmatch('[0-9a-f]{64}', digest) if name is not None else not is_text(digest))
            if name is None or not verified and name in erased: need(name not in evidence)
            elif name in evidence:
                content = read_base64(evidence[name])
                need(name == evidence_name(leaf.metadata.causationId, content) and digest in (None, sha(content).hex()))
            elif asked is True and not (verified and f"registrant-{data.get('subjectKey')}" in gone):
                need(self.doubt(is_open, 'evidence_absent'))
        need(named >= evidence.keys())
def judge(bundle, keys, known, witnesses, needed):  # outcome, the step that finds something wrong first, doubts
    keys, witnesses = {read_key(text, LOG_KEY) for text in keys}, {read_key(text, WITNESS_KEY) for text in witnesses}
    name, undecided = 'malformed', []
    try:
        b = Bundle(base64.b64decode(bundle), keys, known, witnesses, needed)
        for step in b.declarations, b.signatures, b.tree, b.evidence, b.decisions, b.certificate, b.beginnings, b.fork:
            name, undecided = step.__name__, b.undecided
            step()
    except ERRORS: return {'outcome': 'wrong', 'wrong': [name], 'undecided': undecided}
    return {'outcome': 'undecided' if undecided else 'right', 'wrong': [], 'undecided': undecided}
def batch():
    for line in sys.stdin: print(json.dumps(judge(**json.loads(line))), flush=True)
def main(bundle, *options):
    asked = {'--key': [], '--known': [], '--witness': [], '--needed': []}
    for name, value in zip(options[::2], options[1::2]): asked[name].append(value)
    known, needed = [open(one, newline='').read() for one in asked['--known']], [*map(int, asked['--needed']), None][0]
    said = judge(base64.b64encode(open(bundle, 'rb').read()), asked['--key'], known, asked['--witness'], needed)
    print(said['outcome'], *said['wrong'], *said['undecided'])
if __name__ == '__main__': batch() if sys.argv[1] == '--batch' else main(*sys.argv[1:])
