"""What the rules give for an event, the state after it, and all decisions made again (bundle.md, sections 9 and 10)."""
import functools, re, unicodedata
from collections import defaultdict, namedtuple
from formats import *
class Open(Exception): pass  # nothing can be said of this event
# An event in front of its rule: d its data, now its recordedAtUtc, case its correlationId, before and s place and state
# before it in its stream, w all that was read, v its policy, next what follows; `then` takes what is expected after it.
Case = namedtuple('Case', 'type d now case policy cause wrote stream place before s w v next then', defaults=[None] * 6)
POINTS_OF_AGREEMENT, SAME = ('birthDate', 'sex', 'birthday', 'expiry', 'sameCard'), ('sameCard', 'birthDate')
MEASURES = set('''UnifiedQualityScore BackgroundUniformity IlluminationUniformity LuminanceMean LuminanceVariance
UnderExposurePrevention OverExposurePrevention DynamicRange Sharpness CompressionArtifacts NaturalColour
SingleFacePresent EyesOpen MouthClosed EyesVisible MouthOcclusionPrevention FaceOcclusionPrevention InterEyeDistance
HeadSize LeftwardCropOfTheFaceImage RightwardCropOfTheFaceImage MarginAboveOfTheFaceImage MarginBelowOfTheFaceImage
HeadPoseYaw HeadPosePitch HeadPoseRoll ExpressionNeutrality NoHeadCoverings'''.split())
# For every event: stages in which it may be (none named: all), a condition, its data, what it sets (>: the stage,
# >>: closed with an outcome). The words are those of `build`, names in them those of Case and the functions below;
# s.TYPE is the data of the last event of that type. P: left open without its policy.
ALIVE, PHOTO = 'received certificate_verified held confirmed', 'photo=s.RequestReceived.material.photo'
RETRIED, FREE = 'cause attempt nextAttemptAtUtc=retry_at(now,d.attempt,v.retry)', 's.linkedTo is s.tombstone is None'
COMPARED = 'certificate_verified | w.face_fits(c) | algorithm material quality signals *compared(c)'
SENT, BACK = f'submissionId attempt {PHOTO} capturedAtUtc=s.RequestReceived.capturedAtUtc', 'erased:false'
DIFFERED = f'{ALIVE} submitting submitted closed | not s.stop and not s.ended | material foundAt submission=s.sent'
STOPPED, SEALED = ">stopped stage=stays(s,'closed','stopped') stop:material_", 'sealedEvidenceId sealedEvidenceSha256'
TABLE = f"""
= registration stage:none lapsed:false stop:null ended:false outcome:null sent:not_attempted eraseAtUtc:null
RequestReceived | none | not s.lapsed and (v is None or in_time(d, v)) | *d | >received
RequestLapsed | none | not s.lapsed | reason claimedAtUtc | lapsed:true
P CertificateVerified | received | of_request(c, 'certificate cardRecord') | subjectKey evidence verifier agreement \
  cardRecordIssuerKeyId cardRecordVerifier otherCertificate erasedBefore material {SEALED} | >certificate_verified
P CertificateRejected | received | | reason cardRecordReason evidence verifier {SEALED} | >>certificate_rejected
P CertificateCheckDeferred | received | | {RETRIED} |
P FaceMatched | {COMPARED} | >confirmed stage='confirmed'if(d.confirmation=='confirmed')else(s.stage)
P FaceReferred | {COMPARED} |
P FaceMismatched | {COMPARED} | >>face_mismatched
P FaceNotComparable | certificate_verified | | image reason measure algorithm | >>face_not_comparable
P FaceComparisonDeferred | certificate_verified | | {RETRIED} |
Held | | left_open() | | >held
HoldReleased | held | w.hold_fits(c) | officers | >confirmed
HoldRejected | held | w.hold_fits(c) | officers | >>hold_rejected
RecaptureRequested | held | w.hold_fits(c) | officers | >>recapture
HoldExpired | held | | dueAtUtc=s.Held.dueAtUtc | >>hold_expired
SubmissionAttempted | confirmed submitting submitted | attempts(c) | {SENT} | >submitting *attempted(s,d)
P SubmittedToGovernment | submitting stopped | is_of(c, 'attempted') and answered(c) | {SENT} \
  | >submitted stage=stays(s,'stopped','submitted') sent:submitted
P SubmissionDeferred | submitting submitted stopped | is_of(c) | submissionId {RETRIED} |
P GovernmentAccepted | submitted stopped | is_of(c, 'submitted') | submissionId reference | >>accepted
P GovernmentRefused | submitted stopped | is_of(c, 'submitted') | submissionId reason | >>refused_by_government
KeptInRegistry | confirmed | s.RequestReceived.mode == 'REGISTRY_ONLY' | imageId {PHOTO} | >>kept
RegistrationWithdrawn | {ALIVE} stopped | s.sent == 'not_attempted' | by | >>withdrawn stop:null
MaterialDiffered | {DIFFERED} difference | {STOPPED}differed
MaterialMissing | {DIFFERED} | {STOPPED}missing
RequestEndedByOperator | {ALIVE} submitting submitted stopped closed | not s.ended and (s.stop or w.is_stuck(c)) \
  | *cause(s,d) earlierOutcome=s.outcome reason reference by | >>ended_by_operator *ended(s)
P RefusedEvidenceRetained | closed | w.was_refused(c) | *retained(c) refusedAtUtc | eraseAtUtc erased:false
RefusedEvidenceErased | closed | not s.erased and read_instant(s.eraseAtUtc) <= read_instant(now) \
  | *refused(s) rule:retention_limit eraseAtUtc=s.eraseAtUtc | erased:true
= hold stage:none opinions:[]
HoldOpened | none | | requestId reason dueAtUtc | stage:open
OpinionGiven | open | counts(c) | officer opinion reason seen note | opinions=s.opinions+[d]
OpinionWithdrawn | open | len(s.opinions)<2 and d.officer in [one.officer for one in s.opinions] | officer \
  | opinions=[one for one in s.opinions if one.officer != d.officer]
HoldResolved | open | | requestId=s.HoldOpened.requestId outcome officers=resolving(s,d) | stage:resolved
HoldClosed | open | | requestId=s.HoldOpened.requestId | stage:resolved
= policy versions:{{}} active:null
PolicyProposed | | is_allowed(s, d) | version=len(s.versions)+1 values proposedBy report basedOn | *versioned(s,d,None)
PolicyApproved | | may_approve(s, d) | version approvedBy | *versioned(s,version(s,d),d.approvedBy)
PolicyActivated | | may_activate(version(s, d), s.active) | version activatedBy | active=d.version
= booth stage:none
BoothEnrolled | none | | boothId publicKey by | stage:enrolled publicKey keyVersion:1 reason:null
BoothKeyRotated | enrolled suspended | s.reason != 'retired' and d.publicKey != s.publicKey | publicKey by \
  keyVersion=s.keyVersion+1 | publicKey keyVersion
BoothSuspended | enrolled | | reason by | stage:suspended reason
BoothResumed | suspended | s.reason != 'retired' | by | stage:enrolled reason:null
= act stage:none
ActProposed | none | | proposal reason reference by | stage:proposed
P ActApproved | proposed | folded(d.by) != folded(s.ActProposed.by) | by \
  notBeforeUtc=later(now,number(v.dualControlWaitMinutes)*60_000) | stage:approved
ActDeclined | proposed approved | | by | stage:over
ActBegun | approved | units(s.ActApproved.notBeforeUtc) <= units(now) | | stage:begun
ActCarriedOut | begun | | refusal | stage:over
= registrant textVersion:null linkedTo:null erased:false tombstone:null images:{{}} cards:[]
ConsentGiven | | {FREE} and (s.erased or d.textVersion != s.textVersion) | textVersion requestId | {BACK} textVersion
ConsentWithdrawn | | left_open() | | textVersion:null
FaceImageRegistered | | {FREE} and not s.erased and image(s, d) is None and read_instant(d.capturedAtUtc) is not None \
  | imageId requestId capturedAtUtc image | *imaged(s,d|dict(stage='provisional'))
FaceImageConfirmed | | not s.erased and replaces(c) | imageId | *imaged(s,image(s,d)|dict(stage='confirmed'))
FaceImageWithdrawn | | withdraws(s, d) | imageId reason | *imaged(s,image(s,d)|dict(stage='withdrawn'))
CertificateAdded | | {FREE} and d.subjectKey not in s.cards | subjectKey relation | {BACK} cards=s.cards+[d.subjectKey]
CertificateLinked | | {FREE} and (d.relation == 'joined' or not (s.textVersion or s.images or s.cards or s.erased)) \
  | registrantKey relation source | linkedTo=d.registrantKey erased:false
RegistrantErased | | not s.erased | tombstone=tomb(now,v.erasedBeforeDays)if(v)and(d.tombstone!=None)else(d.tombstone) \
  rule by | erased:true tombstone textVersion:null images=all_withdrawn(s)
= saga plan:null submitted:false held:false stopped:false seen:[] pending:{{}}
SagaReacted | | | sourceEventId *reacted(c) | *after_reaction(s,d)
EffectPerformed | | pending(s, d) | effectId refusal result='done'if(d.refusal==None)else('refused') \
  | pending=without(s.pending,[d.effectId])
EffectFailed | | | effectId error nextAttemptAtUtc failures=pending(s,d).failures+1 | *changed(s,d,failures=d.failures)
EffectStuck | | pending(s, d) | effectId error | *changed(s,d,stuck=True)
EffectResumed | | pending(s, d).stuck | effectId by | *changed(s,d,stuck=False,failures=0)"""
BEGIN, RULES, KIND_OF, NEEDS_POLICY, STAGES, ENDS = {}, {}, {}, set(), {}, set()
for line in TABLE.strip().split('\n'):
    name, *columns = (column.strip() for column in re.split(r' \|(?= |$)', line.removeprefix('P ')))
    if not columns: kind, BEGIN[line.split()[1]] = line.split()[1], build(line.split(' ', 2)[2], {}, {})
    else: RULES[name], KIND_OF[name] = columns, kind
    if line.startswith('P '): NEEDS_POLICY.add(name)
    for is_end, STAGES[name] in re.findall(r' >(>?)(\w+)', line): ENDS |= {STAGES[name]} if is_end else set()
