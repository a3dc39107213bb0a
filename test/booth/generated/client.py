"""A booth that sends with the client which openapi-python-client makes of the served description, unedited: challenge,
photo check, registration, the same again, status to the end. What is signed comes from docs/samples/booth.py.

    client.py KEY.pem BOOTH-ID SERVER-URL CARD
"""
import hashlib
import io
import json
import sys
import time
import uuid

import booth
from honnin_client import Client
from honnin_client.api.booth import (
    check_photo, get_booth_settings, get_registration_status, issue_challenge, receive_registration,
    stream_registration_status)
from honnin_client.models import (
    ChallengeBody, CheckPhotoBody, PhotoCheckBody, Problem, ReceiveRegistrationBody, RegistrationRequestBody)
from honnin_client.types import File


def file_of(name, kind, content):
    return File(payload=io.BytesIO(content), file_name=name, mime_type=kind)


def files_of(parts):
    names = {'cardRecord': 'card_record', 'cardIssuerCertificate': 'card_issuer_certificate'}
    return {names.get(name, name): file_of(name, kind, content) for name, kind, content in parts if name != 'request'}


def place_of(signer, nonce):
    signature = signer.sign('honnin/upload-place/v1', {'boothId': signer.booth_id, 'nonce': nonce})
    return {'honnin_booth_id': signer.booth_id, 'honnin_challenge': nonce, 'honnin_booth_signature': signature}


def main(key_file, booth_id, server, card_folder):
    signer, card = booth.Booth(server, booth_id, booth.key_of(key_file)), booth.Card(card_folder)
    client = Client(base_url=server, raise_on_unexpected_status=True, timeout=60)
    said = {}

    who = {f'honnin_{name[7:].lower().replace("-", "_")}': value for name, value in signer.question().items()}
    settings = get_booth_settings.sync(client=client, **who)
    said['standing'] = settings.booth.standing.value
    nonce = issue_challenge.sync(client=client, body=ChallengeBody(booth_id=booth_id), **who).nonce

    asked = {'boothId': booth_id, 'nonce': nonce, 'photoSha256': hashlib.sha256(card.photo).hexdigest()}
    question = {**asked, 'boothSignature': signer.sign('honnin/photo-check/v1', asked)}
    look = CheckPhotoBody(request=PhotoCheckBody.from_dict(question), photo=file_of('photo', booth.JPEG, card.photo))
    said['usable'] = check_photo.sync(client=client, body=look, **place_of(signer, nonce)).usable

    parts = signer.prepare(card, nonce, settings.consent_texts[-1].version)
    key = str(uuid.uuid4())

    def register(parts=parts, key=key):
        request = RegistrationRequestBody.from_dict(json.loads(parts[0][2]))
        body = ReceiveRegistrationBody(request=request, **files_of(parts))
        return receive_registration.sync_detailed(
            client=client, body=body, idempotency_key=key, **place_of(signer, nonce))

    first, again = register(), register()
    said['received'] = [int(first.status_code), int(again.status_code), first.parsed == again.parsed]
    receipt = first.parsed.receipt
    said['location'] = first.headers['location'] == f'/v1/registrations/{receipt}'

    # Refusals: each is a Problem, with a code that programs read.
    other = register(parts=signer.prepare(card, nonce, settings.consent_texts[-1].version))
    wrong = register(parts=[*parts[:3], (parts[3][0], 'text/plain', parts[3][2]), parts[4]], key='wrong')
    assert isinstance(other.parsed, Problem) and isinstance(wrong.parsed, Problem)
    said['refused'] = [[int(each.status_code), each.parsed.code] for each in (other, wrong)]
    said['place'] = [each.part for each in wrong.parsed.errors]

    stream = stream_registration_status.sync_detailed(client=client, receipt=receipt)
    said['streamed'] = stream.content.decode().count('event: status') > 0
    ends = time.monotonic() + 600
    while True:
        status = get_registration_status.sync(client=client, receipt=receipt).status.value
        if status in booth.FINAL or time.monotonic() > ends:
            break
        time.sleep(0.5)
    said['status'] = status
    print(json.dumps(said))


main(*sys.argv[1:])
