"""Holds the functions of the verifier against the steps of vectors.json; silent where all are alike."""
import base64, json, sys
from formats import ERRORS, evidence_name, later, leaf_hash, read_canonical, read_key, retry_at, root_of, same, token
from replay import compare, points
def attempt(read, *arguments):
    try: return read(*arguments)
    except ERRORS: return None
def results(s, lines):  # pairs of what is and what should be
    for one in s['canonical']: yield attempt(read_canonical, one['text']) is not None, one['isCanonical']
    yield read_key(s['vkey']['text']).name, s['vkey']['name']
    yield leaf_hash(s['leafHash']['text']).hex(), s['leafHash']['sha256']
    hashes = [leaf_hash(line.split(' ', 1)[1]) for line in lines[2:2 + len(s['roots'])]]
    for size, root in enumerate(s['roots']): yield root_of(size, range(size), hashes, []).hex(), root
    yield token(s['token']['kind'], s['token']['id'], s['token']['salt']), s['token']['token']
    content = base64.b64decode(s['evidenceName']['content'])
    yield evidence_name(s['evidenceName']['effectId'], content), s['evidenceName']['name']
    for one in s['instants']: yield attempt(later, one['text'], 1), one['plusOneMs']
    for one in s['points']: yield points(one, one['distance']), one['points']
    gives = zip(compare(s['comparison']['asked'] | {'doubts': []}), ('basis', 'cardPoints', 'registeredPoints'))
    for reckoned, name in gives: yield reckoned, s['comparison']['gives'][name]
    for one in s['retry']: yield retry_at(one['now'], one['attempt'], one['retry']), one['at']
steps, lines = json.load(open(sys.argv[1], encoding='utf-8'))['steps'], open(sys.argv[1].replace(
    'vectors.json', 'whole.honnin'), encoding='utf-8').read().split('\n')
different = ['is %r, should be %r' % pair for pair in results(steps, lines) if not same(*pair)]
sys.exit('\n'.join(different) or None)