def given(c):  # the data that the rule gives
    (stages, condition, words, _), scope = RULES[c.type], {**globals(), **c._asdict(), 'c': c}
    if c.type in NEEDS_POLICY and c.v is None: raise Open
    need((not stages or c.s.stage in stages.split()) and (not condition or evaluate(condition, scope)))
    return build(words, scope, c.d)
def after(s, kind, d):  # the state after an event as it stands; where that cannot be, the event is wrong anyway
    words = RULES[kind][3].replace('>>', 'stage:closed outcome:').replace('>', 'stage:')
    try: return s | build(words, {**globals(), 's': s}, d) | {kind: d}
    except ERRORS: return s
def left_open(): raise Open
def stays(s, stage, other): return stage if s.stage == stage else other
def ago(one, other): return read_instant(one) - read_instant(other)
def in_time(d, v):
    ahead, consent = ago(d.capturedAtUtc, d.receivedAtUtc), d.consent
    need(-number(v.captureAgeMinutesMax) * 60_000 <= ahead <= number(v.clockSkewSecondsMax) * 1000)
    return consent.textVersion in v.consentTextVersions and (d.mode != 'REGISTRY_ONLY' or consent.keepReferenceImage)
def of_request(c, names): return all(same(c.d.material[m], c.s.RequestReceived.material[m]) for m in names.split())
def is_of(c, sent=None): return sent in (None, c.s.sent) and same(c.s.submissionId, c.d.submissionId)
def attempts(c):
    if c.s.stage == 'confirmed': return c.s.RequestReceived.mode == 'GOVERNMENT_SUBMISSION'
    return c.s.stage == 'submitted' or is_of(c)
