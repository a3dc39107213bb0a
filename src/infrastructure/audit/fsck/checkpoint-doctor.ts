import { existsSync } from 'node:fs';
import type { OutletName } from '../../../application/ports/audit/checkpoint-outlets.js';
import { fetchOver, type OwnTls } from '../../http/own-tls.js';
import type { Config } from '../../settings/config.js';
import { serviceTls } from '../../settings/service-tls.js';
import { checkpointTopic } from '../../kafka/kafka-checkpoint-topic.js';
import { isLate, lastDelivered, undeliveredSinceMs } from '../outlets/checkpoint-outlet.js';
import { outletIntervals, timestampAnchors } from '../outlets/configured-outlets.js';
import { fetchProblem } from '../outlets/fetch-problem.js';
import { checkTimestamp } from './check-timestamps.js';
import { TileLog } from '../log/tile-log.js';

export interface OutletFinding {
  readonly level: 'ok' | 'note' | 'WRONG';
  readonly what: string;
  readonly detail: string;
}

const WHAT: Readonly<Record<OutletName, string>> = {
  timestamp: 'timestamps',
  folder: 'copies (folder)',
  url: 'copies (address)',
  kafka: 'copies (Kafka)',
  witness: 'witnesses',
};
const ASK_MS = 3_000;

/** Whether checkpoints get out of the operator's hands: settings, reachability, and how old the newest delivery is.
 * Stamps and sends nothing. */
export async function examineOutlets(config: Config): Promise<readonly OutletFinding[]> {
  const intervals = outletIntervals(config);
  const findings: OutletFinding[] = [];
  if (!intervals.has('timestamp'))
    findings.push({
      level: 'note',
      what: WHAT.timestamp,
      detail:
        'no authority is configured, so nobody outside can say when a checkpoint existed; set HONNIN_TSA_URL and HONNIN_TSA_ANCHORS',
    });
  if (!(['folder', 'url', 'kafka'] as const).some((name) => intervals.has(name)))
    findings.push({
      level: 'note',
      what: 'copies',
      detail:
        'checkpoints stay with the operator, who could rewrite the log unseen; set HONNIN_AUDIT_COPY_FOLDER, _URL or _KAFKA_BROKERS',
    });
  if (!intervals.has('witness'))
    findings.push({
      level: 'note',
      what: WHAT.witness,
      detail: 'nobody independent cosigns checkpoints; set HONNIN_WITNESSES',
    });
  for (const [name, everyMs] of intervals) {
    findings.push(await settingOf(name, config));
    findings.push(deliveryOf(name, everyMs, config));
  }
  return findings;
}

/** Whether the way out works as it is configured. */
async function settingOf(name: OutletName, config: Config): Promise<OutletFinding> {
  const what = WHAT[name];
  const {
    tsaUrl,
    tsaAnchorFiles,
    auditCopyFolder,
    auditCopyUrl,
    auditCopyKafkaBrokers,
    auditCopyKafkaTopic,
    witnesses,
    witnessesNeeded,
  } = config.values;
  try {
    if (name === 'timestamp') {
      const anchors = timestampAnchors(tsaAnchorFiles);
      await reach(tsaUrl as string, serviceTls(config, 'tsa'));
      return {
        level: 'ok',
        what,
        detail: `${tsaUrl} answers, ${anchors.length} trusted ${anchors.length === 1 ? 'root' : 'roots'}`,
      };
    }
    if (name === 'folder')
      return existsSync(auditCopyFolder as string)
        ? { level: 'ok', what, detail: auditCopyFolder as string }
        : { level: 'note', what, detail: `${auditCopyFolder} is made at the first copy` };
    if (name === 'url') {
      await reach(auditCopyUrl as string);
      return { level: 'ok', what, detail: `${auditCopyUrl} answers` };
    }
    if (name === 'witness') {
      for (const { url } of witnesses) await reach(url);
      return {
        level: 'ok',
        what,
        detail: `${witnesses.map(({ url }) => url).join(', ')} answer, ${witnessesNeeded ?? witnesses.length} of them needed`,
      };
    }
    const { cleanup, retentionMs } = await (
      checkpointTopic(config) as NonNullable<ReturnType<typeof checkpointTopic>>
    ).retention();
    const where = `${auditCopyKafkaTopic} on ${auditCopyKafkaBrokers.join(', ')}`;
    if (cleanup?.includes('compact'))
      return {
        level: 'WRONG',
        what,
        detail: `${where} is compacted and would forget the proof of a fork; its administrator must set cleanup.policy=delete`,
      };
    if (retentionMs !== null && retentionMs >= 0)
      return {
        level: 'note',
        what,
        detail: `${where} forgets after ${Math.round(retentionMs / 86_400_000)} days; its administrator should set retention.ms=-1`,
      };
    return {
      level: 'ok',
      what,
      detail:
        cleanup === null
          ? `${where} answers; how long it keeps records may not be read from here`
          : `${where} keeps everything`,
    };
  } catch (error) {
    return { level: 'WRONG', what, detail: error instanceof Error ? error.message : String(error) };
  }
}

/** How far the newest delivery reaches. */
function deliveryOf(name: OutletName, everyMs: number, config: Config): OutletFinding {
  const what = WHAT[name];
  const log = new TileLog(config.inData('audit'));
  const delivered = lastDelivered(log.folder, name);
  const since = undeliveredSinceMs(log, delivered);
  const reached =
    delivered === null
      ? 'no checkpoint got there yet'
      : `${delivered.size} entries are covered, since ${delivered.atUtc}`;
  if (since !== null && isLate(Date.now() - since, everyMs))
    return {
      level: 'WRONG',
      what,
      detail: `${reached}; a later checkpoint has been waiting since ${new Date(since).toISOString()}: is the server running, and what does its log say?`,
    };
  const problem =
    name === 'timestamp' ? checkTimestamp(log, log.timestamped().at(-1), timestampAnchorsOrNone(config)) : null;
  if (problem !== null)
    return { level: 'WRONG', what, detail: `the newest stored timestamp does not hold: ${problem}` };
  return { level: delivered === null ? 'note' : 'ok', what, detail: reached };
}

function timestampAnchorsOrNone({ values }: Config): ReturnType<typeof timestampAnchors> | null {
  try {
    return timestampAnchors(values.tsaAnchorFiles);
  } catch {
    // Told already, as a wrong setting.
    return null;
  }
}

async function reach(url: string, tls: OwnTls | null = null): Promise<void> {
  try {
    const response = await fetchOver(tls, url, { redirect: 'manual', signal: AbortSignal.timeout(ASK_MS) });
    await response.body?.cancel();
  } catch (error) {
    throw new Error(`${url} does not answer: ${fetchProblem(error)}`, { cause: error });
  }
}
