"""Judges audit bundles: a second verifier, from docs/bundle.md alone (sections 1, 5, 6, 11). Standard library only.

    python3 verifier.py BUNDLE [--key VKEY]... [--known FILE]... [--witness VKEY]... [--needed N]
    python3 verifier.py --batch < LINES    {"bundle": base64, "keys": […], "known": […], "witnesses": […], "needed": N}
"""
import hashlib
import hmac
import json
import re
import sys
import threading
import uuid
from formats import *
from lists import LISTS, Drawer
from replay import Replay, todays

NAMESPACE = uuid.UUID('8a3f4c0e-52d1-5b7e-9a64-6f0c1d2e3b4a')
# From this version on the event states the SHA-256 of its evidence.
WITH_DIGEST = {'CertificateVerified': 3, 'CertificateRejected': 2}
MEMBERS = '''query createdAtUtc policyVersion asked checkpoint certificate successions proof lists timestamp known
openings evidence'''.split()

def read_header(text):
    h = read_canonical(text)
    need(has_exactly(h, *MEMBERS), 'members of the header')
    whole = lambda value: is_integer(value) and abs(value) <= INTEGER_MAX
    proven = lambda value, *more: has_exactly(value, 'checkpoint', 'proof', *more) and texts(value['proof']) and \
        all(isinstance(value[name], str) for name in ('checkpoint', *more))
    need(isinstance(h['query'], dict) and h['query'].get('kind') in ('range', 'registration'), 'query')
    need(h['policyVersion'] is None or whole(h['policyVersion']), 'policyVersion')
    asked = h['asked']
    need(asked is None or (has_exactly(asked, 'first', 'last') and all(map(whole, asked.values()))), 'asked')
    need(texts([h['checkpoint'], h['certificate']]) and texts(h['successions']) and texts(h['proof']), 'notes')
    need(isinstance(h['lists'], dict) and set(h['lists']) <= set(LISTS), 'lists')
    need(all(isinstance(rows, list) and all(isinstance(r, dict) for r in rows) for rows in h['lists'].values()), 'rows')
    need(h['timestamp'] is None or proven(h['timestamp'], 'token'), 'timestamp')
    need(isinstance(h['known'], list) and all(proven(known) for known in h['known']), 'known')
    need(isinstance(h['openings'], dict) and isinstance(h['evidence'], dict), 'openings and evidence')
    need(all(has_exactly(o, 'kind', 'id', 'salt') and texts([*o.values()]) for o in h['openings'].values()), 'openings')
    need(texts([*h['evidence'].values()]), 'evidence')
    milliseconds(h['createdAtUtc'])
    return h

def read_leaf(text):
    """@returns None for what is no leaf"""
    try:
        leaf = read_canonical(text)
        need(has_exactly(leaf, 'data', 'id', 'metadata', 'revision', 'schemaVersion', 'stream', 'type'), 'members')
        meta, data = leaf['metadata'], leaf['data']
        need(isinstance(meta, dict) and isinstance(data, dict), 'objects')
        need(texts([leaf[n] for n in ('id', 'stream', 'type')]), 'texts')
        need(texts([meta.get('recordedAtUtc'), meta.get('actor')]) and is_integer(leaf['schemaVersion']), 'members')
        need(is_integer(leaf['revision']) and leaf['revision'] >= 0, 'revision')
        return leaf
    except Malformed:
        return None