def attempted(s, d): return s if s.stage == 'submitted' else dict(sent='attempted', submissionId=d.submissionId)
def answered(c):
    n, named = c.next, {'GovernmentAccepted': 'reference', 'GovernmentRefused': 'reason'}.get(c.next and c.next.type)
    is_one = named and same(n.d.submissionId, c.d.submissionId)
    return c.then.extend([[n.type, build(f'submissionId {named}', {}, n.d)]] if is_one else []) is None
def cause(s, d): return {'cause': s.stop or 'step_stuck', 'stuckEffectId': None if s.stop else d.stuckEffectId}
def ended(s): return dict(stage='closed', outcome=s.outcome or 'ended_by_operator', stop=None, ended=True)
def refused(s):
    return need(s.CertificateRejected.sealedEvidenceId is not None) or build(SEALED, {}, s.CertificateRejected)
def retained(c):
    days = need(c.s.eraseAtUtc is None) or number(c.v.refusedEvidenceRetentionDays)
    return refused(c.s) | {'retentionDays': days, 'eraseAtUtc': later(c.d.refusedAtUtc, days * 86_400_000)}
# Points of a comparison, in whole numbers (section 10).
ONE, LN2, GIVEN = 10 ** 18, 693147180559945309, ('eyeDistance', 'detail', 'noise', 'blocks', 'contrast', 'light')
COLUMNS = '''soft softBelow softer softerBelow small smallBelow grey noise blocks blocksAbove flat flatBelow dark
darkBelow softAlone otherAlone'''.split()
QUALITIES = {name: Dot(zip(COLUMNS, row)) for name, row in {
    'none': [0] * 16, 'dlib-1': [12, -230, 0, 0, 57, 16, 455, 76, 7, 25, 27, 24, 8, 90, 330, 60],
    'dlib-2': [9, -230, 16, -315, 60, 18, 437, 74, 6, 25, 42, 24, 10, 90, 300, 60]}.items()}
PROPERTIES = 'soft small grey noisy compressed flat dark'.split()
def quotient(one, other): return one // other if one >= 0 else -(-one // other)  # rounds toward zero; other > 0
def power(x):  # e to the x, x not above 0, with 18 digits
    halvings, total, term = -x // LN2, ONE, ONE
    for n in range(1, 25): total += (term := quotient(term * (x + halvings * LN2), ONE * n))
    return total >> halvings if halvings <= 60 else 0
def points(scoring, distance):
    e = quotient((number(scoring['slope'], int) * distance - number(scoring['offset'], int) * 10000) * ONE, 10 ** 8)
    above, below = ONE if e < 0 else power(-e), ONE + power(-abs(e))
    return (20000 * above + below) // (2 * below)
