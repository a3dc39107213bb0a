"""Lists as their leaves give them (bundle.md, section 7), drawn by tables in the words of `build`."""
from collections import Counter
from formats import Dot, build, read_instant, units
from replay import ENDS, STAGES
COMPARED = 'FaceMatched FaceReferred FaceMismatched'.split()
OF_OFFICERS = 'HoldReleased HoldRejected RecaptureRequested'.split()
DECISIONS = f'''CertificateVerified CertificateRejected {' '.join(COMPARED)} FaceNotComparable Held
    {' '.join(OF_OFFICERS)} HoldExpired GovernmentAccepted GovernmentRefused KeptInRegistry RegistrationWithdrawn
    RequestEndedByOperator'''.split()
LEFT = '''position=place atUtc=at act=t requestId~requestId reference~reference query~query leaves~leaves
    withOpenings~withOpenings withEvidence~withEvidence'''
BEGINS = {  # event: the list to which it gives a row, and the row
    'RequestReceived': ('requests', 'requestId=case boothId mode receivedAtUtc stage:received changedAtUtc=at'),
    'Held': ('holds', '''requestId=case boothId=booth policyVersion=m.policyVersion reason cardPoints registeredPoints
        dueAtUtc differencePoints boundPoints opinions:0 openedAtUtc=at outcome:null officers:[] resolvedAtUtc:null'''),
    'BoothEnrolled': ('booths', 'boothId state:enrolled keyVersion:1 changedAtUtc=at'),
    'ActProposed': ('acts', '''actId=act act=d.proposal.act of=rest(d.proposal) proposedBy=d.by reason reference
    stage:proposed approvedBy:null notBeforeUtc:null declinedBy:null refusal:null proposedAtUtc=at changedAtUtc=at'''),
    'PolicyProposed': ('policies', '''version values~values proposedBy proposedAtUtc=at reportSha256=sha_of(d)
        approvedBy:null approvedAtUtc:null activatedBy:null activatedAtUtc:null inForce:false'''),
    'BiometricViewed': ('accesses', 'atUtc=at act=t by~officer what~image requestId~requestId detail~purpose'),
    'RecordsViewed': ('accesses', 'atUtc=at act=t by~by what~what requestId~requestId detail~query'),
    'AuditExported': ('accesses', 'atUtc=at act=t by~by what:export requestId:null detail~query'),
    'AccessRefused': ('accesses', 'atUtc=at act=t by~subject what~what requestId:null detail~reason'),
}
CHANGES = {  # event: the list of which it changes a row that is there, and what it sets
    'HoldResolved': ('holds', 'outcome officers resolvedAtUtc=at'), 'ActBegun': ('acts', 'stage:begun changedAtUtc=at'),
    'HoldClosed': ('holds', 'outcome:closed resolvedAtUtc=at'),
    'BoothKeyRotated': ('booths', 'keyVersion changedAtUtc=at'),
    'BoothSuspended': ('booths', 'state:suspended changedAtUtc=at'),
    'BoothResumed': ('booths', 'state:enrolled changedAtUtc=at'),
    'ActApproved': ('acts', 'stage:approved approvedBy=d.by notBeforeUtc changedAtUtc=at'),
    'ActDeclined': ('acts', 'stage:declined declinedBy=d.by changedAtUtc=at'),
    'ActCarriedOut': ('acts', "stage='carried_out'if(d.refusal==None)else('refused') refusal changedAtUtc=at"),
    'PolicyApproved': ('policies', 'approvedBy approvedAtUtc=at'),
    'PolicyActivated': ('policies', 'activatedBy activatedAtUtc=at'),
} | {event: ('requests', f'stage:{stage} changedAtUtc=at') for event, stage in STAGES.items()}
DEEDS = {  # what was done: one row for each event
    **dict.fromkeys(DECISIONS, ('decisions', '''position=place atUtc=at requestId=case boothId=so.boothId decision=t
        reason~reason policyVersion=m.policyVersion cardPoints=so.cardPoints registeredPoints=so.registeredPoints
        boundPoints=d.get('thresholdPoints'if(t)in(COMPARED)else'boundPoints') by~by
        officers=d.get('officers')if(d.get('officers')!=None)else[]
        opinions=so.opinions[:]if(t)in(OF_OFFICERS)else[]''')),
    **{event: ('erasures', f'''position=place atUtc=at requestId=case erased:{what} rule~{rule} by~by actId=of_act''')
       for event, what, rule in (('RegistrantErased', 'registrant', 'rule'), ('RequestLapsed', 'unfinished_request',
       'reason'), ('FaceImageWithdrawn', 'registered_image', 'reason'), ('RefusedEvidenceErased', 'refused_evidence',
       'rule'))},
    'AuditExported': ('exports', LEFT + " by~by what:bundle *{'purpose':d.purpose}if(d.get('purpose')!=None)else{}"),
    'BiometricViewed': ('exports', f'{LEFT} by~officer what~image'),
}
NOT_AFTER_END = ('MaterialDiffered', 'MaterialMissing', 'RequestEndedByOperator')
NEEDS = {'holds': ('requests', 'holds'), 'dashboard': ('requests', 'holds', 'booths')}
def rest(proposal): return Dot({name: proposal[name] for name in proposal if name != 'act'})
def sha_of(data): return data.report.sha256 if data.get('report') else None
def apply(lists, leaf):
    d, m, act, case = leaf.data, leaf.metadata, leaf.stream[len('act-'):], leaf.metadata.get('correlationId')
    request, booth = lists.get('requests', {}).get(case, Dot()), d.get('boothId')
    scope = globals() | dict(m=m, at=m.recordedAtUtc, case=case, act=act, t=leaf.type, booth=request.get('boothId'))
    for table in BEGINS, CHANGES:
        name, words = table.get(leaf.type, ('', ''))
        rows, ended = lists.get(name, {}), leaf.type in NOT_AFTER_END and request.get('stage') in ENDS
        key = {'booths': booth if isinstance(booth, str) else case, 'acts': act, 'policies': d.get('version'),
               'accesses': len(rows)}.get(name, case)
        if name in lists and (table is BEGINS or key in rows and not ended):
            rows[key] = (Dot() if table is BEGINS else rows[key]) | build(words, scope, d)
    if leaf.type == 'OpinionGiven' and case in lists.get('holds', ()): lists['holds'][case]['opinions'] += 1
    if leaf.type == 'OpinionWithdrawn' and case in lists.get('holds', ()): lists['holds'][case]['opinions'] -= 1
