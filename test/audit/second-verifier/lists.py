"""Lists that are drawn from leaves, from docs/bundle.md alone (section 7)."""
from formats import milliseconds
from rules import CLOSES, HOUR_MS, same

LISTS = ('requests', 'holds', 'booths', 'acts', 'policies', 'accesses', 'dashboard')
ENDS = {**CLOSES, 'RequestEndedByOperator': 'ended_by_operator'}
STAGE_OF = {'RequestReceived': 'received', 'CertificateVerified': 'certificate_verified', 'FaceMatched': 'confirmed',
            'HoldReleased': 'confirmed', 'Held': 'held', 'SubmissionAttempted': 'submitting',
            'SubmittedToGovernment': 'submitted', 'MaterialDiffered': 'stopped', 'MaterialMissing': 'stopped', **ENDS}
ACT_STAGES = {'ActProposed': 'proposed', 'ActApproved': 'approved', 'ActBegun': 'begun', 'ActDeclined': 'declined',
              'ActCarriedOut': 'carried_out'}
ACCESSES = {'BiometricViewed': ('officer', 'image', 'requestId', 'purpose'),
            'RecordsViewed': ('by', 'what', 'requestId', 'query'), 'AuditExported': ('by', None, None, 'query'),
            'AccessRefused': ('subject', 'what', None, 'reason')}
MISSING = object()

