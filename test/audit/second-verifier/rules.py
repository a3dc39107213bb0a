"""The rules by which decisions are made again, from docs/bundle.md alone (sections 9 and 10)."""
import unicodedata
from formats import is_integer, is_number, milliseconds, need, plus

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
MEASURES = '''UnifiedQualityScore BackgroundUniformity IlluminationUniformity LuminanceMean LuminanceVariance
UnderExposurePrevention OverExposurePrevention DynamicRange Sharpness CompressionArtifacts NaturalColour
SingleFacePresent EyesOpen MouthClosed EyesVisible MouthOcclusionPrevention FaceOcclusionPrevention InterEyeDistance
HeadSize LeftwardCropOfTheFaceImage RightwardCropOfTheFaceImage MarginAboveOfTheFaceImage MarginBelowOfTheFaceImage
HeadPoseYaw HeadPosePitch HeadPoseRoll ExpressionNeutrality NoHeadCoverings'''.split()

def same(data, names):
    return {name: data[name] for name in names.split()}

# Section 10: points.

WEIGHTS = {'none': (0,) * 16, 'dlib-1': (12, -230, 57, 16, 455, 76, 7, 25, 27, 24, 8, 90, 330, 60, 0, 0),
           'dlib-2': (9, -230, 60, 18, 437, 74, 6, 25, 42, 24, 10, 90, 300, 60, 16, -315)}
DOUBTS = 'soft small grey noisy compressed flat dark'.split()
ONE, LN2 = 10 ** 18, 693147180559945309

def toward_zero(a, b):
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)

def power_of_e(x):
    halvings = toward_zero(-x, LN2)
    if halvings > 60:
        return 0
    rest, term, total = x + halvings * LN2, ONE, ONE
    for n in range(1, 25):
        term = toward_zero(term * rest, ONE * n)
        total += term
    return total >> halvings

def points_of(distance, scoring):
    slope, offset = scoring['slope'], scoring['offset']
    need(all(map(is_integer, (distance, slope, offset))), 'no whole number')
    e = toward_zero((slope * distance - offset * 10000) * ONE, 10 ** 8)
    power = power_of_e(e if e < 0 else -e)
    above, below = (ONE if e < 0 else power), ONE + power
    return (20000 * above + below) // (2 * below)

