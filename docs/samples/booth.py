#!/usr/bin/env python3
"""A small booth in Python, written from docs/wire.md and docs/test-card.md and nothing else of Honnin.

    booth.py key  KEY.pem                             makes a booth's key where there is none; prints what is enrolled
    booth.py send KEY.pem BOOTH-ID SERVER-URL CARD    registers with a card in files, and follows the receipt to its end

Needs Python 3.10 and the package cryptography. A real booth also counts its captures over restarts, keeps what it
could not deliver, and shows the consent text before it photographs anybody.
"""
import base64
import datetime
import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

FINAL = {'registered', 'not_registered', 'visit_again'}
JPEG, BYTES = 'image/jpeg', 'application/octet-stream'


def signed_text(label, members):
    """The bytes that are signed. Names sorted, no white space: all that the form of these texts asks for."""
    return json.dumps({**members, 'label': label}, sort_keys=True, separators=(',', ':')).encode('ascii')


def base64_of(data):
    return base64.b64encode(data).decode('ascii')


def utc_now():
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.strftime('%Y-%m-%dT%H:%M:%S.') + f'{now.microsecond // 1000:03d}Z'


def form_data(parts):
    """multipart/form-data of (name, content type, bytes). @returns its content type and its bytes"""
    boundary = uuid.uuid4().hex
    body = b''
    for name, kind, content in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        body += head.encode() + f'Content-Type: {kind}\r\n\r\n'.encode() + content + b'\r\n'
    return f'multipart/form-data; boundary={boundary}', body + f'--{boundary}--\r\n'.encode()


class Refused(Exception):
    """The server said no, with a code that programs read."""

    def __init__(self, status, problem):
        places = [(each.get('part'), each['pointer'], each['expected']) for each in problem.get('errors', [])]
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')} {places or ''}")
        self.code = problem.get('code')


class Card:
    """What a card reader would give, from the folder of a card for trying."""

    def __init__(self, folder, certificate_type='user_authentication'):
        self.folder = folder
        index = json.loads(self.read('card.json'))
        assert index['format'] == 'honnin-test-card/v1', index['format']
        held, face = index['certificates'][certificate_type], index['face']
        self.certificate_type = certificate_type
        self.certificate = self.read(held['certificateFile'])
        self.record = self.read(face['recordFile'])
        self.issuer_certificate = self.read(face['issuerCertificateFile'])
        self.key = self.read(held['privateKeyFile'])
        self.face_key = self.read(face['cardKey']['privateKeyFile'])
        self.photo = self.read(index['photoFile'])

    def read(self, name):
        with open(os.path.join(self.folder, name), 'rb') as file:
            return file.read()

    @staticmethod
    def sign(private_key, text):
        key = serialization.load_pem_private_key(private_key, None)
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        return key.sign(text, ec.ECDSA(hashes.SHA384()))