class Drawer:
    def __init__(self):
        self.requests, self.holds, self.booths, self.acts, self.policies, self.accesses = {}, {}, {}, {}, {}, []
        self.active, self.at, self.refused = None, None, 0

    def feed(self, leaf):
        kind, data, at = leaf['type'], leaf['data'], leaf['metadata']['recordedAtUtc']
        case = leaf['metadata'].get('correlationId')
        self.at, get = at, lambda *names: {name: data.get(name, MISSING) for name in names}
        if kind == 'RequestReceived':
            self.requests[case] = {'requestId': case, **get('boothId', 'mode', 'receivedAtUtc')}
        row = self.requests.get(case)
        stays = row and kind in ('MaterialDiffered', 'MaterialMissing', 'RequestEndedByOperator') and \
            row['stage'] in ENDS.values()
        if row and kind in STAGE_OF and not stays:
            row.update(stage=STAGE_OF[kind], changedAtUtc=at)
        if kind == 'Held':
            figures = get('reason', 'cardPoints', 'registeredPoints', 'differencePoints', 'boundPoints', 'dueAtUtc')
            self.holds[case] = {'requestId': case, 'boothId': row['boothId'] if row else None, **figures,
                                'policyVersion': leaf['metadata'].get('policyVersion', MISSING), 'openedAtUtc': at,
                                'opinions': 0, 'outcome': None, 'officers': [], 'resolvedAtUtc': None}
        hold = self.holds.get(case, {})
        if kind == 'OpinionGiven' and hold:
            hold['opinions'] += 1
        if kind in ('HoldResolved', 'HoldClosed') and hold:
            hold.update({'outcome': 'closed'} if kind == 'HoldClosed' else get('outcome', 'officers'), resolvedAtUtc=at)
        if kind.startswith('Booth'):
            booth = data['boothId'] if isinstance(data.get('boothId'), str) else case
            if kind == 'BoothEnrolled':
                self.booths[booth] = {'boothId': booth, 'state': 'enrolled', 'keyVersion': 1, 'changedAtUtc': at}
            change = {'BoothKeyRotated': get('keyVersion'), 'BoothSuspended': {'state': 'suspended'},
                      'BoothResumed': {'state': 'enrolled'}}
            if booth in self.booths and kind in change:
                self.booths[booth].update(change[kind], changedAtUtc=at)
        if kind in ACT_STAGES:
            self.act(leaf['stream'][len('act-'):], kind, data, at)
        if kind in ('PolicyProposed', 'PolicyApproved', 'PolicyActivated'):
            self.policy(kind, data, at)
        self.refused += kind == 'RequestRefusedAtDoor'
        self.refused += sum(each['count'] for each in data['refusals']) if kind == 'RequestsRefusedAtDoor' else 0
        if kind in ACCESSES:
            names = [data.get(name) for name in ACCESSES[kind]]
            access = dict(zip(('by', 'what', 'requestId', 'detail'), names), atUtc=at, act=kind)
            self.accesses.append({**access, 'what': 'export'} if kind == 'AuditExported' else access)

    def act(self, act_id, kind, data, at):
        get = lambda name: data.get(name, MISSING)
        if kind == 'ActProposed':
            rest = {name: value for name, value in data['proposal'].items() if name != 'act'}
            nothing = dict.fromkeys(('approvedBy', 'notBeforeUtc', 'declinedBy', 'refusal'))
            self.acts[act_id] = {'actId': act_id, 'act': data['proposal'].get('act', MISSING), 'of': rest, **nothing,
                                 'reason': get('reason'), 'reference': get('reference'), 'proposedBy': get('by'),
                                 'proposedAtUtc': at}
        if act_id not in self.acts:
            return
        change = {'ActApproved': lambda: {'approvedBy': get('by'), 'notBeforeUtc': get('notBeforeUtc')},
                  'ActDeclined': lambda: {'declinedBy': get('by')}}.get(kind, dict)()
        if kind == 'ActCarriedOut' and get('refusal') is not None:
            change = {'stage': 'refused', 'refusal': get('refusal')}
        self.acts[act_id].update({'stage': ACT_STAGES[kind], 'changedAtUtc': at, **change})

    def policy(self, kind, data, at):
        if kind == 'PolicyProposed':
            nothing = dict.fromkeys(('approvedBy', 'approvedAtUtc', 'activatedBy', 'activatedAtUtc'))
            self.policies[data['version']] = {
                'version': data['version'], 'values': data.get('values'), 'proposedBy': data.get('proposedBy', MISSING),
                'proposedAtUtc': at, 'reportSha256': (data.get('report') or {}).get('sha256'), **nothing}
        elif data['version'] in self.policies:
            act = 'approved' if kind == 'PolicyApproved' else 'activated'
            self.policies[data['version']].update({f'{act}By': data.get(f'{act}By', MISSING), f'{act}AtUtc': at})
        if kind == 'PolicyActivated':
            self.active = data['version']

    def rows(self, name):
        if name == 'holds':
            order = lambda row: (row['outcome'] is not None, *(str(row[n]).encode('utf-16-be', 'surrogatepass')
                                                               for n in ('dueAtUtc', 'requestId')))
            return sorted(self.holds.values(), key=order)
        if name == 'policies':
            return [{**row, 'inForce': version == self.active} for version, row in self.policies.items()]
        if name == 'accesses':
            return self.accesses
        return [self.dashboard()] if name == 'dashboard' else list(getattr(self, name).values())

    def dashboard(self):
        stages, booths, outcomes, ages = {}, {}, {}, dict.fromkeys(('under24h', 'from24h', 'from48h', 'overdue'), 0)
        for row in self.requests.values():
            count(stages, row['stage'])
            count(booths.setdefault(row['boothId'], {}), row['stage'])
        for row in self.holds.values():
            if row['outcome'] is not None:
                count(outcomes, row['outcome'])
                continue
            now = milliseconds(self.at)
            hours = (now - milliseconds(row['openedAtUtc'])) / HOUR_MS
            overdue = now >= milliseconds(row['dueAtUtc'])
            age = 'from48h' if hours >= 48 else 'from24h' if hours >= 24 else 'under24h'
            count(ages, 'overdue' if overdue else age)
        return {'atUtc': self.at, 'policyVersion': self.active, 'requests': len(self.requests), 'stages': stages,
                'byBooth': booths, 'holdsOpen': sum(ages.values()), 'holdAges': ages, 'holdOutcomes': outcomes,
                'boothsEnrolled': sum(row['state'] == 'enrolled' for row in self.booths.values()),
                'refusedAtDoor': self.refused}

def count(counts, name):
    counts[name] = counts.get(name, 0) + 1