def refused_at_door(leaf):
    if leaf.type == 'RequestsRefusedAtDoor': return sum(entry['count'] for entry in leaf.data.refusals)
    return leaf.type == 'RequestRefusedAtDoor'
def age(hold, at):
    hours = (read_instant(at) - read_instant(hold.openedAtUtc)) // 3_600_000
    if read_instant(at) >= read_instant(hold.dueAtUtc): return 'overdue'
    return 'from48h' if hours >= 48 else 'from24h' if hours >= 24 else 'under24h'
def dashboard(leaves, active, requests, holds, booths):
    at, still = leaves[-1].metadata.recordedAtUtc if leaves else None, [row for row in holds if row.outcome is None]
    return dict(
        atUtc=at, policyVersion=active, requests=len(requests), stages=Counter(row.stage for row in requests),
        byBooth={booth: Counter(row.stage for row in requests if row.boothId == booth)
                 for booth in {row.boothId for row in requests}},
        holdsOpen=len(still), holdOutcomes=Counter(row.outcome for row in holds if row.outcome is not None),
        holdAges=dict(under24h=0, from24h=0, from48h=0, overdue=0) | Counter(age(row, at) for row in still),
        boothsEnrolled=sum(row.state == 'enrolled' for row in booths), refusedAtDoor=sum(map(refused_at_door, leaves)))
def told(cases, leaf):  # what later rows of a case tell of earlier events
    d, case = leaf.data, leaf.metadata.get('correlationId')
    so = cases.setdefault(case, Dot(boothId=None, cardPoints=None, registeredPoints=None, opinions=[]))
    if leaf.type == 'RequestReceived':
        so.update(boothId=d.get('boothId'), cardPoints=None, registeredPoints=None, opinions=[])
    if leaf.type == 'OpinionGiven': so.opinions.append(build('officer~officer opinion~opinion reason~reason', {}, d))
    if leaf.type == 'OpinionWithdrawn':
        so.update(opinions=[one for one in so.opinions if one.officer != d.get('officer')])
    if leaf.type in COMPARED:
        so.update(cardPoints=d.get('cardPoints'), registeredPoints=(d.get('registered') or {}).get('points'))
    return so
def deeds(leaves, wanted):
    cases, acts, rows = {}, {}, []
    for place, leaf in leaves:
        d, m, t, case = leaf.data, leaf.metadata, leaf.type, leaf.metadata.get('correlationId')
        is_of_act = t in ('ActProposed', 'ActApproved', 'ActBegun')
        of_act = leaf.stream[len('act-'):] if is_of_act else acts.get(m.get('causationId'))
        if of_act is not None and (is_of_act or t == 'RegistrantErased'): acts[leaf.id] = of_act
        scope = dict(m=m, at=m.recordedAtUtc, case=case, t=t, place=place, of_act=of_act, so=told(cases, leaf))
        scope |= dict(COMPARED=COMPARED, OF_OFFICERS=OF_OFFICERS)
        name, words = DEEDS.get(t, ('', ''))
        if name == wanted and not (t == 'BiometricViewed' and d.get('purpose') != 'disclosure'):
            rows.append(build(words, scope, d))
    return rows
def draw(leaves, wanted):  # the rows of one list, from places and leaves in order; a member that is missing raises
    if wanted in ('decisions', 'erasures', 'exports'): return deeds(leaves, wanted)
    lists, leaves = {name: {} for name in NEEDS.get(wanted, (wanted,))}, [leaf for _, leaf in leaves]
    for leaf in leaves: apply(lists, leaf)
    active = ([None] + [leaf.data.version for leaf in leaves if leaf.type == 'PolicyActivated'])[-1]
    rows = [list(rows.values()) for rows in lists.values()]
    if wanted == 'dashboard': return [dashboard(leaves, active, *rows)]
    if wanted == 'policies': return [row | {'inForce': row.version == active} for row in rows[0]]
    if wanted == 'holds':
        rows[-1].sort(key=lambda row: (row.outcome is not None, units(row.dueAtUtc), units(row.requestId)))
    return rows[-1]
