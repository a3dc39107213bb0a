"""Canonical JSON, hashes, instants, notes, the Merkle tree (bundle.md, sections 2 to 4, 6, 8), words of our tables."""
import base64, bisect, decimal, functools, hashlib, hmac, json, math, re, uuid
from collections import namedtuple
from datetime import datetime, timedelta
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
# What `need` and data of another form than a rule needs can raise: all of it means wrong.
ERRORS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
def need(condition):  # gives nothing back: need(what must be) or what then follows
    if not condition: raise ValueError
class Dot(dict):  # an object of JSON; its members can be named as attributes
    __getattr__ = dict.__getitem__
    def __or__(self, other): return Dot({**self, **other})
LIMIT, LITERALS = 2 ** 53 - 1, {'null': None, 'false': False, 'true': True, '0': 0, '1': 1, '[]': [], '{}': Dot()}
expression = functools.cache(lambda text: compile(text, text, 'eval'))
def evaluate(text, scope): return eval(expression(text), scope)
def build(words, scope, d):
    """The members that words name. NAME: as in d, NAME:TEXT: this text, NAME~MEMBER: this member of d or null,
    NAME=EXPRESSION: its value (scope has its names), *EXPRESSION: all members of its value."""
    row, scope = Dot(), {**scope, 'd': d}
    for name, sign, rest in (re.fullmatch(r'(\w*)([*=:~]?)(.*)', word).groups() for word in words.split()):
        if sign == '*': row.update(evaluate(rest, scope))
        elif sign == '=': row[name] = evaluate(rest, scope)
        elif sign == '~': row[name] = d.get(rest)
        else: row[name] = LITERALS.get(rest, rest) if sign else d[name]
    return row
# Numbers (a float is no integer, or a large one), texts, canonical JSON.
def is_number(value, kinds=(int, float)): return isinstance(value, kinds) and not isinstance(value, bool)
def is_integer(value): return is_number(value, int)
def number(value, kinds=(int, float)): return need(is_number(value, kinds)) or value
def read_number(text):  # one that is infinite is never written as it stands
    return int(float(text)) if abs(float(text)) <= LIMIT and float(text).is_integer() else float(text)
def write_number(value):  # Number::toString of ECMAScript
    if is_integer(value) or not 1e-6 <= abs(value) < 1e21: return repr(value).replace('e-0', 'e-')
    return format(decimal.Decimal(repr(value)), 'f').removesuffix('.0')
def write_text(text):
    return re.sub('[\ud800-\udfff]', lambda half: f'\\u{ord(half[0]):04x}', json.dumps(text, ensure_ascii=False))
def units(text): return text.encode('utf-16-be', 'surrogatepass')  # their order, and two bytes for each
def utf8(text): return re.sub('[\ud800-\udfff]', '\ufffd', text).encode()  # a half of a pair has no UTF-8
def canonical(value):
    if isinstance(value, list): return '[' + ','.join(map(canonical, value)) + ']'
    if isinstance(value, dict):
        return '{' + ','.join(f'{write_text(name)}:{canonical(value[name])}' for name in sorted(value, key=units)) + '}'
    if isinstance(value, str): return write_text(value)
    return write_number(value) if is_number(value) else json.dumps(value)
def same(one, other): return canonical(one) == canonical(other)
def read_canonical(text):
    value = json.loads(text, object_hook=Dot, parse_int=read_number, parse_float=read_number, parse_constant=number)
    return need(canonical(value) == text) or value
def read_base64(text, length=None):
    content = base64.b64decode(text, validate=True)
    return need(base64.b64encode(content).decode() == text and length in (None, len(content))) or content
def read_index(text): return need(re.fullmatch('0|[1-9][0-9]{0,15}', text) and int(text) <= LIMIT) or int(text)
def sha(content): return hashlib.sha256(content).digest()
def hex_of(value): return sha(canonical(value).encode()).hex()
def token(kind, person, salt):
    return 'committed:' + hmac.new(read_base64(salt), utf8(f'{kind}\n{person}'), 'sha256').hexdigest()
def evidence_name(effect, content):
    name = uuid.UUID('8a3f4c0e-52d1-5b7e-9a64-6f0c1d2e3b4a').bytes + utf8(f'{effect}\n{sha(content).hex()}')
    return f'evidence-{uuid.UUID(bytes=hashlib.sha1(name).digest()[:16], version=5)}'
# Instants: milliseconds since 2000. Every year is laid into the 400 from there.
BASE, CYCLE, MS = datetime(2000, 1, 1), timedelta(146097), timedelta(milliseconds=1)
def read_instant(text):
    match = re.fullmatch(r'(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?Z', text, re.ASCII)
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    of_day, cycles = timedelta(0, second, 0, int((match[7] or '').ljust(3, '0')), minute, hour), (year - 2000) // 400
    need(1 <= day <= 31 and minute <= 59 and second <= 59 and of_day <= timedelta(1))
    return (datetime(year - 400 * cycles, month, 1) - BASE + timedelta(day - 1) + of_day + cycles * CYCLE) // MS
def write_instant(ms):
    cycles, rest = divmod(ms * MS, CYCLE)
    year = (BASE + rest).year + 400 * cycles
    return need(0 <= year <= 9999) or f'{year:04d}{(BASE + rest).isoformat(timespec="milliseconds")[4:]}Z'
def later(text, ms): return write_instant(read_instant(text) + int(number(ms)))
def retry_at(now, attempt, retry):
    first, most = number(retry['firstDelaySeconds']), number(retry['delaySecondsMax'])
    return later(now, math.floor(1000 * min(first * 2 ** min(number(attempt) - 1, 30), most) + 0.5))
