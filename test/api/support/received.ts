import { CommandBus } from '@nestjs/cqrs';
import { ApproveAct, ProposeAct } from '../../../src/application/commands/dual-control.js';
import { derivedId } from '../../../src/application/decisions/ids.js';
import type { ApiServer } from './api-server.js';
import { envelopeOf, newBooth, partsOf, requestJson } from './booth.js';
import { BOUNDARY, multipartBody } from './multipart.js';

/** A request that came in through the door of a booth of its own, so that what is looked at is what was signed.
 *  @returns its id */
export async function receivedRequest(api: ApiServer, boothId: string): Promise<string> {
  const booth = newBooth(boothId);
  const commands = api.app.get(CommandBus, { strict: false });
  const commandId = `enrol-${boothId}`;
  const proposal = { act: 'enrol_booth', boothId, publicKey: booth.publicKey } as const;
  await commands.execute(new ProposeAct(commandId, proposal, 'new_site', 'SITE-1', 'admin-a'));
  // By two people, as a server has it: a bundle with a booth that one person enrolled is wrong.
  await commands.execute(new ApproveAct(`${commandId}-approved`, derivedId('act', commandId), 'admin-b'));
  const challenge = await api.inject({ method: 'POST', url: '/v1/challenges', payload: { boothId } });
  const { nonce } = challenge.json<{ nonce: string }>();
  const answer = await api.inject({
    method: 'POST',
    url: '/v1/registrations',
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, 'idempotency-key': `key-${boothId}` },
    payload: multipartBody(partsOf(requestJson(booth, envelopeOf(booth, nonce)))),
  });
  if (answer.statusCode !== 202) throw new Error(`the request was not received: ${answer.body}`);
  return (await api.events()).findLast(({ type }) => type === 'RequestReceived')?.data['requestId'] as string;
}
