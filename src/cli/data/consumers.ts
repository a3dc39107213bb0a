import { parseArgs } from 'node:util';
import { FLAG, say, sayJson, TEXT } from '../audit/arguments.js';
import { tokenOf } from '../admin/admin-call.js';
import { ask, orSayWhy } from '../audit/server-answers.js';
import { EXIT, UsageError, type CliCommand } from '../command.js';

interface Waiting {
  readonly eventId: string;
  readonly type: string;
  readonly stream: string;
}
interface Consumer {
  readonly consumer: string;
  readonly state: string;
  readonly lastError: string | null;
  readonly stoppedAt: Waiting | null;
  readonly parked: readonly (Waiting & { readonly error: string })[];
}

export const command: CliCommand = {
  help: `
Shows the parts of a running server that follow the event log, and what to do where one met an event that it cannot take.

  ./honnin consumers list --server URL --token TOKEN
        where each stands; events that are parked, with later ones of the same case behind them; the event before which one stands
        still. Exit code 1 where something waits. The look is put on record
  ./honnin consumers replay CONSUMER EVENT-ID --server URL --token TOKEN
        has a parked event and what waits behind it handled, after what was in its way has been put right. As an administrator
  ./honnin consumers resume CONSUMER --server URL --token TOKEN
        lets one that stands still try again. As an administrator
  ./honnin consumers skip CONSUMER EVENT-ID --reason CODE --reference TEXT --server URL --token TOKEN
        proposes to go past an event that still cannot be taken; another administrator agrees. CODE: fault_of_this_program,
        done_by_other_means, without_effect. The signed log skips nothing
  ./honnin consumers approve ACT-ID --server URL --token TOKEN
        agrees to what another administrator proposed

The token can also come from a file (--token-file FILE) or from HONNIN_TOKEN; --json gives the list for programs.

Example
  ./honnin consumers list --server http://127.0.0.1:8080 --token "$TOKEN"
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { server: TEXT, token: TEXT, 'token-file': TEXT, json: FLAG, reason: TEXT, reference: TEXT },
    });
    const [name, ...of] = positionals;
    const { server } = values;
    const token = tokenOf(values);
    if (server === undefined) throw new UsageError('consumers needs the address of the server: --server URL');
    const post = <T>(path: string, body: object): Promise<T> => ask<T>(server, token, path, body);
    const needed = (count: number): readonly string[] => {
      if (of.length !== count)
        throw new UsageError(`consumers ${name} needs ${count === 1 ? 'one name' : 'CONSUMER and EVENT-ID'}`);
      return of.map(encodeURIComponent);
    };
    return orSayWhy(`consumers ${name ?? ''}`, async () => {
      switch (name) {
        case 'list':
          return list(
            (await ask<{ consumers: readonly Consumer[] }>(server, token, '/v1/consumers')).consumers,
            values.json,
          );
        case 'replay': {
          const [consumer] = needed(2);
          const { replayed } = await post<{ replayed: number }>(`/v1/consumers/${consumer}/replays`, {
            eventId: of[1],
          });
          say(`${replayed} events were handled`);
          return EXIT.ok;
        }
        case 'resume': {
          const [consumer] = needed(1);
          await post(`/v1/consumers/${consumer}/resumption`, {});
          say(`${of[0]} tries again; './honnin consumers list' says how it goes`);
          return EXIT.ok;
        }
        case 'skip': {
          const [consumer] = needed(2);
          const { reason, reference } = values;
          if (!reason || !reference) throw new UsageError('consumers skip needs --reason CODE and --reference TEXT');
          const { actId } = await post<{ actId: string }>(`/v1/consumers/${consumer}/skips`, {
            eventId: of[1],
            reason,
            reference,
          });
          say(`proposed as ${actId}; another administrator agrees: ./honnin consumers approve ${actId} …`);
          return EXIT.ok;
        }
        case 'approve': {
          const [actId] = needed(1);
          const { stage } = await post<{ stage: string }>(`/v1/acts/${actId}/approval`, {});
          say(`${of[0]}: ${stage}`);
          return EXIT.ok;
        }
        default:
          throw new UsageError("consumers needs 'list', 'replay', 'resume', 'skip' or 'approve'");
      }
    });
  },
};

function list(consumers: readonly Consumer[], isJson: boolean): number {
  if (isJson) sayJson(consumers);
  const width = Math.max(...consumers.map(({ consumer }) => consumer.length));
  let waiting = 0;
  for (const { consumer, state, lastError, stoppedAt, parked } of consumers) {
    waiting += parked.length + (stoppedAt ? 1 : 0);
    if (isJson) continue;
    say(`${consumer.padEnd(width)}  ${state}${state === 'live' || !lastError ? '' : `: ${lastError}`}`);
    if (stoppedAt) say(`  STOPPED before ${stoppedAt.eventId} (${stoppedAt.type}, ${stoppedAt.stream})`);
    for (const { eventId, type, stream, error } of parked) say(`  parked ${eventId} (${type}, ${stream}): ${error}`);
  }
  return waiting === 0 ? EXIT.ok : EXIT.failed;
}
