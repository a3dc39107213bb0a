// The whole server, with writers inside it that append what the door appends when it turns somebody away. Run as a
// process of its own.
import { randomUUID } from 'node:crypto';
import { ApiSettings } from '../../dist/api/api-settings.js';
import { createApp } from '../../dist/api/create-app.js';
import { AppModule } from '../../dist/app.module.js';
import { Background } from '../../dist/application/background.js';
import { RefuseAtDoor } from '../../dist/application/door/refuse-at-door.js';
import { ImageVault } from '../../dist/application/ports/registrant/image-vault.js';
import { Config } from '../../dist/infrastructure/settings/config.js';
import { Foundation } from '../../dist/infrastructure/installation/foundation.js';

const WRITERS = 64;
const config = Config.from({
  HONNIN_DATA: process.argv[2],
  HONNIN_PORT: '0',
  HONNIN_LOG_LEVEL: 'silent',
  HONNIN_CHALLENGES_PER_MINUTE: '0',
});
const { values } = config;
const settings = new ApiSettings({
  oidc: null,
  tls: null,
  trustProxy: false,
  metricsToken: null,
  logLevel: 'silent',
  rateLimits: { challengesPerMinute: 0, registrationsPerMinute: 0, statusPerMinute: 0, photoChecksPerMinute: 0 },
});
const app = await createApp(AppModule.with(config, settings, await Foundation.open(config)), settings);
await app.listen({ host: values.host, port: 0 });
const [door, background, vault] = [RefuseAtDoor, Background, ImageVault].map((token) =>
  app.get(token, { strict: false }),
);

let writing = null;
let stored = 0;
async function write() {
  while (writing?.on) {
    await door.record({ code: 'nonce_expired', boothId: 'booth-bench', policyVersion: 1, refusalId: randomUUID() });
    stored += 1;
  }
}
/** What the vault does for the cases of a busy minute, ten a second: each gets a key, its material is sealed, and both
 * are destroyed. */
const photo = Buffer.alloc(200_000, 7);
async function cases() {
  for (let n = 0; writing?.on; n += 1) {
    const owner = `case:${randomUUID()}`;
    void vault.seal(owner, 'photo', photo).then(() => vault.destroyOwner(owner));
    stored += 1;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
/** Nothing of the load before may be left over in the idle time that it is compared with. */
async function quiet() {
  while (background.status().some(({ state }) => state !== 'live'))
    await new Promise((resolve) => setTimeout(resolve, 50));
}
process.on('message', async (message) => {
  if (message === 'write' || message === 'cases') {
    stored = 0;
    writing = { on: true };
    writing.all = message === 'write' ? Promise.all(Array.from({ length: WRITERS }, write)) : cases();
  }
  if (message === 'rest') {
    if (writing) writing.on = false;
    await writing?.all;
    await quiet();
  }
  if (message === 'close') {
    await app.close();
    process.disconnect();
    return;
  }
  process.send({ stored });
});
await quiet();
process.send({ port: app.getHttpServer().address().port });