def poorness(q, m):
    eyes, detail, noise, blocks, contrast, light = (number(m[name], int) for name in GIVEN)
    return dict(zip(PROPERTIES, (
        q.soft * max(0, q.softBelow - detail) + q.softer * max(0, q.softerBelow - detail),
        q.small * max(0, q.smallBelow - eyes), q.grey if m['isGrey'] else 0,
        q.noise * max(0, noise + 76 - 2 * detail // 5),
        q.blocks * max(0, min(blocks * 40 // max(1, eyes), blocks * 5 // 2) - q.blocksAbove),
        q.flat * max(0, q.flatBelow - contrast), q.dark * max(0, q.darkBelow - light))))
def correction(q, distance, captured, picture):
    share = 0
    for group, alone in ((PROPERTIES[:2], q.softAlone), (PROPERTIES[2:], q.otherAlone)):
        low, high = sorted(sum(poor[name] for name in group) for poor in (captured, picture))
        share += low + (high - low) * alone // 1000
    return (number(distance, int) * share + 5000) // 10000
def compare(asked):  # from what is given of a basis: the whole basis, and the points of card and registered
    scoring, doubts = asked['scoring'], []
    basis, q = dict(asked, scoring=scoring, doubts=doubts), QUALITIES[scoring['quality']]
    captured, reckoned = poorness(q, asked['captured']), {'registered': None}
    for image in ('card', 'registered') if asked['registered'] is not None else ('card',):
        distance, picture = asked[image]['distance'], poorness(q, asked[image]['measures'])
        added = correction(q, distance, captured, picture)
        basis[image] = {'distance': distance, 'correction': added, 'measures': asked[image]['measures']}
        reckoned[image] = points(scoring, distance + added)
        doubts += [doubt for whose, poor in (('captured', captured), (image, picture)) for name in PROPERTIES
                   if poor[name] >= 100 and added >= 50 and (doubt := {'image': whose, 'doubt': name}) not in doubts]
    return need(len(basis) == 5) or (basis, reckoned['card'], reckoned['registered'])
# The three outcomes of a comparison. Holds: the first that holds gives reason and boundPoints.
HOLDS = [(row + ' | None').split(' | ')[:3] for row in """\
registered_gap | has and card - other >= v.holdMarginPoints | v.holdMarginPoints
registered_mismatch | has and v.holdOnRegisteredMismatch and other < advised | advised
card_differs | any(verified.agreement[name].outcome == 'differs' for name in POINTS_OF_AGREEMENT)
erased_before | verified.erasedBefore is True or [read.comparison, read.get('reason')] == ['not_applicable', 'erased']
frames_inconsistent | v.holdOnFramesInconsistent and frames != 'not_assessed' and is_inconsistent(frames)
portrait_doubtful | below(d.quality, v.photoQualityHoldBelow, 'not_assessed')
card_unconfirmed | v.holdOnCardUnconfirmed and not any(verified.agreement[name].outcome == 'equal' for name in SAME)
card_unconfirmed | untold and s.RequestReceived.certificateType not in v.certificateTypesWithoutSameCard""".split('\n')]
def is_inconsistent(frames): return frames.samePerson is False or frames.promptFollowed is False
def below(quality, bounds, *others):
    return any(quality[m] < number(bounds[m]) if is_number(quality.get(m)) else quality.get(m) in others
               for m in MEASURES & bounds.keys())
def hold_of(c, **scope):
    verified = c.s.CertificateVerified
    scope |= {**globals(), **c._asdict(), 'verified': verified, 'frames': c.d.signals.frames, 'read': c.d.registered,
              'untold': verified.otherCertificate not in ('told', 'not_asked'), 'advised': c.v.registeredMatchPointsMin}
    return next(((name, evaluate(bound, scope)) for name, test, bound in HOLDS if evaluate(test, scope)), None)
def compared(c):
    d, v, read, match = c.d, c.v, c.d.registered, c.v.cardMatchPointsMin
    has, advised = read.comparison == 'compared', v.registeredMatchPointsMin
    need(not below(d.quality, v.photoQualityMin) and (d.basis is None or (d.basis.registered is not None) == has))
    basis, card, other = compare(d.basis) if d.basis is not None else (None, number(d.cardPoints), has and read.points)
    doubted = basis and basis['doubts'] and points(basis['scoring'], basis['card']['distance']) >= match
    refer = card >= v.referralPointsMin and (v.holdInReferralBand or doubted)
    need(c.type == ('FaceMatched' if card >= match else 'FaceReferred' if refer else 'FaceMismatched'))
    read = read | {'points': other, 'belowAdvisory': other < advised} if has else read
    given = {'cardPoints': card, 'basis': basis, 'thresholdPoints': match, 'registered': read}
    if c.type == 'FaceMismatched': return given
    hold = hold_of(c, has=has, card=card, other=other) or c.type == 'FaceReferred' and ('referral_band', match)
    if hold: c.then.append(['Held', {
        'reason': hold[0], 'boundPoints': hold[1], 'cardPoints': card, 'registeredPoints': other if has else None,
        'differencePoints': card - other if has else None, 'dueAtUtc': later(c.now, v.holdDueHours * 3_600_000)}])
    if c.type == 'FaceReferred': return given | {'referralPoints': v.referralPointsMin}
    return given | {'confirmation': 'on_hold' if hold else 'confirmed'}
OPINION_OF = {'released': 'release', 'rejected': 'reject', 'recapture': 'recapture'}
def counts(c):
    n, given, officers = c.next, [one.opinion for one in c.s.opinions], [one.officer for one in c.s.opinions + [c.d]]
    if len(given) > 1:
        if n is None and c.w.is_cut: raise Open
        need(len(given) == len({*given}) == 2 and [n.type, OPINION_OF[n.d.outcome]] == ['HoldResolved', c.d.opinion])
        c.then.append([n.type, dict(requestId=c.s.HoldOpened.requestId, outcome=n.d.outcome, officers=officers)])
    return c.d.officer not in officers[:-1]
def resolving(s, d):
    given = s.opinions if d.outcome != 'expired' else []
    need(d.outcome == 'expired' or len(given) > 1 and {one.opinion for one in given} == {OPINION_OF[d.outcome]})
    return [one.officer for one in given]
BOUNDS = [(name, int(low), int(high)) for low, high, *names in (row.split() for row in f"""
0 10000 cardMatchPointsMin referralPointsMin holdMarginPoints registeredMatchPointsMin; 0 43200 dualControlWaitMinutes;
1 3650 refusedEvidenceRetentionDays; 0 3650 erasedBeforeDays; 1 {LIMIT} holdDueHours caseOpenHoursMax
clockSkewSecondsMax captureAgeMinutesMax challengeLifetimeSeconds photoBytesMax""".split(';')) for name in names]
def is_allowed(s, d):
    v, based, retry = d['values'], d.basedOn, d['values'].retry
    kinds, texts = v.certificateTypesWithoutSameCard, v.consentTextVersions
    need(all(low <= number(v[name], int) <= high for name, low, high in BOUNDS))
    for bounds in v.photoQualityMin, v.photoQualityHoldBelow:
        need(MEASURES >= bounds.keys() and all(0 <= number(bounds[m], int) <= 100 for m in bounds))
    need(isinstance(kinds, list) and 1 <= len(kinds) == len(set(kinds)) and isinstance(texts, list) and texts)
    need({'user_authentication', 'digital_signature'} >= set(kinds) and number(retry.attemptsMax, int) >= 1)
    need(0 < number(retry.firstDelaySeconds) <= number(retry.delaySecondsMax) and v.caseOpenHoursMax > v.holdDueHours)
    return v.referralPointsMin <= v.cardMatchPointsMin and (based is None or 1 <= number(based, int) <= len(s.versions))
def versioned(s, d, by): return {'versions': s.versions | {canonical(d.version): d | {'approvedBy': by}}}
def version(s, d): return s.versions[canonical(d.version)]
def may_approve(s, d):
    one, by = version(s, d), d.approvedBy
    return one.approvedBy is None and (by != one.proposedBy or by == 'system:bootstrap')
def may_activate(one, active): return one.approvedBy and active != one.version and one.basedOn in (None, active)
def folded(name): return unicodedata.normalize('NFKC', name).lower()
def tomb(now, days): return {'days': days, 'untilUtc': later(now, number(days) * 86_400_000) if days != 0 else None}
def image(s, d): return s.images.get(canonical(d.imageId))
def imaged(s, image): return {'images': s.images | {canonical(image.imageId): image}}
def all_withdrawn(s): return Dot({key: s.images[key] | {'stage': 'withdrawn'} for key in s.images})
def confirmed(s): return [one for one in s.images.values() if one.stage == 'confirmed']
def newest(images, first=None):
    for one in images:
        if first is None or read_instant(one.capturedAtUtc) > read_instant(first.capturedAtUtc): first = one
    return first
def replaces(c):
    this, others = image(c.s, c.d), confirmed(c.s)
    c.then.extend(['FaceImageWithdrawn', {'imageId': one.imageId, 'reason': 'replaced'}]
                  for one in [*others, this] if one is not newest(others, this))
    return this.stage == 'provisional'
def withdraws(s, d):
    if d.get('reason') not in ('government_refused', 'request_ended', 'replaced'): raise Open
    return image(s, d).stage in ('provisional', 'confirmed' if d.reason != 'request_ended' else 'provisional')
# Sagas. For every source (of which are d and at): its effects with conditions, and the pending effects that it cancels.
ASK, KEEP, KEPT = 'attempt=number(d.attempt)+1', 's.plan.keepReferenceImage', "s.plan.mode == 'REGISTRY_ONLY'"
AGAIN, CASE, ASKED = f'{ASK} due=d.nextAttemptAtUtc', 'EraseCaseMaterial', 's.submitted or s.stopped'
EXPIRE, FIT = 'ExpireHold due=d.dueAtUtc', "d.confirmation == 'confirmed' and"
EFFECTS = {source: row for sources, row in (line.split(': ', 1) for line in re.split(' ;; |\n', f"""\
RequestReceived: CheckCertificate attempt:1 ;; CertificateVerified: CompareFaces attempt:1
CertificateCheckDeferred: CheckCertificate {AGAIN} ;; FaceComparisonDeferred: CompareFaces {AGAIN}
FaceMatched: KeepInRegistry if {FIT} {KEPT}; SubmitToGovernment attempt:1 if {FIT} not {KEPT}
HoldReleased: KeepInRegistry if {KEPT}; SubmitToGovernment attempt:1 if not {KEPT}
HoldResolved: RecordHoldOutcome outcome officers | ExpireHold ;; Held: OpenHold reason dueAtUtc; {EXPIRE}
SubmissionDeferred: AskGovernment {AGAIN} if {ASKED}; SubmitToGovernment {AGAIN} if not ({ASKED})
SubmittedToGovernment: RegisterImage if not s.stopped and {KEEP}; AskGovernment {ASK} due=later(at,1000)
GovernmentAccepted: ConfirmImage if {KEEP}; {CASE} if not s.stopped | AskGovernment
GovernmentRefused: WithdrawImage if {KEEP}; {CASE} if not s.stopped | AskGovernment
CertificateRejected FaceMismatched FaceNotComparable HoldRejected RecaptureRequested HoldExpired KeptInRegistry: {CASE}
RegistrationWithdrawn: {CASE} | all but {CASE} EraseRefusedEvidence
MaterialDiffered MaterialMissing: CloseHold if s.held; AskGovernment attempt:1 if d.submission == 'attempted' \
| all but OpenHold CloseHold AskGovernment ConfirmImage WithdrawImage EraseRefusedEvidence
RequestEndedByOperator: CloseHold if s.held; WithdrawImage if (s.submitted or {KEPT}) and {KEEP}; {CASE} \
| all but CloseHold EraseRefusedEvidence
RefusedEvidenceRetained: EraseRefusedEvidence due=d.eraseAtUtc""")) for source in sources.split()}
STOPS, LEARNED = ('MaterialDiffered', 'MaterialMissing'), 'mode keepReferenceImage=d.consent.keepReferenceImage'
def effects_of(source, s):
    scope = {**globals(), 'd': source.d, 's': s, 'at': source.now}
    for words, _, condition in (one.partition(' if ') for one in EFFECTS[source.type].split(' | ')[0].split('; ')):
        if not condition or evaluate(condition, scope):
            members = build('effect:' + words, scope, source.d)
            yield Dot(dueAtUtc=members.pop('due', None), effect=members)
def is_over(source, name):
    over = EFFECTS[source].partition(' | ')[2].split()
    return name not in over[2:] if over[:2] == ['all', 'but'] else name in over
def reacted(c):
    source = c.w.sources.get(c.d.sourceEventId)
    if source is None or source.type not in EFFECTS or 'policy' in c.w.unknown: raise Open
    given, most = list(effects_of(source, c.s)), c.w.attempts_max()
    over = [key for key, one in c.s.pending.items() if is_over(source.type, one.effect.effect)]
    need(c.d.sourceEventId not in c.s.seen and (given or over or source.type in STOPS))
    for one, told in zip(given, c.d.effects, strict=True):
        one.update(effectId=told.effectId, stuck='attempts_exhausted' if one.effect.get('attempt', 0) > most else None)
    learned = source.type == 'RequestReceived' and build(LEARNED, {}, source.d) or None
    return {'sourceType': source.type, 'effects': given, 'cancelled': over, 'learned': learned}
def without(pending, keys): return Dot({key: one for key, one in pending.items() if key not in keys})
def pending(s, d): return s.pending[d.effectId]
def changed(s, d, **changes): return {'pending': s.pending | {d.effectId: pending(s, d) | changes}}
def after_reaction(s, d):
    source, end = d.sourceType, d.sourceType in (*STOPS, 'RequestEndedByOperator', 'HoldResolved')
    n = {told.effectId: Dot(effect=told.effect, stuck=told.stuck is not None, failures=0) for told in d.effects}
    return dict(plan=d.learned or s.plan, pending=without(s.pending, d.cancelled) | n, seen=s.seen + [d.sourceEventId],
                submitted=s.submitted or source == 'SubmittedToGovernment', held=source == 'Held' or s.held and not end,
                stopped=source in STOPS or s.stopped and source != 'RequestEndedByOperator')
# The replay.
AGREED = {'RegistrantErased': ('erase_registrant', 'requestId=c.case rule'),
          'BoothEnrolled': ('enrol_booth', 'boothId publicKey'),
          'BoothResumed': ('resume_booth', 'boothId=c.stream[6:]'),
          'BoothKeyRotated': ('rotate_booth_key', 'boothId=c.stream[6:] publicKey'),
          'StaffReadmitted': ('readmit_person', 'subject'),
          'EventSkipped': ('skip_event', "consumer=c.stream.partition('-')[2] eventId")}
FACTS = '''BiometricViewed AccessRefused AuditExported RecordsViewed RequestRefusedAtDoor RequestsRefusedAtDoor
ChallengeConsumed RequestClaimed CommandClaimed EventParked ConsumerStopped ConsumerResumed ParkedReplayed EventSkipped
UnknownEventMet InstallationClaimed ServerBegan ServerAsked ServerAnswered ServerEnded CheckpointRecorded
VerifierPageGivenOut LossProposed LossAccepted StaffLockedOut StaffReadmitted'''.split()
KNOWN = {*KIND_OF, *FACTS, 'ErasureAnnounced', 'ErasureConfirmed'}
SUBMISSIONS = ('SubmittedToGovernment', 'GovernmentAccepted', 'GovernmentRefused', 'SubmissionDeferred')
BEGINS_AGAIN = ('ConsentGiven', 'CertificateAdded', 'CertificateLinked')
NOT_COMPARED = Dot.fromkeys(POINTS_OF_AGREEMENT, Dot(outcome='cannot_tell', because='not_compared'))
DIGEST, VALUES = ['sealedEvidenceSha256:null'], "values=d['values']|"
STEPS = {  # what data of version 1, 2, … get to become those of the next one, in the words of `build`
    'RequestReceived': ["material=d.get('material',Dot())|{'signatures':None}"],
    'CertificateLinked': ['relation:renewal'], 'RegistrantErased': ['tombstone:null'],
    'CertificateVerified': ['otherCertificate:not_asked agreement=NOT_COMPARED', *DIGEST, 'erasedBefore:false'],
    'BiometricViewed': ['reference:null grounds:null'],
    'AuditExported': ['attached:null', 'purpose:null reference:null'], 'OpinionGiven': ['seen:null note:null'],
    'CertificateRejected': DIGEST, 'RefusedEvidenceRetained': DIGEST, 'RefusedEvidenceErased': DIGEST,
    'PolicyProposed': [
        'report:null', VALUES + "{'refusedEvidenceRetentionDays':400}", VALUES + "{'photoQualityHoldBelow':Dot()}",
        VALUES + "{'caseOpenHoursMax':168+number(d['values'].holdDueHours)}",
        VALUES + "{'holdOnCardUnconfirmed':False,'signingCertificateAtFirstRegistration':False,"
                 "'certificateTypesWithoutSameCard':['user_authentication']}",
        VALUES + "{'dualControlWaitMinutes':0}", 'basedOn:null', VALUES + "{'erasedBeforeDays':3650}"],
} | dict.fromkeys(('FaceMatched', 'FaceReferred', 'FaceMismatched'), ['basis:null'])
def is_known(leaf): return leaf.type in KNOWN and 1 <= leaf.schemaVersion <= len(STEPS.get(leaf.type, [])) + 1
def todays(leaf):
    steps = STEPS.get(leaf.type, [])[leaf.schemaVersion - 1:]
    return functools.reduce(lambda data, words: data | build(words, globals(), data), steps, leaf.data)
class Replay:  # raises at the first event that is not what the rules give; `undecided`: some event is not known
    def __init__(self, leaves, is_partial, is_cut):
        self.is_partial, self.is_cut, self.undecided, self.streams, self.unknown = is_partial, is_cut, False, {}, set()
        self.sources, self.scorings, self.of_type = {}, {}, defaultdict(list)
        for place, leaf in leaves: self.read(place, leaf)
        for stream in self.streams.values():
            if stream.waiting: self.judge(stream, None)
            need(is_cut or not stream.expected)
    def read(self, place, leaf):
        kind = (re.match('(registration|registrant|hold|policy|booth|act|saga)-', leaf.stream) or ' ')[0][:-1]
        known, m, revision = is_known(leaf), leaf.metadata, leaf.revision
        self.undecided |= not known or not kind and leaf.type not in FACTS
        if not kind and not (known and leaf.type in FACTS): return
        told = leaf.type, todays(leaf) if known else None, m.recordedAtUtc
        told += *map(m.get, ('correlationId', 'policyVersion', 'causationId')), leaf.schemaVersion, leaf.stream, place
        if known and leaf.type in FACTS: return need(self.is_agreed(Case(*told)))
        again = revision > 0 and kind == 'registrant' and leaf.type in BEGINS_AGAIN
        state = BEGIN[kind] | ({'erased': True} if again else {})
        need(leaf.stream in self.streams or revision == 0 or self.is_partial or kind == 'registrant' or not known)
        stream = self.streams.setdefault(leaf.stream, Dot(
            whole=again or revision == 0, revision=revision, expected=[], history=[(-1, state)], waiting=None))
        if not known:
            self.unknown.add(kind)
            return stream.update(whole=False, waiting=None, expected=[], revision=revision + 1)
        c = Case(*told, *stream.history[-1], self)
        need(revision == stream.revision) or self.of_type[c.type].append(c) or self.sources.update({leaf.id: c})
        if stream.waiting: self.judge(stream, c)
        stream.history.append((place, after(c.s, c.type, c.d)))
        stream.update(revision=revision + 1, waiting=c)
    def judge(self, stream, following):
        c = stream.waiting._replace(next=following, then=[], v=self.policy(stream.waiting.policy))
        if stream.expected: return need(same([c.type, c.d], stream.expected.pop(0)))
        if not stream.whole: return
        need(c.stream.startswith(KIND_OF[c.type] + '-'))
        try: need(same(given(c), c.d))
        except Open: return
        stream['expected'] = c.then
        need(c.policy is None or not self.of_type['PolicyActivated'] or 'policy' in self.unknown or self.in_force(c))
        need(self.is_agreed(c))
    def policy(self, version):
        return next((one.d['values'] for one in self.of_type['PolicyProposed'] if same(one.d.version, version)), None)
    def attempts_max(self):
        active = [self.policy(one.d.version) for one in self.of_type['PolicyActivated'][-1:]] or [None]
        return number(active[0].retry.attemptsMax) if active[0] else float('inf')
    def in_force(self, c):
        active = [one for one in self.of_type['PolicyActivated'] if one.place < c.place]
        def lasts(n): return n is None or (n.place > c.before if c.type in SUBMISSIONS else ago(c.now, n.now) <= 60_000)
        return any(same(one.d.version, c.policy) and lasts(n) for one, n in zip(active, [*active[1:], None]))
    def is_agreed(self, c):  # what two people have to agree to stands on an act of theirs
        cause, (act, words), acts = self.sources.get(c.cause), AGREED.get(c.type, (None, '')), self.of_type
        if 'act' in self.unknown or c.type == 'RegistrantErased' and 'registrant' in self.unknown: return True
        if cause and cause.type == c.type == 'RegistrantErased' and cause.place < c.place:
            return same([cause.d.rule, cause.d.by], [c.d.rule, c.d.by])
        begun, over = ({one.stream for kind in kinds for one in acts[kind] if one.place < c.place}
                       for kinds in (['ActBegun'], ['ActCarriedOut', 'ActDeclined']))
        for one in acts['ActProposed'] if act and cause and cause.type == 'ActApproved' else ():
            if one.stream == cause.stream:
                need(same([one.d.proposal, one.d.by], [build(f'act:{act} {words}', {'c': c}, c.d), c.d.by]))
                return one.stream in begun - over
        may_be_old = c.type[:5] == 'Booth' or c.type == 'RegistrantErased' and c.wrote < 2
        had_acts = any(one.stream in begun and one.d.proposal.get('act') == act for one in acts['ActProposed'])
        is_open = act is None or self.is_partial or may_be_old and not had_acts
        is_again = c.type == 'RegistrantErased' and c.d.by == 'system:restore'
        self.undecided |= is_again and not is_open
        return is_open or is_again
    def is_whole(self, name): return self.streams[name].whole if name in self.streams else not self.is_partial
    def hold_fits(self, c):
        told = [one.d.officers for one in self.of_type['HoldResolved'] if same(one.d.get('requestId'), c.case)]
        return 'hold' in self.unknown or (same(told[-1], c.d.officers) if told else self.is_partial)
    def was_refused(self, c):
        return [one.now for one in self.of_type['CertificateRejected'] if one.case == c.case][-1] == c.d.refusedAtUtc
    def is_stuck(self, c):
        stuck, effect = [one.d.effectId for one in self.of_type['EffectStuck']], c.d.stuckEffectId
        stuck += [told.effectId for one in self.of_type['SagaReacted'] for told in one.d.effects if told.stuck]
        return effect is not None and (effect in stuck or 'saga' in self.unknown or not self.is_whole(f'saga-{c.case}'))
    def face_fits(self, c):
        scoring, algorithm = c.d.basis and c.d.basis.scoring, (c.d.algorithm.id, c.d.algorithm.version)
        need(same(self.scorings.setdefault(algorithm, scoring), scoring) and of_request(c, 'photo'))
        possible, certain = (self.keys_of(c.s.CertificateVerified.subjectKey, place) for place in (c.place, c.before))
        read = c.d.registered
        if 'registrant' in self.unknown or not all(self.is_whole(f'registrant-{key}') for key in possible): return True
        if read.comparison == 'compared': return any(read.imageId in self.seen(key, c) for key in possible)
        is_first = read.comparison == 'not_applicable' and read.reason == 'first_registration'
        return not is_first or all(None in self.seen(key, c) for key in certain)
    def keys_of(self, key, place):  # of a person: those that events up to a place join with one
        events, keys = [one for kind in BEGINS_AGAIN[1:] for one in self.of_type[kind] if one.place <= place], {key}
        links = [{one.stream[len('registrant-'):], one.d.get('subjectKey') or one.d.registrantKey} for one in events]
        for _ in links: keys = keys.union(*(link for link in links if link & keys))
        return keys
    def seen(self, key, c):  # the images (or None) that were the reference of this key since the event before
        history = self.streams.get(f'registrant-{key}', {}).get('history', [(-1, BEGIN['registrant'])])
        ends = [at for at, _ in history[1:]] + [c.place]
        images = [newest(confirmed(s)) for (at, s), end in zip(history, ends) if at < c.place and end > c.before]
        return [image and image.imageId for image in images]
