"""A booth's side of docs/wire.md, written from that page alone: makes the bytes that are signed from what each text
says, and checks signatures, with Python's own library and nothing else.

Prints a line for each text and request of the vectors, and one with what was checked.
"""
import base64
import binascii
import hashlib
import json
import sys

LABELS = {
    'challenge-request': 'honnin/challenge-request/v1',
    'photo-check': 'honnin/photo-check/v1',
    'upload-place': 'honnin/upload-place/v1',
    'capture': 'honnin/capture/v1',
}
MEMBERS = {
    'challenge-request': ['boothId', 'requestedAtUtc'],
    'photo-check': ['boothId', 'nonce', 'photoSha256'],
    'upload-place': ['boothId', 'nonce'],
    'capture': [
        'boothId', 'capturedAtUtc', 'cardIssuerCertificateSha256', 'cardRecordSha256', 'certificateSha256',
        'certificateType', 'consent', 'counter', 'mode', 'nonce', 'photoSha256',
    ],
}


def written(value):
    """Exactly the forms that the page names."""
    if value is True or value is False:
        return 'true' if value else 'false'
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        assert all(' ' <= letter <= '~' and letter not in '"\\' for letter in value), value
        return '"' + value + '"'
    if isinstance(value, list):
        return '[' + ','.join(written(each) for each in value) + ']'
    return '{' + ','.join(written(name) + ':' + written(value[name]) for name in sorted(value)) + '}'


def signed_text(kind, says):
    members = {name: says[name] for name in MEMBERS[kind]}
    if kind == 'capture':
        members['consent'] = {name: says['consent'][name] for name in ('keepReferenceImage', 'textVersion')}
        if says.get('framesSha256'):
            members['framesSha256'] = says['framesSha256']
    return written({**members, 'label': LABELS[kind]}).encode('ascii')


# RSA, PKCS#1 v1.5 with SHA-256 (RFC 8017, section 8.2.2)
SHA256_PREFIX = bytes.fromhex('3031300d060960864801650304020105000420')


def rsa_holds(key, message, signature):
    modulus = int(key['modulus'], 16)
    length = (modulus.bit_length() + 7) // 8
    ending = SHA256_PREFIX + hashlib.sha256(message).digest()
    wanted = b'\x00\x01' + b'\xff' * (length - len(ending) - 3) + b'\x00' + ending
    found = pow(int.from_bytes(signature, 'big'), 65537, modulus).to_bytes(length, 'big')
    return len(signature) == length and found == wanted


# Ed25519 (RFC 8032, section 5.1)
P = 2 ** 255 - 19
ORDER = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return total


def point_of(data):
    y = int.from_bytes(data, 'little')
    sign, y = y >> 255, y & (2 ** 255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, 'little'))


def ed25519_holds(key, message, signature):
    public = base64.b64decode(key['publicKeySpki'])[-32:]
    if len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], 'little')
    a, r = point_of(public), point_of(signature[:32])
    if a is None or r is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), 'little') % ORDER
    left, right = times(s, BASE), add(r, times(k, a))
    return all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def holds(key, message, text):
    """None where this program has no such algorithm."""
    try:
        signature = base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    if key['algorithm'] == 'Ed25519':
        return ed25519_holds(key, message, signature)
    return rsa_holds(key, message, signature) if key['algorithm'] == 'RSA-2048' else None


def main(file):
    with open(file, encoding='utf-8') as opened:
        vectors = json.load(opened)
    keys, checked = vectors['keys'], 0
    for each in vectors['texts']:
        made = signed_text(each['kind'], each['says'])
        right = made == bytes.fromhex(each['bytesHex']) and hashlib.sha256(made).hexdigest() == each['sha256']
        for signature in each['signatures'].values():
            found = holds(keys[signature['by']], made, signature['signature'])
            right, checked = right and found is not False, checked + (found is not None)
        print('right' if right else 'wrong', each['about'], sep=': ')
    for each in vectors['requests']:
        request = each['request']
        found = holds(keys['booth'], signed_text('capture', request['envelope']), request['boothSignature'])
        checked += 1
        print('right signature' if found else 'wrong signature', each['about'], sep=': ')
    print(f'{checked} signatures checked by Ed25519 and RSA')


main(sys.argv[1])
