import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { BOOTH_KEY_WORDS } from '../../application/commands/manage-booth.js';
import type { JsonObject } from '../../domain/event-envelope.js';
import { say } from '../audit/arguments.js';
import { EXIT, UsageError } from '../command.js';
import type { AdminCall } from './admin-call.js';
import { changedValues, differenceLines } from './policy-change.js';

export type Action = (call: AdminCall) => Promise<number>;

interface Act {
  readonly actId: string;
  readonly stage: string;
}
interface Version {
  readonly version: number;
  readonly values: JsonObject;
  readonly proposedBy: string;
  readonly approvedBy: string | null;
  readonly basedOn: number | null;
}
interface Policies {
  readonly active: number | null;
  readonly versions: readonly Version[];
}

interface Waiting {
  readonly stopped: readonly JsonObject[];
  readonly stuck: readonly JsonObject[];
}

const ACT_COLUMNS = ['actId', 'act', 'of', 'reason', 'reference', 'stage', 'proposedBy', 'notBeforeUtc', 'refusal'];

/** What an administrator does, by what it is about and what is done with it. */
export const AREAS: Readonly<Record<string, Readonly<Record<string, Action>>>> = {
  booths: {
    list: async (call) => call.showRows(await call.rows('/v1/booths', 'booths')),
    show: async (call) => {
      const [boothId] = call.named('BOOTH-ID');
      return one(call, await call.rows('/v1/booths', 'booths'), (row) => row['boothId'] === boothId, 'booth');
    },
    enrol: async (call) => {
      const [boothId] = call.named('BOOTH-ID');
      const [publicKey, reason, reference] = [boothKey(call), ...call.needed('reason', 'reference')];
      return proposed(call, await call.post<Act>('/v1/booths', { boothId, publicKey, reason, reference }));
    },
    key: async (call) => {
      const [boothId] = call.named('BOOTH-ID');
      const [publicKey, reason, reference] = [boothKey(call), ...call.needed('reason', 'reference')];
      return proposed(call, await call.post<Act>(`/v1/booths/${boothId}/keys`, { publicKey, reason, reference }));
    },
    suspend: async (call) => {
      const [boothId] = call.named('BOOTH-ID');
      const [reason] = call.needed('reason');
      return call.show(await call.post<object>(`/v1/booths/${boothId}/suspension`, { reason }));
    },
    resume: async (call) => {
      const [boothId] = call.named('BOOTH-ID');
      const [reason, reference] = call.needed('reason', 'reference');
      return proposed(call, await call.post<Act>(`/v1/booths/${boothId}/resumption`, { reason, reference }));
    },
  },
  people: {
    list: async (call) => {
      call.named();
      const { lockouts } = await call.get<{ readonly lockouts: readonly JsonObject[] }>('/v1/lockouts');
      return call.showRows(lockouts, ['subject', 'reason', 'reference', 'by']);
    },
    'lock-out': async (call) => {
      const { subject, reason, reference } = personOf(call);
      const lockout = await call.post<JsonObject>('/v1/lockouts', { subject, reason, reference });
      const how = 'people readmit proposes to let them in again';
      return call.show(lockout, `${subject} is locked out, whatever their token says; ${how}`);
    },
    readmit: async (call) => proposed(call, await call.post<Act>('/v1/lockouts/readmissions', personOf(call))),
  },
  erasures: {
    list: async (call) => {
      const acts = await call.rows('/v1/acts', 'acts');
      return call.showRows(
        acts.filter(({ act }) => act === 'erase_registrant'),
        ACT_COLUMNS,
      );
    },
    propose: async (call) => {
      const [requestId] = call.named('REQUEST-ID');
      const [rule, reference] = call.needed('rule', 'reference');
      return proposed(call, await call.post<Act>('/v1/audit/erasures', { requestId, rule, reference }));
    },
  },
  acts: {
    list: async (call) => call.showRows(await call.rows('/v1/acts', 'acts'), ACT_COLUMNS),
    show: async (call) => {
      const [actId] = call.named('ACT-ID');
      return one(call, await call.rows('/v1/acts', 'acts'), (row) => row['actId'] === actId, 'proposal');
    },
    approve: (call) => decided(call, 'approval'),
    decline: (call) => decided(call, 'refusal'),
  },
  policies: {
    list: async (call) => {
      call.named();
      const { active, versions } = await call.get<Policies>('/v1/policies');
      const rows = versions.map(({ values: _, ...row }) => ({ ...row, inForce: row.version === active }));
      return call.showRows(rows, ['version', 'inForce', 'proposedBy', 'approvedBy', 'basedOn']);
    },
    show: async (call) => {
      const policies = await call.get<Policies>('/v1/policies');
      const shown = versionOf(policies, call.names.length === 0 ? String(policies.active) : call.named('VERSION')[0]);
      return call.show(shown);
    },
    propose: proposePolicy,
    approve: async (call) => {
      const [version] = call.named('VERSION');
      await tellDifference(call, version);
      const answer = await call.post<Policies>(`/v1/policies/${version}/approval`);
      const how = `'./honnin admin policies activate ${version}' puts it in force`;
      return call.show(answer, `policy ${version} is approved; ${how}`);
    },
    activate: async (call) => {
      const [version] = call.named('VERSION');
      await tellDifference(call, version);
      if (call.options['dry-run']) return EXIT.ok;
      const answer = await call.post<Policies>(`/v1/policies/${version}/activation`);
      return call.show(answer, `policy ${version} is in force`);
    },
  },
  effects: {
    list: async (call) => {
      call.named();
      return call.showRows((await call.get<Waiting>('/v1/waiting-cases')).stuck);
    },
    resume: async (call) => {
      const [requestId, effectId] = call.named('REQUEST-ID', 'EFFECT-ID');
      await call.post(`/v1/cases/${requestId}/effects/${effectId}/resumption`);
      return call.show({ requestId, effectId, resumed: true }, `${call.names[1]} of ${requestId} is tried again`);
    },
  },
  cases: {
    list: async (call) => {
      call.named();
      return call.showRows((await call.get<Waiting>('/v1/waiting-cases')).stopped);
    },
    end: async (call) => {
      const [requestId] = call.named('REQUEST-ID');
      const [reason, reference] = call.needed('reason', 'reference');
      await call.post(`/v1/cases/${requestId}/end`, { reason, reference });
      return call.show({ requestId, ended: true }, `${requestId} is ended`);
    },
  },
};