WHITE = r'\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff'
NAME, BASE64 = f'([^+{WHITE}]+)', '([A-Za-z0-9+/=]+)'
LOG_KEY, WITNESS_KEY, LAST_SECOND = b'\x01', b'\x04', 8_640_000_000_000
Key, Note = namedtuple('Key', 'name id public'), namedtuple('Note', 'text signatures')
Checkpoint = namedtuple('Checkpoint', 'origin size root note')
def read_key(text, kind=LOG_KEY):
    name, told, content = re.fullmatch(f'[{WHITE}]*{NAME}\\+([0-9a-f]{{8}})\\+{BASE64}[{WHITE}]*', text).groups()
    content = read_base64(content, 33)
    key_id = sha(utf8(name) + b'\n' + content)[:4]
    return need(content[:1] == kind and key_id.hex() == told) or Key(name, key_id, content[1:])
def read_note(text):
    body, empty, rest = text.rpartition('\n\n')
    need(len(units(text)) <= 2_000_000 and text.endswith('\n') and not re.search('[\x00-\x09\x0b-\x1f\ufffd]', body))
    lines = [re.fullmatch(f'— {NAME} {BASE64}', line).groups() for line in rest.split('\n')[:-1]]
    parts = [(name, read_base64(content)[:4], read_base64(content)[4:]) for name, content in lines]
    return need(empty and 1 <= len(lines) <= 64 and all(rest for _, _, rest in parts)) or Note(body + '\n', parts)
def fits(key, signature, content):
    try: return not Ed25519PublicKey.from_public_bytes(key.public).verify(signature, content) and len(signature) == 64
    except (InvalidSignature, ValueError): return False
def lines_of(note, keys): return [(key, line[2]) for line in note.signatures for key in keys if key[:2] == line[:2]]
def signers(note, keys):  # The keys that signed the note: none where it is unsigned, None where it is bad
    lines = lines_of(note, keys)
    return {key for key, _ in lines} if all(fits(key, rest, utf8(note.text)) for key, rest in lines) else None
def is_cosignature(note, key, content):
    seconds = int.from_bytes(content[:8], 'big')
    return seconds <= LAST_SECOND and fits(key, content[8:], utf8(f'cosignature/v1\ntime {seconds}\n{note.text}'))
def cosigners(note, witnesses):  # The witnesses of whom every line on the note fits, and those of whom one does not
    lines = lines_of(note, witnesses)
    bad = {key for key, content in lines if not is_cosignature(note, key, content)}
    return {key for key, _ in lines} - bad, bad
def read_checkpoint(text):
    note = read_note(text)
    origin, size, root, *more = note.text.split('\n')[:-1]
    return need(origin and all(more)) or Checkpoint(origin, read_index(size), read_base64(root, 32), note)
def read_succession(text):  # The old and the new key
    note = read_note(text)
    title, origin, old, new, _, _ = note.text.split('\n')[:-1]
    is_one = title == 'honnin key succession v1' and old != new and not re.search(f'[{WHITE}]', old + new)
    old, new = read_key(old), read_key(new)
    return need(is_one and old.name == new.name == origin and signers(note, {old, new}) == {old, new}) or (old, new)
# A declaration of loss: the checkpoint from which a log goes on, and what was signed under the name of before.
Loss, LOSS = namedtuple('Loss', 'kept old new size root'), 'honnin loss declared v1'
LOSS_FORM = re.compile(f"""{LOSS}\nfrom (.+)\nto (.+)\nsigned ([0-9]+) {BASE64}
reason (?:storage_failed|restored_from_backup|tampering_suspected|outside_service_gone)\nreference (.+)\n""")
def is_called_loss(checkpoint): return checkpoint.note.text.split('\n')[3] == LOSS
def read_loss(kept):  # of a checkpoint that is called one
    old, new, size, root, reference = LOSS_FORM.fullmatch(kept.note.text.split('\n', 3)[3]).groups()
    need(not re.search(f'[{WHITE}]', old + new) and len(units(reference)) <= 400)
    loss = Loss(kept, read_key(old), read_key(new), read_index(size), read_base64(root, 32))
    need(loss.new.name == kept.origin != loss.old.name and kept.size <= loss.size)
    return need(signers(kept.note, {loss.old, loss.new}) == {loss.old, loss.new}) or loss
def leaf_hash(text): return sha(b'\x00' + utf8(text))
def node(left, right): return sha(b'\x01' + left + right)
def split(size): return 1 << (size - 1).bit_length() >> 1  # the largest power of two below
def root_of(size, indices, hashes, proof):  # to which some leaves lead, with the subtrees in which none of them lies
    rest = [*proof][::-1]
    def walk(start, end):
        first, middle = bisect.bisect_left(indices, start), start + split(end - start)
        if first == len(indices) or indices[first] >= end: return rest.pop()
        if end - start == 1: return hashes[first]
        return node(walk(start, middle), walk(middle, end))
    root = walk(0, size) if size else sha(b'')
    return need(not rest and (not indices or indices[-1] < size)) or root
def begins_with(first_size, first_root, size, root, proof):  # the second log with the first one (RFC 9162, 2.1.4)
    rest = [*proof][::-1]
    def walk(m, n, is_first):  # roots of the first m and of all n leaves of a subtree; are those m all of the first log
        if m == n: return (first_root if is_first else rest.pop(),) * 2
        old, new = walk(m, split(n), is_first) if m <= split(n) else walk(m - split(n), n - split(n), False)
        other = rest.pop()
        return (old, node(new, other)) if m <= split(n) else (node(other, old), node(other, new))
    if first_size == 0: return first_root == (root if size == 0 else sha(b'')) and not rest
    try: return first_size <= size and walk(first_size, size, True) == (first_root, root) and not rest
    except IndexError: return False
