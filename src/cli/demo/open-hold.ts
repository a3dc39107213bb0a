import { DEMO_STORIES, loadDemoFace } from '../../sandbox/card/demo-faces.js';
import { People } from './demo-cases.js';
import type { DemoWorld } from './demo-world.js';

const PERSON = 'somebody who comes twice';

/** Somebody is registered and comes again with a new card and another face: a hold that waits for officers, for people
 * who look at the demonstration by themselves. */
export async function leaveHoldOpen(world: DemoWorld): Promise<void> {
  const people = new People(world);
  const { card, captured } = DEMO_STORIES.samePerson;
  const first = await world.register(await people.card(PERSON, card), await loadDemoFace(captured));
  const registered = await world.requestIdOf(first);
  await world.until(registered, ['GovernmentAccepted']);
  await world.settled(registered);
  const other = DEMO_STORIES.cardOfAnother;
  const again = await world.register(await people.renew(PERSON, other.card), await loadDemoFace(other.captured));
  await world.until(await world.requestIdOf(again), ['HoldOpened']);
}
