"""Decisions made again, in the order of the log, from docs/bundle.md alone (section 9)."""
import rules
from formats import Malformed, canonical, milliseconds, need

KINDS = {
    'registration-': (rules.registration, rules.registration_after, {'stage': 'none'}, '''RequestReceived RequestLapsed
        CertificateVerified CertificateRejected CertificateCheckDeferred FaceMatched FaceReferred FaceMismatched
        FaceNotComparable FaceComparisonDeferred Held HoldReleased HoldRejected RecaptureRequested HoldExpired
        SubmissionAttempted SubmittedToGovernment SubmissionDeferred GovernmentAccepted GovernmentRefused KeptInRegistry
        RegistrationWithdrawn MaterialDiffered MaterialMissing RequestEndedByOperator RefusedEvidenceRetained
        RefusedEvidenceErased'''.split()),
    'registrant-': (rules.registrant, rules.registrant_after, rules.REGISTRANT, '''ConsentGiven ConsentWithdrawn
        FaceImageRegistered FaceImageConfirmed FaceImageWithdrawn CertificateAdded CertificateLinked
        RegistrantErased'''.split()),
    'hold-': (rules.hold, rules.hold_after, {'stage': 'none'},
              'HoldOpened OpinionGiven HoldResolved HoldClosed'.split()),
    'policy-': (rules.policy, rules.policy_after, {'versions': [], 'active': None},
                'PolicyProposed PolicyApproved PolicyActivated'.split()),
    'booth-': (rules.booth, rules.booth_after, {'stage': 'none'},
               'BoothEnrolled BoothKeyRotated BoothSuspended BoothResumed'.split()),
    'act-': (rules.act, rules.act_after, {'stage': 'none'},
             'ActProposed ActApproved ActBegun ActDeclined ActCarriedOut'.split()),
    'saga-': (rules.saga, rules.saga_after, rules.SAGA,
              'SagaReacted EffectPerformed EffectFailed EffectStuck EffectResumed'.split()),
}
FACTS = '''BiometricViewed AccessRefused AuditExported RecordsViewed RequestRefusedAtDoor RequestsRefusedAtDoor
ChallengeConsumed RequestClaimed CommandClaimed EventParked ConsumerStopped ConsumerResumed ParkedReplayed
EventSkipped UnknownEventMet InstallationClaimed ServerBegan ServerAsked ServerAnswered
ServerEnded CheckpointRecorded VerifierPageGivenOut LossProposed LossAccepted'''.split()
KNOWN = {*FACTS, 'ErasureAnnounced', 'ErasureConfirmed', *(kind for kinds in KINDS.values() for kind in kinds[3])}
NOT_COMPARED = dict.fromkeys('birthDate sex birthday expiry sameCard'.split(),
                             {'outcome': 'cannot_tell', 'because': 'not_compared'})
ANSWERS = ('SubmittedToGovernment', 'GovernmentAccepted', 'GovernmentRefused', 'SubmissionDeferred')
COMPARISONS = ('FaceMatched', 'FaceReferred', 'FaceMismatched')
RETURNS = ('ConsentGiven', 'CertificateAdded', 'CertificateLinked')

def values(**added):
    return lambda data: {**data, 'values': {**data['values'], **added}}

def without_digest(data):
    return {**data, 'sealedEvidenceSha256': None}

UPCASTS = {
    'RequestReceived': [lambda data: {**data, 'material': {**data.get('material', {}), 'signatures': None}}],
    'CertificateVerified': [
        lambda data: {**data, 'agreement': NOT_COMPARED, 'otherCertificate': 'not_asked'}, without_digest,
        lambda data: {**data, 'erasedBefore': False}],
    'RegistrantErased': [lambda data: {**data, 'tombstone': None}],
    **dict.fromkeys(('CertificateRejected', 'RefusedEvidenceRetained', 'RefusedEvidenceErased'), [without_digest]),
    **dict.fromkeys(COMPARISONS, [lambda data: {**data, 'basis': None}]),
    'CertificateLinked': [lambda data: {**data, 'relation': 'renewal'}],
    'AuditExported': [lambda data: {**data, 'attached': None}],
    'PolicyProposed': [
        lambda data: {**data, 'report': None}, values(refusedEvidenceRetentionDays=400),
        values(photoQualityHoldBelow={}),
        lambda data: values(caseOpenHoursMax=168 + data['values']['holdDueHours'])(data),
        values(holdOnCardUnconfirmed=False, certificateTypesWithoutSameCard=['user_authentication'],
               signingCertificateAtFirstRegistration=False), values(dualControlWaitMinutes=0),
        lambda data: {**data, 'basedOn': None}, values(erasedBeforeDays=3650)],
}

def todays(leaf):
    """@returns the data in today's shape, or None for what is not known"""
    steps, version = UPCASTS.get(leaf['type'], []), leaf['schemaVersion']
    if leaf['type'] not in KNOWN or not 1 <= version <= len(steps) + 1:
        return None
    data = leaf['data']
    for step in steps[version - 1:]:
        data = step(data)
    return data