class Verification:
    def __init__(self, keys, known, witnesses, needed):
        self.wrong, self.doubts, self.trusted, self.brought = [], [], keys, known
        self.witnesses, self.needed, self.agreeing = witnesses, needed, []

    def outcome(self):
        return 'wrong' if self.wrong else 'undecided' if self.doubts else 'right'

    def verify(self, data):
        try:
            self.check(data)
        except Exception as error:
            # Whatever a bundle makes this stumble over, it is the bundle that is not as it should be.
            self.wrong.append(f'bundle_malformed: {type(error).__name__} {error}')
        return self.outcome()

    def check(self, data):
        lines = data.decode('utf-8').split('\n')
        need(lines.pop() == '' and len(lines) >= 3 and lines[0] == 'honnin audit bundle v1', 'the file')
        self.header = header = read_header(lines[1])
        need(lines[-1] == f'end {len(lines) - 3}', 'the end line')
        self.present = Checkpoint(header['checkpoint'])
        self.indices, self.leaves, self.hashes = [], [], []
        for line in lines[2:-1]:
            index, space, text = line.partition(' ')
            need(space and DECIMAL.fullmatch(index) and int(index) <= INTEGER_MAX, 'no leaf')
            need(not self.indices or int(index) > self.indices[-1], 'leaves in another order')
            self.indices.append(int(index))
            self.leaves.append(read_leaf(text))
            self.hashes.append(leaf_hash(text))
        self.accuse(None in self.leaves, 'leaf_malformed')
        self.read_history()
        self.check_keys()
        by = self.judge(self.present.note, 'checkpoint_signature')
        self.accuse(by and all(key[0] != self.present.origin for key in by), 'origin_differs')
        beyond = self.indices and self.indices[-1] >= self.present.size
        root = None if beyond else root_from_set(hashes(header['proof']), self.indices, self.hashes, self.present.size)
        self.accuse(root != self.present.root, 'root_differs')
        for text in self.brought:
            self.check_brought(text)
        for known in header['known']:
            self.check_carried(Checkpoint(known['checkpoint']), hashes(known['proof']))
        self.check_witnesses()
        self.check_certificate()
        for token, opening in header['openings'].items():
            person = f'{opening["kind"]}\n{opening["id"]}'.encode('utf-8', 'replace')
            given = hmac.new(base64_bytes(opening['salt']), person, hashlib.sha256).hexdigest()
            self.accuse(token != f'committed:{given}', 'opening_differs')
        if header['timestamp'] is not None:
            self.check_timestamp(Checkpoint(header['timestamp']['checkpoint']), hashes(header['timestamp']['proof']))
        self.check_evidence()

    def accuse(self, is_wrong, code):
        if is_wrong:
            self.wrong.append(code)

    def judge(self, note, code):
        by = judge_note(note, self.keys)
        self.accuse(by == 'bad', code)
        if not by:
            self.doubts.append('other_key' if self.trusted else 'no_key')
        return [] if by == 'bad' else by

    def read_history(self):
        header, asked = self.header, self.header['asked']
        self.is_range = header['query']['kind'] == 'range'
        replay = Replay(not self.is_range or asked is None or asked['first'] != 0)
        self.drawer = Drawer()
        for index, leaf in zip(self.indices, self.leaves):
            if leaf is not None:
                replay.feed(index, leaf)
                if asked is not None and asked['first'] <= index <= asked['last']:
                    self.drawer.feed(leaf)
        replay.finish((self.indices[-1] if self.indices else 0) + 1 < self.present.size)
        self.accuse(replay.wrong, f'decision_differs at {replay.wrong}')
        self.doubts += ['decision_of_another_version'] if replay.unknown else []
        self.can_draw = self.is_range and not replay.unknown

    def check_keys(self):
        successions = [read_succession(note) for note in self.header['successions']]
        self.accuse(None in successions, 'succession_malformed')
        pairs = {pair for pair in successions if pair}
        self.accuse(len({old for old, _ in pairs}) < len(pairs), 'two_successors')
        self.keys, grew = list(self.trusted), True
        while grew:
            found = [new for old, new in pairs if old in self.keys and new not in self.keys]
            self.keys, grew = self.keys + found, bool(found)

    def grown(self, first, proof):
        return begins_with(first.size, first.root, self.present.size, self.present.root, proof)

    def check_brought(self, text):
        try:
            known = Checkpoint(text)
        except Malformed:
            return self.doubts.append('known_unreadable')
        n = known.size
        if known.origin != self.present.origin:
            return self.doubts.append('known_of_another_log')
        if self.trusted and judge_note(known.note, self.keys) in ('bad', []):
            return self.doubts.append('known_unsigned')
        if n > self.present.size:
            return self.doubts.append('known_is_newer')
        if self.indices[:n] == list(range(n)):
            return self.agree(known, root_of(self.hashes[:n]) == known.root)
        if n == self.present.size:
            return self.agree(known, known.root == self.present.root)
        proof = next((k['proof'] for k in self.header['known'] if Checkpoint(k['checkpoint']).size == n), None)
        if proof is None:
            return self.doubts.append('known_without_proof')
        return self.agree(known, self.grown(known, hashes(proof)))

    def agree(self, known, is_beginning):
        self.accuse(not is_beginning, 'fork')
        self.agreeing += [known.note] if is_beginning else []

    def check_witnesses(self):
        if not self.witnesses:
            return
        carried = [self.present.note]
        for each in self.header['known']:
            known = Checkpoint(each['checkpoint'])
            if known.origin == self.present.origin and self.grown(known, hashes(each['proof'])):
                carried.append(known.note)
        verdicts = [[cosigned(note, witness) for witness in self.witnesses] for note in carried + self.agreeing]
        self.accuse('wrong' in sum(verdicts[:len(carried)], []), 'cosignature_wrong')
        enough = any(verdict.count(True) >= self.needed for verdict in verdicts)
        self.doubts += [] if enough else ['not_witnessed']

    def check_carried(self, known, proof):
        is_ours = known.origin == self.present.origin and judge_note(known.note, self.keys) not in ('bad', [])
        self.accuse(is_ours and known.size <= self.present.size and not self.grown(known, proof), 'fork')

    def has_no_gaps(self):
        asked, query, size = self.header['asked'], self.header['query'], self.present.size
        if not self.is_range:
            return False
        if query.get('by') == 'range':
            last = size - 1 if query['to'] is None else min(query['to'], size - 1)
            if asked is None or (asked['first'], asked['last']) != (query['from'], last):
                self.wrong.append('range_has_gaps')
                return False
        if asked is None:
            return not self.indices
        first, last = asked['first'], asked['last']
        start = self.indices.index(first) if first in self.indices else len(self.indices)
        missing = last >= first and self.indices[start:start + last - first + 1] != list(range(first, last + 1))
        self.accuse(missing, 'range_has_gaps')
        return not missing

    def check_certificate(self):
        header, note = self.header, read_note(self.header['certificate'])
        say = lambda value: 'none' if value is None else value
        lists, digest = sorted(header['lists']), lambda value: sha256(canonical(value).encode()).hex()
        rows = {name: self.drawer.rows(name) if self.can_draw else header['lists'][name] for name in lists}
        lines = ['honnin population certificate v1', *self.present.note[0].split('\n')[:3],
                 f'query {canonical(header["query"])}', f'policy {say(header["policyVersion"])}',
                 f'count {len(self.indices)}', f'first {say(self.indices[0] if self.indices else None)}',
                 f'last {say(self.indices[-1] if self.indices else None)}',
                 f'gaps {"none" if self.has_no_gaps() else "not claimed"}',
                 f'leaves {sha256(b"".join(self.hashes)).hex()}',
                 *(f'list {name} {len(rows[name])} {digest(rows[name])}' for name in lists),
                 f'created {header["createdAtUtc"]}']
        if re.search('\nheader [0-9a-f]{64}\n\\Z', note[0]):
            lines.append(f'header {digest({k: v for k, v in header.items() if k != "certificate"})}')
        self.accuse(note[0] != '\n'.join(lines) + '\n', 'certificate_differs')
        self.judge(note, 'certificate_signature')
        self.accuse(any(canonical(rows[name]) != canonical(header['lists'][name]) for name in lists), 'list_differs')

    def check_timestamp(self, stamped, proof):
        by = judge_note(stamped.note, self.keys)
        is_good = stamped.origin == self.present.origin and self.grown(stamped, proof) and by != 'bad'
        self.accuse(not is_good, 'timestamp_checkpoint')
        self.doubts += ['other_key'] if is_good and by == [] and self.trusted else []

    def check_evidence(self):
        evidence, named, ended, erased, verdicts = self.header['evidence'], set(), set(), set(), []
        for leaf in filter(None, self.leaves):
            kind, known = leaf['type'], todays(leaf)
            data = leaf['data'] if known is None else known
            if kind == 'RefusedEvidenceErased':
                ended.add(data.get('sealedEvidenceId'))
            if kind == 'RegistrantErased':
                erased.add(leaf['stream'].removeprefix('registrant-'))
            if kind in ('CertificateVerified', 'CertificateRejected') and isinstance(data.get('sealedEvidenceId'), str):
                verdicts.append((kind, data, leaf['metadata'].get('causationId')))
            if kind in WITH_DIGEST and known is not None:
                digest, named_by_text = data.get('sealedEvidenceSha256'), isinstance(data.get('sealedEvidenceId'), str)
                is_stated = leaf['schemaVersion'] >= WITH_DIGEST[kind] and named_by_text
                is_digest = isinstance(digest, str) and re.fullmatch('[0-9a-f]{64}', digest)
                self.accuse(not is_digest if is_stated else isinstance(digest, str), 'evidence_differs')
        end = (self.indices[-1] if self.indices else -1) + 1
        may_come_later = '\nheader ' in self.header['certificate'] or (self.is_range and end < self.present.size)
        for kind, data, effect in verdicts:
            name = data['sealedEvidenceId']
            named.add(name)
            is_there, is_ended = name in evidence, kind == 'CertificateRejected' and name in ended
            if is_ended:
                self.accuse(is_there, 'certificate_verdict_differs')
            elif is_there:
                value = base64_bytes(evidence[name])
                made = uuid.uuid5(NAMESPACE, f'{effect}\n{sha256(value).hex()}')
                other = data.get('sealedEvidenceSha256') not in (None, sha256(value).hex())
                self.accuse(other or name != f'evidence-{made}', 'evidence_differs')
            elif self.header['query'].get('withEvidence') is True and \
                    not (kind == 'CertificateVerified' and data.get('subjectKey') in erased):
                self.doubts += ['evidence_absent'] if may_come_later else []
                self.accuse(not may_come_later, 'evidence_missing')
        self.accuse(set(evidence) - named, 'evidence_differs')