def poorness(measures, w):
    eyes, detail, noise, blocks, contrast, light = (
        measures[name] for name in ('eyeDistance', 'detail', 'noise', 'blocks', 'contrast', 'light'))
    larger = min(blocks * 40 // max(1, eyes), blocks * 5 // 2)
    soft = w[0] * max(0, w[1] - detail) + w[14] * max(0, w[15] - detail)
    values = (soft, w[2] * max(0, w[3] - eyes), w[4] if measures['isGrey'] else 0,
              w[5] * max(0, noise + 76 - 2 * detail // 5), w[6] * max(0, larger - w[7]),
              w[8] * max(0, w[9] - contrast), w[10] * max(0, w[11] - light))
    return dict(zip(DOUBTS, values))

def scored(basis):
    """@returns points of the card, points of the registered image or None, and the basis as it must be"""
    scoring = basis['scoring']
    w = WEIGHTS[scoring['quality']]
    mine, doubts, points, sides = poorness(basis['captured'], w), [], [], {}
    for image in ('card', 'registered'):
        side = basis[image]
        if side is None:
            need(image == 'registered', 'a comparison has a card')
            points.append(None)
            sides[image] = None
            continue
        theirs, share = poorness(side['measures'], w), 0
        for group, alone in ((DOUBTS[:2], w[12]), (DOUBTS[2:], w[13])):
            low, high = sorted((sum(mine[name] for name in group), sum(theirs[name] for name in group)))
            share += low + (high - low) * alone // 1000
        correction = (side['distance'] * share + 5000) // 10000
        points.append(points_of(side['distance'] + correction, scoring))
        sides[image] = {'distance': side['distance'], 'correction': correction, 'measures': side['measures']}
        named = [{'image': whose, 'doubt': doubt} for whose, values in (('captured', mine), (image, theirs))
                 for doubt in DOUBTS if values[doubt] >= 100] if correction >= 50 else []
        doubts += [doubt for doubt in named if doubt not in doubts]
    return points[0], points[1], {**same(basis, 'scoring captured'), **sides, 'doubts': doubts}

# Streams registration-

def retry(now, attempt, policy):
    values = policy['retry']
    seconds = min(values['firstDelaySeconds'] * 2 ** min(attempt - 1, 30), values['delaySecondsMax'])
    return plus(now, int(seconds * 1000 + 0.5))

def below(quality, measure, bounds):
    return is_number(quality.get(measure)) and measure in bounds and quality[measure] < bounds[measure]

def hold_of(card, registered, v, data, state):
    difference = None if registered is None else card - registered
    quality, frames, agreement = data['quality'], data['signals']['frames'], state['agreement']
    outcomes = {name: agreement[name]['outcome'] for name in 'birthDate sex birthday expiry sameCard'.split()}
    if difference is not None and difference >= v['holdMarginPoints']:
        return 'registered_gap', v['holdMarginPoints']
    if registered is not None and v['holdOnRegisteredMismatch'] and registered < v['registeredMatchPointsMin']:
        return 'registered_mismatch', v['registeredMatchPointsMin']
    if 'differs' in outcomes.values():
        return 'card_differs', None
    if state['erasedBefore'] or data['registered'].get('reason') == 'erased':
        return 'erased_before', None
    inconsistent = frames != 'not_assessed' and False in (frames.get('samePerson'), frames.get('promptFollowed'))
    if v['holdOnFramesInconsistent'] and inconsistent:
        return 'frames_inconsistent', None
    marks = v['photoQualityHoldBelow']
    if any(m in marks and (quality.get(m) == 'not_assessed' or below(quality, m, marks)) for m in MEASURES):
        return 'portrait_doubtful', None
    alone = state['otherCertificate'] in ('told', 'not_asked') or \
        state['request']['certificateType'] in v['certificateTypesWithoutSameCard']
    unsure = 'equal' not in (outcomes['sameCard'], outcomes['birthDate'])
    return ('card_unconfirmed', None) if not alone or (v['holdOnCardUnconfirmed'] and unsure) else None

def comparison(state, data, v, now):
    need(not any(below(data['quality'], m, v['photoQualityMin']) for m in MEASURES), 'the rule gives FaceNotComparable')
    basis, registered = data['basis'], data['registered']
    is_compared = registered['comparison'] == 'compared'
    card, points = data['cardPoints'], registered['points'] if is_compared else None
    if basis is not None:
        need((basis['registered'] is None) != is_compared, 'basis and comparison differ')
        card, points, basis = scored(basis)
    if is_compared:
        registered = {**registered, 'points': points, 'belowAdvisory': points < v['registeredMatchPointsMin']}
    facts = {**same(data, 'algorithm material quality signals'), 'cardPoints': card, 'registered': registered,
             'basis': basis, 'thresholdPoints': v['cardMatchPointsMin']}
    doubtful = basis is not None and basis['doubts'] and \
        points_of(basis['card']['distance'], basis['scoring']) >= v['cardMatchPointsMin']
    hold = hold_of(card, points, v, data, state)

    def held(reason, bound):
        return 'Held', {'reason': reason, 'cardPoints': card, 'registeredPoints': points, 'boundPoints': bound,
                        'differencePoints': None if points is None else card - points,
                        'dueAtUtc': plus(now, v['holdDueHours'] * HOUR_MS)}

    if card >= v['cardMatchPointsMin']:
        matched = 'FaceMatched', {**facts, 'confirmation': 'on_hold' if hold else 'confirmed'}
        return [matched, held(*hold)] if hold else [matched]
    if card >= v['referralPointsMin'] and (v['holdInReferralBand'] or doubtful):
        referred = 'FaceReferred', {**facts, 'referralPoints': v['referralPointsMin']}
        return [referred, held(*(hold or ('referral_band', v['cardMatchPointsMin'])))]
    return [('FaceMismatched', facts)]

# Each rule below gives the events of a decision as (type, data), the one that is judged first. It fails where there is
# none. "follows" is the next event of the stream or None, "v" the values of the policy that the event names.

SAME = {
    'CertificateVerified': 'subjectKey evidence cardRecordIssuerKeyId verifier cardRecordVerifier agreement '
                           'otherCertificate erasedBefore material sealedEvidenceId sealedEvidenceSha256',
    'CertificateRejected': 'reason cardRecordReason evidence verifier sealedEvidenceId sealedEvidenceSha256',
    'HoldReleased': 'officers', 'HoldRejected': 'officers', 'RecaptureRequested': 'officers',
    'RegistrationWithdrawn': 'by', 'RequestLapsed': 'reason claimedAtUtc',
    'HoldOpened': 'requestId reason dueAtUtc', 'OpinionGiven': 'officer opinion reason',
    'PolicyApproved': 'version approvedBy', 'PolicyActivated': 'version activatedBy',
    'BoothEnrolled': 'boothId publicKey by', 'BoothSuspended': 'reason by', 'BoothResumed': 'by',
    'ActProposed': 'proposal reason reference by', 'ActDeclined': 'by', 'ActBegun': '', 'ActCarriedOut': 'refusal',
    'ConsentGiven': 'textVersion requestId', 'FaceImageRegistered': 'imageId requestId capturedAtUtc image',
    'FaceImageConfirmed': 'imageId', 'FaceImageWithdrawn': 'imageId reason', 'CertificateAdded': 'subjectKey relation',
    'CertificateLinked': 'registrantKey relation source', 'RegistrantErased': 'rule by tombstone',
    'EffectStuck': 'effectId error', 'EffectResumed': 'effectId by',
}
EVIDENCE = 'sealedEvidenceId sealedEvidenceSha256'
NEEDS_POLICY = set('''CertificateVerified CertificateRejected CertificateCheckDeferred FaceMatched FaceReferred
FaceMismatched FaceNotComparable FaceComparisonDeferred SubmittedToGovernment SubmissionDeferred GovernmentAccepted
GovernmentRefused RefusedEvidenceRetained ActApproved'''.split())
CLOSES = {'CertificateRejected': 'certificate_rejected', 'FaceMismatched': 'face_mismatched',
          'FaceNotComparable': 'face_not_comparable', 'HoldRejected': 'hold_rejected',
          'RecaptureRequested': 'recapture', 'HoldExpired': 'hold_expired', 'GovernmentAccepted': 'accepted',
          'GovernmentRefused': 'refused_by_government', 'KeptInRegistry': 'kept', 'RegistrationWithdrawn': 'withdrawn'}
STAGES = {'RequestReceived': 'none', 'RequestLapsed': 'none', 'CertificateVerified': 'received',
          'CertificateRejected': 'received', 'CertificateCheckDeferred': 'received',
          'FaceMatched': 'certificate_verified', 'FaceReferred': 'certificate_verified',
          'FaceMismatched': 'certificate_verified', 'FaceNotComparable': 'certificate_verified',
          'FaceComparisonDeferred': 'certificate_verified', 'HoldReleased': 'held', 'HoldRejected': 'held',
          'RecaptureRequested': 'held', 'HoldExpired': 'held', 'KeptInRegistry': 'confirmed',
          'RefusedEvidenceRetained': 'closed', 'RefusedEvidenceErased': 'closed'}

def registration(state, kind, data, follows, v, now):
    stage = state['stage']
    need(stage == STAGES.get(kind, stage), 'stage')
    need(stage != 'none' or kind in ('RequestReceived', 'RequestLapsed'), 'nothing was received')
    request, stop, ended = state.get('request'), state.get('stop'), state.get('ended')
    if kind in ('RequestReceived', 'RequestLapsed'):
        need(not state.get('lapsed'), 'it has lapsed')
        return [(kind, data if kind == 'RequestReceived' else same(data, SAME[kind]))]
    if kind in ('CertificateCheckDeferred', 'FaceComparisonDeferred'):
        return [(kind, {**same(data, 'cause attempt'), 'nextAttemptAtUtc': retry(now, data['attempt'], v)})]
    if kind in ('FaceMatched', 'FaceReferred', 'FaceMismatched'):
        return comparison(state, data, v, now)
    if kind == 'FaceNotComparable':
        return [(kind, {**same(data, 'image reason algorithm'), 'measure': data.get('measure')})]
    if kind == 'HoldExpired':
        return [(kind, {'dueAtUtc': state['dueAtUtc']})]
    if kind == 'KeptInRegistry':
        need(request['mode'] == 'REGISTRY_ONLY', 'mode')
        return [(kind, {'imageId': data['imageId'], 'photo': request['material']['photo']})]
    if kind == 'SubmissionAttempted':
        need(stage == 'submitted' or (stage == 'submitting' and state['submissionId'] == data['submissionId'])
             or (stage == 'confirmed' and request['mode'] == 'GOVERNMENT_SUBMISSION'), 'stage')
        return [(kind, sent(data, request))]
    if kind in ('SubmittedToGovernment', 'SubmissionDeferred', 'GovernmentAccepted', 'GovernmentRefused'):
        return answered(state, kind, data, follows, v, now)
    if kind == 'RegistrationWithdrawn':
        need(stage not in ('submitting', 'submitted', 'closed'), 'stage')
        need(stage != 'stopped' or not state['submission'], 'the government may have it')
    if kind in ('MaterialDiffered', 'MaterialMissing'):
        need(stage != 'stopped' and not (stage == 'closed' and (stop or ended)), 'it is stopped')
        over = stage == 'closed' and state['outcome'] in ('accepted', 'refused_by_government')
        progress = {'submitting': 'attempted', 'submitted': 'submitted'}.get(stage, 'not_attempted')
        progress = 'submitted' if over else progress
        names = 'material foundAt difference' if kind == 'MaterialDiffered' else 'material foundAt'
        return [(kind, {**same(data, names), 'submission': progress})]
    if kind == 'RequestEndedByOperator':
        need(not ended and (stop or data['stuckEffectId'] is not None), 'it can go on')
        return [(kind, {**same(data, 'reason reference by'), 'cause': stop or 'step_stuck',
                        'stuckEffectId': None if stop else data['stuckEffectId'],
                        'earlierOutcome': state.get('outcome')})]
    if kind in ('RefusedEvidenceRetained', 'RefusedEvidenceErased'):
        evidence, days = state['evidence'], v and v['refusedEvidenceRetentionDays']
        if kind == 'RefusedEvidenceRetained':
            need(evidence['eraseAtUtc'] is None, 'it is set')
            return [(kind, {**same(evidence, EVIDENCE), 'refusedAtUtc': data['refusedAtUtc'],
                            'retentionDays': days, 'eraseAtUtc': plus(data['refusedAtUtc'], days * DAY_MS)})]
        need(not evidence['erased'] and milliseconds(evidence['eraseAtUtc']) <= milliseconds(now), 'not yet')
        return [(kind, {**same(evidence, EVIDENCE + ' eraseAtUtc'), 'rule': 'retention_limit'})]
    return [(kind, same(data, SAME[kind]))]

def sent(data, request):
    of_request = {**same(request, 'capturedAtUtc'), **same(request['material'], 'photo')}
    return {**same(data, 'submissionId attempt'), **of_request}

def answered(state, kind, data, follows, v, now):
    stage, submission = state['stage'], state.get('submission')
    need(stage in ('submitting', 'submitted') or (stage == 'stopped' and submission), 'nothing was submitted')
    known, is_submitted = submission if stage == 'stopped' else (state['submissionId'], stage == 'submitted')
    need(known == data['submissionId'], 'another submission')
    verdict = {'GovernmentAccepted': 'submissionId reference', 'GovernmentRefused': 'submissionId reason'}
    if kind == 'SubmissionDeferred':
        again = retry(now, data['attempt'], v)
        return [(kind, {**same(data, 'submissionId cause attempt'), 'nextAttemptAtUtc': again})]
    need(is_submitted == (kind in verdict), 'SubmittedToGovernment comes first, and once')
    if kind in verdict:
        return [(kind, same(data, verdict[kind]))]
    ends = follows and follows[0] in verdict and follows[1].get('submissionId') == known
    end = [(follows[0], same(follows[1], verdict[follows[0]]))] if ends else []
    return [(kind, sent(data, state['request']))] + end

def registration_after(state, kind, data):
    if kind == 'RequestReceived':
        return {'stage': 'received', 'request': data}
    if kind == 'RequestLapsed':
        return {'stage': 'none', 'lapsed': True}
    if state['stage'] == 'none':
        return state
    stage, subject, stop = state['stage'], state.get('subjectKey'), state.get('stop')
    base = {'request': state['request'], 'subjectKey': subject}
    closed = {**base, 'stage': 'closed', 'outcome': CLOSES.get(kind), 'evidence': None, 'stop': stop, 'ended': False}
    if kind == 'CertificateVerified':
        return {**base, 'stage': 'certificate_verified', **same(data, 'subjectKey agreement otherCertificate erasedBefore')}
    if kind == 'CertificateRejected' and data['sealedEvidenceId'] is not None:
        closed['evidence'] = {**same(data, EVIDENCE), 'eraseAtUtc': None, 'erased': False}
    if kind == 'RegistrationWithdrawn':
        closed['stop'] = None
    if kind in CLOSES:
        return closed
    if kind in ('RefusedEvidenceRetained', 'RefusedEvidenceErased'):
        change = {'erased': True} if kind == 'RefusedEvidenceErased' else same(data, 'eraseAtUtc')
        return {**state, 'evidence': {**state['evidence'], **change}} if state.get('evidence') else state
    if kind in ('MaterialDiffered', 'MaterialMissing'):
        stop = 'material_differed' if kind == 'MaterialDiffered' else 'material_missing'
        submission = (state['submissionId'], stage == 'submitted') if stage in ('submitting', 'submitted') else None
        return {**state, 'stop': stop} if stage == 'closed' else \
            {**base, 'stage': 'stopped', 'stop': stop, 'submission': submission}
    if kind == 'RequestEndedByOperator':
        over = state if stage == 'closed' else {**closed, 'outcome': 'ended_by_operator'}
        return {**over, 'stop': None, 'ended': True}
    if kind == 'SubmittedToGovernment' and stage == 'stopped':
        return {**state, 'submission': state['submission'] and (state['submission'][0], True)}
    moves = {'HoldReleased': 'confirmed', 'Held': 'held', 'SubmissionAttempted': 'submitting',
             'SubmittedToGovernment': 'submitted', 'FaceMatched': 'confirmed'}
    stays = kind == 'FaceMatched' and data.get('confirmation') == 'on_hold'
    if kind not in moves or subject is None or stays or (kind == 'SubmissionAttempted' and stage == 'submitted'):
        return state
    kept = {'Held': 'dueAtUtc', 'SubmissionAttempted': 'submissionId', 'SubmittedToGovernment': 'submissionId'}
    return {**base, 'stage': moves[kind], **same(data, kept.get(kind, ''))}

# Streams hold-

OUTCOME_OF = {'release': 'released', 'reject': 'rejected', 'recapture': 'recapture'}

def hold(state, kind, data, follows, v, now):
    if kind == 'HoldOpened':
        need(state['stage'] == 'none', 'it is open already')
        return [(kind, same(data, SAME[kind]))]
    need(state['stage'] == 'open', 'it is not open')
    opinions, request = state['opinions'], same(state, 'requestId')
    officers, views = [o['officer'] for o in opinions], [o['opinion'] for o in opinions]
    if kind == 'HoldClosed':
        return [(kind, request)]
    if kind == 'OpinionGiven':
        need(data['officer'] not in officers, 'a second opinion of one officer')
        given = [(kind, same(data, SAME[kind]))]
        if len(opinions) < 2:
            return given
        need(follows and follows[0] == 'HoldResolved' and len(set(views)) > 1
             and follows[1]['outcome'] == OUTCOME_OF[data['opinion']], 'a third opinion that decides nothing')
        outcome = same(follows[1], 'outcome')
        return given + [('HoldResolved', {**request, **outcome, 'officers': officers + [data['officer']]})]
    if data['outcome'] != 'expired':
        need(len(views) >= 2 and len(set(views)) == 1 and OUTCOME_OF[views[0]] == data['outcome'], 'opinions differ')
    return [(kind, {**request, **same(data, 'outcome'), 'officers': [] if data['outcome'] == 'expired' else officers})]

def hold_after(state, kind, data):
    if kind == 'HoldOpened':
        return {'stage': 'open', **same(data, 'requestId'), 'opinions': []}
    if state['stage'] != 'open':
        return state
    given = kind == 'OpinionGiven'
    return {**state, **({'opinions': state['opinions'] + [data]} if given else {'stage': 'resolved'})}

# Streams policy-

def allowed(v):
    def whole(value, low, high=float('inf')):
        return is_integer(value) and low <= value <= high
    points = 'cardMatchPointsMin referralPointsMin holdMarginPoints registeredMatchPointsMin'.split()
    counts = '''holdDueHours caseOpenHoursMax clockSkewSecondsMax captureAgeMinutesMax challengeLifetimeSeconds
    photoBytesMax'''.split()
    types, wait = v['certificateTypesWithoutSameCard'], v['retry']
    marks = [*v['photoQualityMin'].items(), *v['photoQualityHoldBelow'].items()]
    return all((
        all(whole(v[name], 0, 10000) for name in points), v['referralPointsMin'] <= v['cardMatchPointsMin'],
        all(whole(v[name], 1) for name in counts), v['caseOpenHoursMax'] > v['holdDueHours'],
        whole(v['refusedEvidenceRetentionDays'], 1, 3650), whole(v['erasedBeforeDays'], 0, 3650),
        whole(v['dualControlWaitMinutes'], 0, 43_200),
        all(name in MEASURES and whole(value, 0, 100) for name, value in marks), len(v['consentTextVersions']) > 0,
        isinstance(types, list) and 0 < len(types) == len(set(types)),
        set(types) <= {'user_authentication', 'digital_signature'},
        wait['firstDelaySeconds'] > 0 and wait['delaySecondsMax'] >= wait['firstDelaySeconds'],
        whole(wait['attemptsMax'], 1)))

def policy(state, kind, data, follows, v, now):
    if kind == 'PolicyProposed':
        need(allowed(data['values']), 'values that are not allowed')
        known = [version['version'] for version in state['versions']]
        need(data['basedOn'] is None or data['basedOn'] in known, 'made from a version that is not there')
        return [(kind, {**same(data, 'values proposedBy basedOn'), 'version': len(state['versions']) + 1,
                        'report': data.get('report')})]
    found = next(known for known in state['versions'] if known['version'] == data['version'])
    if kind == 'PolicyApproved':
        need(found['approvedBy'] is None, 'approved already')
        need(found['proposedBy'] != data['approvedBy'] or data['approvedBy'] == 'system:bootstrap', 'own proposal')
    else:
        need(found['approvedBy'] is not None and state['active'] != data['version'], 'not approved, or active')
        need(found['basedOn'] in (None, state['active']), 'made from another version than the one in force')
    return [(kind, same(data, SAME[kind]))]

def policy_after(state, kind, data):
    if kind == 'PolicyProposed':
        added = {**same(data, 'version values proposedBy basedOn'), 'approvedBy': None}
        return {**state, 'versions': state['versions'] + [added]}
    if kind == 'PolicyActivated':
        return {**state, 'active': data['version']}
    approved = same(data, 'approvedBy')
    return {**state, 'versions': [{**known, **approved} if known['version'] == data['version'] else known
                                  for known in state['versions']]}

# Streams booth-

def booth(state, kind, data, follows, v, now):
    stage, retired = state['stage'], state.get('suspendedFor') == 'retired'
    if kind == 'BoothKeyRotated':
        need(stage != 'none' and not retired and data['publicKey'] != state['publicKey'], 'no booth, or the same key')
        return [(kind, {**same(data, 'publicKey by'), 'keyVersion': state['keyVersion'] + 1})]
    need(stage == {'BoothEnrolled': 'none', 'BoothSuspended': 'enrolled', 'BoothResumed': 'suspended'}[kind], 'stage')
    need(kind != 'BoothResumed' or not retired, 'what was retired stays so')
    return [(kind, same(data, SAME[kind]))]

def booth_after(state, kind, data):
    if kind == 'BoothEnrolled':
        return {'stage': 'enrolled', **same(data, 'publicKey'), 'keyVersion': 1}
    if state['stage'] == 'none':
        return state
    return {**state, **{'BoothKeyRotated': lambda: same(data, 'publicKey keyVersion'),
                        'BoothSuspended': lambda: {'stage': 'suspended', 'suspendedFor': data['reason']},
                        'BoothResumed': lambda: {'stage': 'enrolled', 'suspendedFor': None}}[kind]()}

# Streams act-

def folded(name):
    return unicodedata.normalize('NFKC', name).lower()

def act(state, kind, data, follows, v, now):
    allowed_in = {'ActProposed': ['none'], 'ActApproved': ['proposed'], 'ActDeclined': ['proposed', 'approved'],
                  'ActBegun': ['approved'], 'ActCarriedOut': ['begun']}
    need(state['stage'] in allowed_in[kind], 'stage')
    if kind == 'ActApproved':
        need(folded(data['by']) != folded(state['proposedBy']), 'own proposal')
        return [(kind, {**same(data, 'by'), 'notBeforeUtc': plus(now, v['dualControlWaitMinutes'] * 60_000)})]
    need(kind != 'ActBegun' or state['notBeforeUtc'] <= now, 'it waits')
    return [(kind, same(data, SAME[kind]))]

def act_after(state, kind, data):
    if kind == 'ActProposed':
        return {'stage': 'proposed', 'proposedBy': data['by']}
    if state['stage'] == 'none':
        return state
    kept = same(data, 'notBeforeUtc') if kind == 'ActApproved' else {}
    stage = {'ActApproved': 'approved', 'ActBegun': 'begun', 'ActDeclined': 'declined', 'ActCarriedOut': 'over'}[kind]
    return {**state, **kept, 'stage': stage}

# Streams registrant-

REGISTRANT = {'consent': None, 'images': [], 'linkedTo': None, 'certificates': [], 'erased': False,
              'tombstone': None}

def newest(images, latest=None):
    for image in images:
        if latest is None or milliseconds(image['capturedAtUtc']) > milliseconds(latest['capturedAtUtc']):
            latest = image
    return latest

def reference(state):
    image = newest([image for image in state['images'] if image['status'] == 'confirmed'])
    return image and image['imageId']

def registrant(state, kind, data, follows, v, now):
    returns = ('ConsentGiven', 'CertificateAdded', 'CertificateLinked')
    need(not state['erased'] or (kind in returns and state['tombstone'] is None), 'erased')
    need(kind not in (*returns, 'FaceImageRegistered') or state['linkedTo'] is None, 'linked')
    image = next((i for i in state['images'] if i['imageId'] == data.get('imageId')), None)
    events = [(kind, same(data, SAME[kind]))]
    if kind == 'RegistrantErased' and data['tombstone'] is not None and v is not None:
        days = v['erasedBeforeDays']
        tombstone = {'days': days, 'untilUtc': None if days == 0 else plus(now, days * DAY_MS)}
        events = [(kind, {**same(data, 'rule by'), 'tombstone': tombstone})]
    if kind == 'ConsentGiven':
        need(state['erased'] or state['consent'] != data['textVersion'], 'agreed already')
    if kind == 'FaceImageRegistered':
        need(image is None, 'registered already')
    if kind == 'FaceImageConfirmed':
        need(image['status'] == 'provisional', 'not provisional')
        confirmed = [i for i in state['images'] if i['status'] == 'confirmed']
        kept = newest(confirmed, image)
        events += [('FaceImageWithdrawn', {'imageId': i['imageId'], 'reason': 'replaced'})
                   for i in [*confirmed, image] if i['imageId'] != kept['imageId']]
    if kind == 'FaceImageWithdrawn':
        need(image['status'] != 'withdrawn', 'withdrawn already')
        need(data['reason'] != 'request_ended' or image['status'] != 'confirmed', 'it was confirmed')
    if kind == 'CertificateAdded':
        need(data['subjectKey'] not in state['certificates'], 'added already')
    if kind == 'CertificateLinked':
        need(data['relation'] == 'joined' or state == REGISTRANT, 'not unused')
    return events

def registrant_after(state, kind, data):
    def with_status(status, image_id=None):
        return [{**i, 'status': status} if image_id in (None, i['imageId']) else i for i in state['images']]
    if kind == 'ConsentGiven':
        return {**state, 'consent': data['textVersion'], 'erased': False}
    if kind == 'ConsentWithdrawn':
        return {**state, 'consent': None}
    if kind == 'FaceImageRegistered':
        return {**state, 'images': state['images'] + [{**same(data, 'imageId capturedAtUtc'), 'status': 'provisional'}]}
    if kind in ('FaceImageConfirmed', 'FaceImageWithdrawn'):
        return {**state, 'images': with_status(kind[len('FaceImage'):].lower(), data['imageId'])}
    if kind == 'CertificateAdded':
        return {**state, 'certificates': state['certificates'] + [data['subjectKey']], 'erased': False}
    if kind == 'CertificateLinked':
        return {**state, 'linkedTo': data['registrantKey'], 'erased': False}
    return {**state, 'erased': True, 'tombstone': data['tombstone'], 'consent': None, 'images': with_status('withdrawn')}

# Streams saga-

SAGA = {'plan': None, 'submitted': False, 'held': False, 'stopped': False, 'pending': [], 'seen': ()}
STOPS = ('MaterialDiffered', 'MaterialMissing')
ERASES = '''CertificateRejected FaceMismatched FaceNotComparable HoldRejected RecaptureRequested HoldExpired
KeptInRegistry RegistrationWithdrawn'''.split()
OTHER_SOURCES = '''RequestReceived CertificateCheckDeferred CertificateVerified FaceComparisonDeferred FaceMatched Held
HoldResolved HoldReleased SubmissionDeferred SubmittedToGovernment GovernmentAccepted GovernmentRefused
RequestEndedByOperator RefusedEvidenceRetained'''.split()
SOURCES = {*ERASES, *STOPS, *OTHER_SOURCES}

def wanted(state, kind, data, at):
    """@returns (effect, its other members, due or None) of each effect"""
    plan = state['plan'] or {}
    keeps, stopped, registry = plan.get('keepReferenceImage'), state['stopped'], plan.get('mode') == 'REGISTRY_ONLY'
    go_on = ('KeepInRegistry', {}, None) if registry else ('SubmitToGovernment', {'attempt': 1}, None)
    erase, close = ('EraseCaseMaterial', {}, None), [('CloseHold', {}, None)] if state['held'] else []
    image = lambda effect, when=True: [(effect, {}, None)] if keeps and when else []
    again = lambda effect, due: (effect, {'attempt': data['attempt'] + 1}, due)
    if kind in ERASES:
        return [erase]
    if kind in STOPS:
        return close + ([('AskGovernment', {'attempt': 1}, None)] if data['submission'] == 'attempted' else [])
    return {
        'RequestReceived': lambda: [('CheckCertificate', {'attempt': 1}, None)],
        'CertificateCheckDeferred': lambda: [again('CheckCertificate', data['nextAttemptAtUtc'])],
        'CertificateVerified': lambda: [('CompareFaces', {'attempt': 1}, None)],
        'FaceComparisonDeferred': lambda: [again('CompareFaces', data['nextAttemptAtUtc'])],
        'FaceMatched': lambda: [go_on] if data['confirmation'] == 'confirmed' else [],
        'Held': lambda: [('OpenHold', same(data, 'reason dueAtUtc'), None), ('ExpireHold', {}, data['dueAtUtc'])],
        'HoldResolved': lambda: [('RecordHoldOutcome', same(data, 'outcome officers'), None)],
        'HoldReleased': lambda: [go_on],
        'SubmissionDeferred': lambda: [again('AskGovernment' if state['submitted'] or stopped else 'SubmitToGovernment',
                                             data['nextAttemptAtUtc'])],
        'SubmittedToGovernment': lambda: image('RegisterImage', not stopped) + [again('AskGovernment', plus(at, 1000))],
        'GovernmentAccepted': lambda: image('ConfirmImage') + ([] if stopped else [erase]),
        'GovernmentRefused': lambda: image('WithdrawImage') + ([] if stopped else [erase]),
        'RequestEndedByOperator': lambda: close + image('WithdrawImage', state['submitted'] or registry) + [erase],
        'RefusedEvidenceRetained': lambda: [('EraseRefusedEvidence', {}, data['eraseAtUtc'])],
    }[kind]()

def is_over(effect, kind):
    if kind == 'RegistrationWithdrawn':
        return effect not in ('EraseCaseMaterial', 'EraseRefusedEvidence')
    if kind in STOPS:
        return effect not in ('OpenHold', 'CloseHold', 'AskGovernment', 'ConfirmImage', 'WithdrawImage',
                              'EraseRefusedEvidence')
    if kind == 'RequestEndedByOperator':
        return effect not in ('CloseHold', 'EraseRefusedEvidence')
    return (effect, kind) == ('ExpireHold', 'HoldResolved') or \
        (effect == 'AskGovernment' and kind in ('GovernmentAccepted', 'GovernmentRefused'))

def reaction(state, data, source, attempts_max):
    """@param source (type, data, recorded at) of the event that the saga reacted to"""
    need(data['sourceEventId'] not in state['seen'], 'seen before')
    kind, of, at = source
    effects = []
    for i, (effect, members, due) in enumerate(wanted(state, kind, of, at)):
        stuck = 'attempts_exhausted' if members.get('attempt', 0) > attempts_max else None
        effects.append({'effectId': data['effects'][i]['effectId'], 'effect': {'effect': effect, **members},
                        'dueAtUtc': due, 'stuck': stuck})
    cancelled = [p['effectId'] for p in state['pending'] if is_over(p['effect']['effect'], kind)]
    need(effects or cancelled or kind in STOPS, 'nothing follows from it')
    consent = of['consent'] if kind == 'RequestReceived' else None
    learned = consent and {'mode': of['mode'], **same(consent, 'keepReferenceImage')}
    return [('SagaReacted', {**same(data, 'sourceEventId'), 'sourceType': kind, 'effects': effects,
                             'cancelled': cancelled, 'learned': learned})]

def saga(state, kind, data, follows, v, now):
    pending = next(p for p in state['pending'] if p['effectId'] == data['effectId'])
    if kind == 'EffectPerformed':
        result = 'done' if data['refusal'] is None else 'refused'
        return [(kind, {**same(data, 'effectId refusal'), 'result': result})]
    if kind == 'EffectFailed':
        return [(kind, {**same(data, 'effectId error nextAttemptAtUtc'), 'failures': pending['failures'] + 1})]
    need(kind != 'EffectResumed' or pending['stuck'] is not None, 'it is not stuck')
    return [(kind, same(data, SAME[kind]))]

def saga_after(state, kind, data):
    if kind == 'SagaReacted':
        source = data['sourceType']
        ends_hold = source in (*STOPS, 'HoldResolved', 'RequestEndedByOperator')
        left = [p for p in state['pending'] if p['effectId'] not in data['cancelled']]
        return {'plan': data['learned'] or state['plan'],
                'submitted': state['submitted'] or source == 'SubmittedToGovernment',
                'held': source == 'Held' or (state['held'] and not ends_hold),
                'stopped': (state['stopped'] or source in STOPS) and source != 'RequestEndedByOperator',
                'seen': (*state['seen'], data['sourceEventId']),
                'pending': left + [{**effect, 'failures': 0} for effect in data['effects']]}
    change = {'EffectFailed': lambda: {**same(data, 'failures'), 'dueAtUtc': data['nextAttemptAtUtc']},
              'EffectStuck': lambda: {'stuck': 'attempts_exhausted'},
              'EffectResumed': lambda: {'stuck': None, 'failures': 0, 'dueAtUtc': None}}
    is_it = lambda p: p['effectId'] == data['effectId']
    if kind == 'EffectPerformed':
        return {**state, 'pending': [p for p in state['pending'] if not is_it(p)]}
    return {**state, 'pending': [{**p, **change[kind]()} if is_it(p) else p for p in state['pending']]}