def kind_of(stream):
    return next((prefix for prefix in KINDS if stream.startswith(prefix)), None)

class Stream:
    def __init__(self, prefix, revision, is_whole, state):
        self.prefix, self.revision, self.is_whole, self.state = prefix, revision, is_whole, state
        self.waiting, self.expected = None, []

class Replay:
    def __init__(self, is_partial):
        self.is_partial, self.wrong, self.unknown = is_partial, [], []
        self.streams, self.sources, self.resolved, self.refusals, self.scorings = {}, {}, {}, {}, {}
        self.stuck, self.lost, self.activations, self.joined, self.references = set(), set(), [], [], {}
        self.policies, self.registrants = KINDS['policy-'][2], {}

    def feed(self, index, leaf):
        data, kind, name, meta = todays(leaf), leaf['type'], leaf['stream'], leaf['metadata']
        prefix = kind_of(name)
        stream = self.streams.get(name)
        if data is None:
            self.unknown.append(index)
            self.lost.add(prefix)
            if prefix:
                self.streams[name] = Stream(prefix, leaf['revision'], False, KINDS[prefix][2])
            return
        event = index, kind, data, meta, stream.waiting[0] if stream and stream.waiting else -1
        self.learn(event, name, leaf['id'])
        if kind in FACTS:
            return
        if prefix is None:
            self.unknown.append(index)
            return
        if stream is None:
            stream = self.streams[name] = self.begin(index, prefix, leaf)
        if leaf['revision'] != stream.revision + 1:
            self.wrong.append(index)
        stream.revision = leaf['revision']
        if stream.waiting:
            self.judge(stream, (kind, data))
        stream.waiting = event

    def finish(self, is_cut):
        for stream in self.streams.values():
            if stream.waiting:
                self.judge(stream, None)
                if stream.expected and not is_cut:
                    self.wrong.append(stream.waiting[0])

    def begin(self, index, prefix, leaf):
        returned = prefix == 'registrant-' and leaf['revision'] > 0 and leaf['type'] in RETURNS
        is_whole = returned or leaf['revision'] == 0
        if not is_whole and not self.is_partial and prefix != 'registrant-':
            self.wrong.append(index)
        state = {**rules.REGISTRANT, 'erased': True} if returned else KINDS[prefix][2]
        return Stream(prefix, leaf['revision'] - 1, is_whole, state)

    def learn(self, event, name, event_id):
        index, kind, data, meta, _ = event
        at, case, prefix = meta['recordedAtUtc'], meta.get('correlationId'), kind_of(name)
        if prefix in ('policy-', 'registrant-') and kind not in FACTS:
            need(kind in KINDS[prefix][3], 'a type that does not belong to its stream')
        if prefix == 'policy-' and kind not in FACTS:
            self.policies = rules.policy_after(self.policies, kind, data)
            if kind == 'PolicyActivated':
                self.activations.append((index, data['version'], at))
        if kind in rules.SOURCES:
            self.sources[event_id] = kind, data, at
        if kind == 'CertificateRejected':
            self.refusals[case] = at
        if kind == 'EffectStuck':
            self.stuck.add(data['effectId'])
        if kind == 'SagaReacted':
            self.stuck |= {effect['effectId'] for effect in data['effects'] if effect['stuck'] is not None}
        if kind == 'HoldResolved':
            self.resolved[data['requestId']] = data
        if prefix == 'registrant-' and kind not in FACTS:
            key = name[len(prefix):]
            state = rules.registrant_after(self.registrants.get(key, rules.REGISTRANT), kind, data)
            self.registrants[key] = state
            self.references.setdefault(key, []).append((index, rules.reference(state)))
            other = data.get({'CertificateAdded': 'subjectKey', 'CertificateLinked': 'registrantKey'}.get(kind))
            if isinstance(other, str):
                self.joined += [(index, key, other), (index, other, key)]

    def judge(self, stream, follows):
        index, kind, data, meta, after = stream.waiting
        rule, evolve, _, kinds = KINDS[stream.prefix]
        try:
            need(kind in kinds, 'a type that does not belong to its stream')
            if stream.expected:
                expected, stream.expected = stream.expected[0], stream.expected[1:]
                self.compare(index, (kind, data), expected)
            else:
                self.decide(stream, follows)
            stream.state = evolve(stream.state, kind, data)
        except (Malformed, KeyError, TypeError, ValueError, AttributeError, StopIteration, IndexError, OverflowError):
            self.wrong.append(index)
            if kind in kinds:
                try:
                    stream.state = evolve(stream.state, kind, data)
                except (Malformed, KeyError, TypeError, ValueError, AttributeError):
                    pass

    def compare(self, index, event, expected):
        if event[0] != expected[0] or canonical(event[1]) != canonical(expected[1]):
            self.wrong.append(index)
            return False
        return True

    def decide(self, stream, follows):
        index, kind, data, meta, after = stream.waiting
        named = [p['values'] for p in self.policies['versions'] if p['version'] == meta.get('policyVersion')]
        v = named[0] if named else None
        never = kind in ('Held', 'ConsentWithdrawn') or (kind == 'FaceImageWithdrawn' and data['reason'] not in
                                                         ('government_refused', 'request_ended', 'replaced'))
        source = self.sources.get(data.get('sourceEventId')) if kind == 'SagaReacted' else None
        no_source = kind == 'SagaReacted' and (source is None or 'policy-' in self.lost)
        if not stream.is_whole or never or no_source or (kind in rules.NEEDS_POLICY and v is None):
            return
        if kind == 'SagaReacted':
            active = [p['values'] for p in self.policies['versions'] if p['version'] == self.policies['active']]
            attempts_max = active[0]['retry']['attemptsMax'] if active else float('inf')
            events = rules.reaction(stream.state, data, source, attempts_max)
        else:
            events = KINDS[stream.prefix][0](stream.state, kind, data, follows, v, meta['recordedAtUtc'])
        stream.expected = events[1:]
        if self.compare(index, (kind, data), events[0]):
            self.inputs(stream, v)

    def inputs(self, stream, v):
        index, kind, data, meta, after = stream.waiting
        case, version = meta.get('correlationId'), meta.get('policyVersion')
        need(version is None or not self.activations or 'policy-' in self.lost or self.in_force(stream), 'policy')
        if stream.prefix != 'registration-':
            return
        request = stream.state.get('request')
        if kind == 'RequestReceived' and v is not None:
            captured, received = milliseconds(data['capturedAtUtc']), milliseconds(data['receivedAtUtc'])
            need(captured <= received + v['clockSkewSecondsMax'] * 1000, 'captured in the future')
            need(captured >= received - v['captureAgeMinutesMax'] * 60_000, 'captured too long ago')
            need(data['consent']['textVersion'] in v['consentTextVersions'], 'consent text')
            need(data['mode'] != 'REGISTRY_ONLY' or data['consent']['keepReferenceImage'], 'consent')
        if kind == 'CertificateVerified':
            need(all(data['material'].get(n) == request['material'].get(n) for n in ('certificate', 'cardRecord')), 'material')
        if kind in COMPARISONS:
            need(data['material']['photo'] == request['material']['photo'], 'another photograph')
            way = 'points' if data['basis'] is None else canonical(data['basis']['scoring'])
            algorithm = data['algorithm']['id'], data['algorithm']['version']
            known = self.scorings.setdefault(algorithm, way)
            self.reference(stream, data['registered'])
            need(known == way, 'another scoring')
        if kind in ('HoldReleased', 'HoldRejected', 'RecaptureRequested') and 'hold-' not in self.lost:
            review = self.resolved.get(case)
            need(self.is_partial if review is None else review['officers'] == data['officers'], 'officers')
        if kind == 'RefusedEvidenceRetained':
            need(self.refusals.get(case) == data['refusedAtUtc'], 'retention does not begin with the refusal')
        if kind == 'RequestEndedByOperator' and data['stuckEffectId'] is not None and 'saga-' not in self.lost:
            need(data['stuckEffectId'] in self.stuck or not self.whole(f'saga-{case}'), 'the step was not stuck')

    def whole(self, name):
        return self.streams[name].is_whole if name in self.streams else not self.is_partial

    def in_force(self, stream):
        index, kind, _, meta, after = stream.waiting
        before = [activation for activation in self.activations if activation[0] < index]
        for (_, version, _), following in zip(before, [*before[1:], None]):
            if version == meta['policyVersion'] and (following is None or (
                    following[0] > after if kind in ANSWERS else
                    milliseconds(following[2]) >= milliseconds(meta['recordedAtUtc']) - 60_000)):
                return True
        return False

    def reference(self, stream, registered):
        index, _, _, _, after = stream.waiting
        subject = stream.state.get('subjectKey')
        if subject is None or 'registrant-' in self.lost:
            return
        certain, possible = self.keys_of(subject, after), self.keys_of(subject, index)
        if not all(self.whole(f'registrant-{key}') for key in possible):
            return
        seen = {key: self.seen(key, after, index) for key in possible}
        if registered['comparison'] == 'compared':
            need(any(registered['imageId'] in images for images in seen.values()), 'not the reference')
        if registered['comparison'] == 'not_applicable' and registered['reason'] == 'first_registration':
            need(all(None in seen[key] for key in certain), 'there was a reference')

    def keys_of(self, subject, before):
        keys, grew = {subject}, True
        while grew:
            found = {other for index, key, other in self.joined if index <= before and key in keys} - keys
            keys, grew = keys | found, bool(found)
        return keys

    def seen(self, key, after, before):
        changes = self.references.get(key, [])
        at_start = [image for index, image in changes if index <= after][-1:] or [None]
        return at_start + [image for index, image in changes if after < index < before]
