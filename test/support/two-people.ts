/** What two people have to agree to: the first proposes, the second approves.
 *  @param tokens of two administrators
 *  @returns the act as it was answered to the second
 *  @throws when it is not carried out */
export async function twoPeople(
  url: string,
  tokens: readonly [string, string],
  path: string,
  body: object,
): Promise<object> {
  const post = async (
    token: string,
    to: string,
    sent: object,
  ): Promise<{ readonly actId?: string; readonly stage?: string }> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}${to}`, { method: 'POST', headers, body: JSON.stringify(sent) });
    if (!answer.ok) throw new Error(`${to} answered ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { readonly actId?: string; readonly stage?: string };
  };
  const { actId } = await post(tokens[0], path, { reference: 'TEST-1', ...body });
  const act = await post(tokens[1], `/v1/acts/${actId}/approval`, {});
  if (act.stage !== 'carried_out') throw new Error(`${path} was not carried out: ${act.stage}`);
  return act;
}

/** Enrols a booth of the sandbox's server. @param signIn gives a token of a user of that name */
export async function enrol(
  url: string,
  signIn: (user: string) => Promise<string>,
  boothId: string,
  publicKey: string,
): Promise<void> {
  const tokens = [await signIn('administrator'), await signIn('administrator-b')] as const;
  await twoPeople(url, tokens, '/v1/booths', { boothId, publicKey, reason: 'new_site' });
}