function personOf(call: AdminCall): { readonly subject: string; readonly reason: string; readonly reference: string } {
  const [subject = ''] = call.named('SUBJECT').map(decodeURIComponent);
  const [reason = '', reference = ''] = call.needed('reason', 'reference');
  return { subject, reason, reference };
}

/** A change of some values of a version, by default of the one in force. */
async function proposePolicy(call: AdminCall): Promise<number> {
  call.named();
  const { set = [], 'based-on': basedOn, 'dry-run': isDry } = call.options;
  if (set.length === 0) throw new UsageError('this needs at least one --set NAME=VALUE, like --set holdDueHours=48');
  const policies = await call.get<Policies>('/v1/policies');
  const base = versionOf(policies, basedOn ?? String(policies.active));
  const values = changedValues(base.values, set);
  const lines = differenceLines(base.values, values);
  if (lines.length === 0) throw new UsageError(`policy ${base.version} has these values already`);
  if (!call.options.json) for (const line of [`policy ${base.version}, changed:`, ...lines]) say(line);
  if (isDry) return EXIT.ok;
  const answer = await call.post<Policies>('/v1/policies', { ...values, basedOn: base.version });
  const version = answer.versions.at(-1)?.version;
  return call.show(answer, `proposed as policy ${version}; another administrator approves it`);
}

/** What putting a version in force would change. */
async function tellDifference(call: AdminCall, asked: string | undefined): Promise<void> {
  const policies = await call.get<Policies>('/v1/policies');
  const { version, values } = versionOf(policies, asked);
  if (call.options.json || policies.active === null) return;
  const lines = differenceLines(versionOf(policies, String(policies.active)).values, values);
  say(`policy ${version} against policy ${policies.active}, which is in force:`);
  for (const line of lines.length === 0 ? ['no difference'] : lines) say(line);
}

function versionOf({ versions }: Policies, asked: string | undefined): Version {
  const found = versions.find(({ version }) => String(version) === asked);
  const there = versions.map(({ version }) => version).join(', ');
  if (!found) throw new UsageError(`there is no policy ${asked}; there are ${there}`);
  return found;
}

async function decided(call: AdminCall, what: 'approval' | 'refusal'): Promise<number> {
  const [actId] = call.named('ACT-ID');
  const act = await call.post<Act & { readonly refusal: string | null }>(`/v1/acts/${actId}/${what}`);
  call.show(act, `${actId}: ${act.stage}${act.refusal === null ? '' : `, but nothing was done: ${act.refusal}`}`);
  return act.refusal === null ? EXIT.ok : EXIT.failed;
}

function proposed(call: AdminCall, act: Act): number {
  const how = `another administrator agrees: ./honnin admin acts approve ${act.actId}`;
  return call.show(act, `proposed as ${act.actId}; ${how}`);
}

function one(call: AdminCall, rows: readonly JsonObject[], isIt: (row: JsonObject) => boolean, what: string): number {
  const found = rows.find(isIt);
  if (!found) throw new UsageError(`there is no ${what} ${call.names[0]}`);
  return call.show(found);
}

/** The text of a booth's key, from a file in PEM or DER, or as it is. */
function boothKey(call: AdminCall): string {
  const [given] = call.needed('key') as [string];
  try {
    const bytes = existsSync(given) ? readFileSync(given) : Buffer.from(given, 'base64');
    const isPem = bytes.includes('-----BEGIN ');
    // Of a private key only the public part leaves this machine.
    const key = createPublicKey(isPem ? bytes : { key: bytes, format: 'der', type: 'spki' });
    if (key.asymmetricKeyType !== 'ed25519') throw new UsageError(`--key ${given}: must be ${BOOTH_KEY_WORDS}`);
    return key.export({ type: 'spki', format: 'der' }).toString('base64');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`--key: must be ${BOOTH_KEY_WORDS}`);
  }
}
