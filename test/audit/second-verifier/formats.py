"""Bytes, texts and signatures of audit bundles, from docs/bundle.md alone (sections 2, 3, 4, 8)."""
import base64
import hashlib
import json
import re
from datetime import datetime, timedelta

INTEGER_MAX = 2 ** 53 - 1

class Malformed(Exception):
    """What is not written as the document says."""

def need(condition, what):
    if not condition:
        raise Malformed(what)

# Section 2: canonical JSON.

def _number(text):
    value = float(text)
    need(abs(value) != float('inf'), 'a number is infinite')
    return int(value) if value.is_integer() and abs(value) <= INTEGER_MAX else value

def _no_constant(_):
    raise Malformed('no JSON')

def read_json(text):
    try:
        return json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Malformed('no JSON') from None

def _write_number(value):
    """As ECMAScript writes a double: the shortest digits, an exponent from 21 digits on and below 1e-6."""
    if isinstance(value, int):
        return str(value)
    mantissa, _, exponent = repr(abs(value)).partition('e')
    whole, _, fraction = mantissa.partition('.')
    digits = (whole + fraction).lstrip('0')
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip('0')
    sign, count = ('-' if value < 0 else ''), len(digits)
    if count <= point <= 21:
        return sign + digits + '0' * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + '.' + digits[point:]
    if -6 < point <= 0:
        return sign + '0.' + '0' * -point + digits
    power = ('+' if point > 0 else '-') + str(abs(point - 1))
    return sign + digits[0] + ('.' + digits[1:] if count > 1 else '') + 'e' + power

def _write_text(text):
    written = json.dumps(text, ensure_ascii=False)
    return re.sub('[\ud800-\udfff]', lambda half: '\\u%04x' % ord(half[0]), written)

def _utf16(text):
    return text.encode('utf-16-be', 'surrogatepass')

def canonical(value):
    if value is None or isinstance(value, bool):
        return {None: 'null', True: 'true', False: 'false'}[value]
    if isinstance(value, (int, float)):
        return _write_number(value)
    if isinstance(value, str):
        return _write_text(value)
    if isinstance(value, (list, tuple)):
        return '[' + ','.join(map(canonical, value)) + ']'
    need(isinstance(value, dict), 'a value is missing')
    return '{' + ','.join(_write_text(k) + ':' + canonical(value[k]) for k in sorted(value, key=_utf16)) + '}'

def read_canonical(text):
    value = read_json(text)
    need(canonical(value) == text, 'not canonical JSON')
    return value

def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)

def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)

def has_exactly(value, *names):
    return isinstance(value, dict) and set(value) == set(names)

def texts(value):
    return isinstance(value, list) and all(isinstance(text, str) for text in value)

def base64_bytes(text):
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError:
        raise Malformed('not base64') from None
    need(base64.b64encode(value).decode() == text, 'not base64')
    return value

def hashes(proof):
    values = [base64_bytes(text) for text in proof]
    need(all(len(value) == 32 for value in values), 'a hash of a proof has not 32 bytes')
    return values

def sha256(data):
    return hashlib.sha256(data).digest()

# Section 8: instants.

INSTANT = re.compile(r'([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,3}))?Z')
# Python's calendar begins with the year 1; 400 years later every day is the same one.
CYCLE_YEARS, CYCLE_MS = 400, 146_097 * 86_400_000

def milliseconds(instant):
    """Since the year 0."""
    found = INSTANT.fullmatch(instant) if isinstance(instant, str) else None
    need(found, 'no instant')
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction = int((found[7] or '0').ljust(3, '0'))
    in_day = ((hour * 60 + minute) * 60 + second) * 1000 + fraction
    good = 1 <= month <= 12 and 1 <= day <= 31 and minute <= 59 and second <= 59 and in_day <= 86_400_000
    need(good and (hour <= 23 or in_day == 86_400_000), 'no instant')
    days = (datetime(year + CYCLE_YEARS, month, 1) - datetime(CYCLE_YEARS, 1, 1)).days
    return (days + day - 1) * 86_400_000 + in_day

def plus(instant, added):
    """@param added milliseconds, a whole number"""
    at = datetime(CYCLE_YEARS, 1, 1) + timedelta(milliseconds=milliseconds(instant) + added)
    return f'{at.year - CYCLE_YEARS:04d}-{at:%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z'

# RFC 8032: Ed25519.

P = 2 ** 255 - 19
ORDER = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

def _x_of(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x

def _add(a, b):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    e, f = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    g, h = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P

def _times(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point, scalar = _add(point, point), scalar >> 1
    return result

BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = _x_of(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)

def is_signed(public_key, message, signature):
    y, s = int.from_bytes(public_key, 'little'), int.from_bytes(signature[32:], 'little')
    x = _x_of(y & (1 << 255) - 1, y >> 255)
    if x is None or s >= ORDER:
        return False
    y = (y & (1 << 255) - 1) % P
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), 'little') % ORDER
    # s·B − k·A is R: the same equation, and R is compared as it is encoded.
    x, y, z, _ = _add(_times(s, BASE), _times(challenge, (P - x, y, 1, (P - x) * y % P)))
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, 'little') == signature[:32]

# Section 3: notes, keys, checkpoints.

