"""A card in files, read and proven by docs/test-card.md alone.

    card.py FOLDER
"""
import hashlib
import json
import os
import struct
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, ec

folder = sys.argv[1]


def read(name):
    with open(os.path.join(folder, name), 'rb') as file:
        return file.read()


def objects(data, at=0, two_byte=True):
    """Yields (tag, content, where it begins, the object as written)."""
    while at < len(data):
        begin = at
        width = 2 if two_byte else 1
        tag, at = data[at:at + width].hex(), at + width
        length, at = data[at], at + 1
        if length >= 0x80:
            assert length in (0x81, 0x82), hex(length)
            octets = length & 0x7f
            length, at = int.from_bytes(data[at:at + octets], 'big'), at + octets
        assert at + length <= len(data), tag
        yield tag, data[at:at + length], begin, data[begin:at + length]
        at += length


def key_in(data):
    numbers = {tag: int.from_bytes(content, 'big') for tag, content, _, _ in objects(data, two_byte=False)}
    return rsa.RSAPublicNumbers(numbers['90'], numbers['91']).public_key()


def record_is_signed(parts, key):
    groups = ['df22', 'df23', 'df24'], ['df25', 'df26'], ['df27']
    digests = b''.join(hashlib.sha256(b''.join(parts[tag][1] for tag in tags)).digest() for tags in groups)
    info = bytes.fromhex('3071300d060960864801650304020105000460') + digests
    block = b'\x00\x01' + b'\xff' * (256 - 3 - len(info)) + b'\x00' + info
    numbers = key.public_numbers()
    opened = pow(int.from_bytes(parts['df28'][0], 'big'), numbers.e, numbers.n).to_bytes(256, 'big')
    return opened == block


def main():
    index = json.loads(read('card.json'))
    assert index['format'] == 'honnin-test-card/v1'
    for kind, held in sorted(index['certificates'].items(), reverse=True):
        certificate = x509.load_der_x509_certificate(read(held['certificateFile']))
        key = serialization.load_pem_private_key(read(held['privateKeyFile']), None)
        if held['algorithm'].startswith('RSASSA'):
            certificate.public_key().verify(
                key.sign(b'text', padding.PKCS1v15(), hashes.SHA256()), b'text', padding.PKCS1v15(), hashes.SHA256())
        else:
            scheme = ec.ECDSA(hashes.SHA384())
            certificate.public_key().verify(key.sign(b'text', scheme), b'text', scheme)
        print(f'{kind} signs')

    face = index['face']
    [(tag, inside, _, _)] = objects(read(face['issuerCertificateFile']))
    assert tag == '7f21', tag
    issuer = {tag: content for tag, content, _, _ in objects(inside)}
    root = serialization.load_pem_public_key(read(face['issuerRootFile']))
    root.verify(issuer['5f37'], issuer['5f4e'], padding.PKCS1v15(), hashes.SHA256())
    assert len(issuer['5f4e']) == 297
    issuer_key = key_in(issuer['5f4e'][32:])

    record = read(face['recordFile'])
    [(tag, inside, _, _)] = objects(record)
    assert tag == 'ff20', tag
    start = len(record) - len(inside)
    found = [(tag, content, start + begin, whole) for tag, content, begin, whole in objects(inside)]
    assert [tag for tag, *_ in found] == ['df2' + digit for digit in '123456789a'], found
    table = struct.unpack(f'>{len(found) - 1}H', found[0][1])
    assert list(table) == [begin for _, _, begin, _ in found[1:]], table
    parts = {tag: (content, whole) for tag, content, _, whole in found}
    assert record_is_signed(parts, issuer_key)
    card_key = serialization.load_pem_private_key(read(face['cardKey']['privateKeyFile']), None).public_key()
    assert key_in(parts['df24'][0]).public_numbers() == card_key.public_numbers()
    assert parts['df27'][0] == read(face['imageFile'])
    assert parts['df22'][0].decode() == index['holder']['birthDate'].replace('-', '')
    print('the issuer is certified, the record is signed, its key is the card, its picture is face.jp2')

    content, whole = parts['df27']
    changed = {**parts, 'df27': (content, whole[:-1] + bytes([whole[-1] ^ 1]))}
    assert not record_is_signed(changed, issuer_key)
    print('a changed picture is found out')


main()