def judged(data, keys, known, witnesses=(), needed=None):
    witnesses = [read_key(key, 4) for key in witnesses]
    run = Verification([read_key(key) for key in keys], known, witnesses, needed or len(witnesses))
    return {'outcome': run.verify(data), 'wrong': run.wrong, 'undecided': run.doubts}

def main(args):
    if args == ['--batch']:
        for line in sys.stdin:
            asked = json.loads(line)
            asked['data'] = base64_bytes(asked.pop('bundle'))
            print(json.dumps(judged(**asked)), flush=True)
        return
    given = {'--key': [], '--known': [], '--witness': [], '--needed': []}
    for option, value in zip(args[1::2], args[2::2]):
        given[option].append(open(value, encoding='utf-8', newline='').read() if option == '--known' else value)
    needed = int(given['--needed'][0]) if given['--needed'] else None
    with open(args[0], 'rb') as file:
        print(json.dumps(judged(file.read(), given['--key'], given['--known'], given['--witness'], needed), indent=1))

if __name__ == '__main__':
    # Nested values of strangers are read by recursion.
    sys.setrecursionlimit(100_000)
    threading.stack_size(512 * 1024 * 1024)
    worker = threading.Thread(target=main, args=(sys.argv[1:],))
    worker.start()
    worker.join()
