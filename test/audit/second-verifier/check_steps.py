"""Holds the second verifier against the steps of docs/bundle-vectors/vectors.json; says nothing where all are alike."""
import hashlib
import hmac
import json
import sys
import uuid
import formats
import rules
import verifier

def fails(action, *given):
    try:
        return action(*given)
    except formats.Malformed:
        return None

def check(steps):
    for each in steps['canonical']:
        assert (fails(formats.read_canonical, each['text']) is not None) == each['isCanonical'], each
    assert formats.read_key(steps['vkey']['text'])[0] == steps['vkey']['name']
    assert formats.leaf_hash(steps['leafHash']['text']).hex() == steps['leafHash']['sha256']
    assert steps['roots'][0] == formats.root_of([]).hex()
    assert steps['roots'][1] == steps['leafHash']['sha256']
    token = steps['token']
    person = f'{token["kind"]}\n{token["id"]}'.encode()
    salt = formats.base64_bytes(token['salt'])
    assert token['token'] == 'committed:' + hmac.new(salt, person, hashlib.sha256).hexdigest()
    named = steps['evidenceName']
    digest = formats.sha256(formats.base64_bytes(named['content'])).hex()
    assert named['name'] == f'evidence-{uuid.uuid5(verifier.NAMESPACE, named["effectId"] + chr(10) + digest)}'
    for each in steps['instants']:
        assert fails(formats.plus, each['text'], 1) == each['plusOneMs'], each
    for each in steps['points']:
        assert rules.points_of(each['distance'], each) == each['points'], each
    asked, gives = steps['comparison']['asked'], steps['comparison']['gives']
    assert rules.scored(asked) == (gives['cardPoints'], gives['registeredPoints'], gives['basis'])
    for each in steps['retry']:
        assert rules.retry(each['now'], each['attempt'], each) == each['at'], each

if __name__ == '__main__':
    with open(sys.argv[1], encoding='utf-8') as file:
        check(json.load(file)['steps'])