class Booth:
    def __init__(self, server, booth_id, key):
        self.server, self.booth_id, self.key, self.counter = server.rstrip('/'), booth_id, key, int(time.time())

    def sign(self, label, members):
        return base64_of(self.key.sign(signed_text(label, members)))

    def ask(self, path, body=None, headers=()):
        """@returns the answer as JSON @throws Refused, where the server answered with a problem"""
        request = urllib.request.Request(self.server + path, data=body, headers=dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.code, json.load(error)) from None

    def question(self):
        """Header fields that show whose a question is."""
        asked = {'boothId': self.booth_id, 'requestedAtUtc': utc_now()}
        signature = self.sign('honnin/challenge-request/v1', asked)
        return {'Honnin-Booth-Id': self.booth_id, 'Honnin-Requested-At': asked['requestedAtUtc'],
                'Honnin-Booth-Signature': signature}

    def upload(self, path, nonce, parts, headers=()):
        place = self.sign('honnin/upload-place/v1', {'boothId': self.booth_id, 'nonce': nonce})
        kind, body = form_data(parts)
        return self.ask(path, body, {
            **dict(headers), 'Content-Type': kind, 'Honnin-Booth-Id': self.booth_id, 'Honnin-Challenge': nonce,
            'Honnin-Booth-Signature': place})

    def check(self, nonce, photo):
        asked = {'boothId': self.booth_id, 'nonce': nonce, 'photoSha256': hashlib.sha256(photo).hexdigest()}
        request = {**asked, 'boothSignature': self.sign('honnin/photo-check/v1', asked)}
        parts = [('request', 'application/json', json.dumps(request).encode()), ('photo', JPEG, photo)]
        return self.upload('/v1/photo-checks', nonce, parts)

    def prepare(self, card, nonce, text_version):
        """Everything of one session: three signatures over one text. @returns the parts, which never change again"""
        self.counter += 1
        sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in [
            ('certificate', card.certificate), ('cardRecord', card.record),
            ('cardIssuerCertificate', card.issuer_certificate), ('photo', card.photo)]}
        envelope = {
            'boothId': self.booth_id, 'nonce': nonce, 'counter': self.counter, 'capturedAtUtc': utc_now(),
            'certificateType': card.certificate_type, 'mode': 'GOVERNMENT_SUBMISSION',
            'consent': {'textVersion': text_version, 'keepReferenceImage': True},
            **{f'{name}Sha256': digest for name, digest in sha256.items()}}
        text = signed_text('honnin/capture/v1', envelope)
        request = {
            'envelope': envelope, 'boothSignature': base64_of(self.key.sign(text)),
            'cardSignature': base64_of(card.sign(card.key, text)),
            'cardChallengeSignature': base64_of(card.sign(card.face_key, text))}
        return [
            ('request', 'application/json', json.dumps(request).encode()),
            ('certificate', 'application/pkix-cert', card.certificate), ('cardRecord', BYTES, card.record),
            ('cardIssuerCertificate', BYTES, card.issuer_certificate), ('photo', JPEG, card.photo)]

    def follow(self, receipt):
        """Asks until the end, as `GET …/events` would tell it."""
        told, ends = None, time.monotonic() + 600
        while time.monotonic() < ends:
            status = self.ask(f'/v1/registrations/{receipt}')['status']
            if status != told:
                told = status
                print(f'status {status}', flush=True)
            if status in FINAL:
                return status
            time.sleep(0.5)
        raise TimeoutError(f'{receipt} is still {told}')


def key_of(file):
    if not os.path.exists(file):
        made = ed25519.Ed25519PrivateKey.generate()
        pem = made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                 serialization.NoEncryption())
        with open(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), 'wb') as out:
            out.write(pem)
    with open(file, 'rb') as pem:
        return serialization.load_pem_private_key(pem.read(), None)


def send(key_file, booth_id, server, card_folder):
    booth, card = Booth(server, booth_id, key_of(key_file)), Card(card_folder)
    settings = booth.ask('/v1/booth-settings', headers=booth.question())
    print(f"standing {settings['booth'] and settings['booth']['standing']}")
    question = {**booth.question(), 'Content-Type': 'application/json'}
    nonce = booth.ask('/v1/challenges', json.dumps({'boothId': booth_id}).encode(), question)['nonce']
    checked = booth.check(nonce, card.photo)
    print(f"photograph usable {checked['usable']}", *(each['hint']['en'] for each in checked['reasons']))
    parts = booth.prepare(card, nonce, settings['consentTexts'][-1]['version'])
    idempotency = {'Idempotency-Key': str(uuid.uuid4())}
    receipt = booth.upload('/v1/registrations', nonce, parts, idempotency)['receipt']
    again = booth.upload('/v1/registrations', nonce, parts, idempotency)['receipt']
    print(f"receipt {receipt}, {'the same' if again == receipt else 'ANOTHER'} when sent again")
    return booth.follow(receipt)


if __name__ == '__main__':
    if len(sys.argv) == 3 and sys.argv[1] == 'key':
        public = key_of(sys.argv[2]).public_key()
        spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        print(base64_of(spki))
    elif len(sys.argv) == 6 and sys.argv[1] == 'send':
        try:
            sys.exit(0 if send(*sys.argv[2:]) == 'registered' else 1)
        except Refused as refused:
            sys.exit(str(refused))
    else:
        sys.exit(__doc__)