SPACE = '\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff'
SIGNATURE = re.compile('\u2014 ([^%s+]+) ([A-Za-z0-9+/=]+)' % SPACE)
VKEY = re.compile(r'([^%s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)' % SPACE)
DECIMAL = re.compile('0|[1-9][0-9]*')

def read_note(note):
    """@returns the signed text, and (name, key id, signature) of each line"""
    text, empty, lines = note.rpartition('\n\n')
    text += '\n'
    need(len(_utf16(note)) // 2 <= 1_000_000 and empty and note.endswith('\n'), 'no note')
    need(not re.search('[\x00-\x09\x0b-\x1f\ufffd]', text), 'a note with control characters')
    signatures = []
    for line in lines[:-1].split('\n'):
        found = SIGNATURE.fullmatch(line)
        value = base64_bytes(found[2]) if found else b''
        need(len(value) >= 5, 'no signature line')
        signatures.append((found[1], value[:4], value[4:]))
    need(len(signatures) <= 64, 'too many signatures')
    return text, signatures

def read_key(text, kind=1):
    """@param kind 1 for the key of a log, 4 for that of a witness @returns (name, key id, public key)"""
    found = VKEY.fullmatch(re.sub('^[%s]+|[%s]+$' % (SPACE, SPACE), '', text))
    need(found, 'no key')
    value = base64_bytes(found[3])
    need(len(value) == 33 and value[0] == kind, 'no key of this kind')
    key_id = sha256(found[1].encode() + b'\n' + value)[:4]
    need(key_id.hex() == found[2], 'the id of another key')
    return found[1], key_id, value[1:]

def write_key(key):
    name, key_id, public = key
    return f'{name}+{key_id.hex()}+{base64.b64encode(bytes([1]) + public).decode()}'

def judge_note(note, keys):
    """@returns 'bad', or the keys that have signed: none means unsigned"""
    text, signatures = note
    by = []
    for name, key_id, signature in signatures:
        key = next((key for key in keys if key[:2] == (name, key_id)), None)
        if key is None:
            continue
        if len(signature) != 64 or not is_signed(key[2], text.encode(), signature):
            return 'bad'
        by.append(key)
    return by

def cosigned(note, witness):
    """@returns True, False without a line of the witness, or 'wrong'"""
    text, signatures = note
    lines = [signature for name, key_id, signature in signatures if (name, key_id) == witness[:2]]
    for line in lines:
        seconds = int.from_bytes(line[:8], 'big')
        said = f'cosignature/v1\ntime {seconds}\n{text}'.encode()
        if len(line) != 72 or seconds > 8_640_000_000_000 or not is_signed(witness[2], said, line[8:]):
            return 'wrong'
    return bool(lines)

class Checkpoint:
    def __init__(self, text):
        self.note = read_note(text)
        lines = self.note[0].split('\n')[:-1]
        need(len(lines) >= 3 and all(lines) and DECIMAL.fullmatch(lines[1]), 'no checkpoint')
        self.origin, self.size, self.root = lines[0], int(lines[1]), base64_bytes(lines[2])
        need(self.size <= INTEGER_MAX and len(self.root) == 32, 'no checkpoint')

def read_succession(text):
    """@returns the old and the new key; None for what is no succession"""
    try:
        note = read_note(text)
        lines = note[0].split('\n')
        need(len(lines) == 7 and lines[0] == 'honnin key succession v1', 'no succession')
        keys = [read_key(line) for line in lines[2:4]]
        need([write_key(key) for key in keys] == lines[2:4] and {key[0] for key in keys} == {lines[1]}, 'other keys')
        by = judge_note(note, keys)
        need(by != 'bad' and all(key in by for key in keys), 'not signed by both')
        return keys[0], keys[1]
    except Malformed:
        return None

# Section 4: the tree.

def leaf_hash(text):
    return sha256(b'\x00' + text.encode())

def node_hash(left, right):
    return sha256(b'\x01' + left + right)

def split(width):
    return 1 << (width - 1).bit_length() - 1

def root_of(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b'')
    middle = split(len(leaves))
    return node_hash(root_of(leaves[:middle]), root_of(leaves[middle:]))

def root_from_set(proof, indices, leaves, size):
    """@returns None where the proof has too few or too many hashes"""
    rest = iter(proof)

    def walk(start, end, first, last):
        if first == last:
            return next(rest)
        if end - start == 1:
            return leaves[first]
        middle = start + split(end - start)
        cut = first
        while cut < last and indices[cut] < middle:
            cut += 1
        left = walk(start, middle, first, cut)
        return node_hash(left, walk(middle, end, cut, last))

    try:
        root = walk(0, size, 0, len(indices)) if size else sha256(b'')
    except StopIteration:
        return None
    return root if next(rest, None) is None else None

def begins_with(first, first_root, second, second_root, proof):
    """RFC 9162 section 2.1.4.2"""
    if first > second:
        return False
    if first == second or first == 0:
        return not proof and first_root == (second_root if first else sha256(b''))
    path = ([first_root] if first & (first - 1) == 0 else []) + proof
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    one = other = path[0]
    for value in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            one, other = node_hash(value, one), node_hash(value, other)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            other = node_hash(other, value)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and one == first_root and other == second_root
