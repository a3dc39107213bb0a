import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BoothClient } from '../../src/booth/booth-client.js';
import { generateBoothKey } from '../../src/booth/booth-key.js';
import { DEMO_STORIES, loadCardPhoto, loadDemoFace } from '../../src/sandbox/card/demo-faces.js';
import { built, elsewhere, peer, peerProgram } from '../support/peers.js';
import { RealServer } from '../support/real-server.js';
import { describeUnless, itUnless } from '../support/unless.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
const rules = (load(readFileSync('deploy/honnin.rules.yml', 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(readFileSync('deploy/honnin.dashboard.json', 'utf8')) as {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
};
const METRIC = /\b(?:honnin|process|nodejs)_[a-z_]+/g;
const metricsIn = (expression: string): readonly string[] => expression.match(METRIC) ?? [];
/** As Prometheus names the parts of a histogram. */
const bare = (metric: string): string => metric.replace(/_(?:bucket|count|sum)$/, '');
const promtool = peerProgram('promtool') ?? '';
const lacks = (program: string, ...args: readonly string[]) =>
  elsewhere(spawnSync(program, args).status === 0 ? null : `${program} is not there`);

describe('what each alarm means', () => {
  it('stands in the manual, for every alarm and for no other', () => {
    const manual = readFileSync('docs/operations.md', 'utf8');
    const told = [...manual.matchAll(/^\| `(Honnin[A-Za-z]+)` \|/gm)].map(([, name]) => name);
    expect([...told].sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });

  itUnless(peer('promtool'), 'is in a form that Prometheus takes', () => {
    const { status, stdout, stderr } = spawnSync(promtool, ['check', 'rules', 'deploy/honnin.rules.yml']);
    expect({ status, said: status === 0 ? '' : `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
  });

  itUnless(lacks('systemd-analyze', '--version'), 'and the unit is one that systemd takes', () => {
    const { stderr } = spawnSync('systemd-analyze', ['verify', 'deploy/honnin.service'], { encoding: 'utf8' });
    // The program that it starts, its user and its folders are of a machine where Honnin is installed.
    const lines = stderr.split('\n');
    const problems = lines.filter((line) => /honnin\.service:\d+|Unknown|Invalid|Failed to parse/.test(line));
    expect(problems).toEqual([]);
  });
});

// @fault O14
describeUnless(built('main.js'), 'the figures of a server', () => {
  let server: RealServer;
  let figures: string;
  let counter = 0;

  beforeAll(async () => {
    server = await RealServer.beside('figures', ['auditor', 'administrator']);
    await server.start({ env: { HONNIN_KAFKA_BROKERS: '127.0.0.1:9' } });
    const [key, boothId] = [generateBoothKey(), 'booth-figures'];
    await server.enrol(boothId, key.publicKeySpki);
    const preparePhoto = async (bytes: Uint8Array) => ({ bytes, done: [] });
    const next = () => (counter += 1);
    const booth = new BoothClient({ baseUrl: server.url, boothId, key, counter: { next }, preparePhoto });
    const { captured, card: onCard } = DEMO_STORIES.samePerson;
    const card = await server.sandbox.jpki.issueCard({ faceImage: await loadCardPhoto(onCard) });
    const { authenticationPin: pin, accessNumber } = card.secrets;
    const consent = { textVersion: '2026-11', keepReferenceImage: true };
    const photo = await loadDemoFace(captured);
    const { receipt } = await booth.register({ card: card.connect(), pin, accessNumber, photo, consent });
    await server.caseWith(receipt, 'GovernmentAccepted');
    figures = await (await server.asOperator('/metrics')).text();
  }, 300_000);
  afterAll(() => server.close(), 60_000);

  const value = (series: string): number | null => {
    const line = figures.split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? null : Number(line.split(' ')[1]);
  };

  it('say what became of registrations, who answered, how long comparisons took, what waits and is free', () => {
    expect(value('honnin_registrations_total{outcome="accepted"}')).toBe(1);
    expect(value('honnin_answers_total{service="certificate_authority",answer="valid"}')).toBe(1);
    expect(value('honnin_answers_total{service="government",answer="accepted"}')).toBe(1);
    expect(value('honnin_face_comparison_seconds_count')).toBe(1);
    expect(value('honnin_face_comparison_seconds_sum')).toBeGreaterThan(0);
    expect(['open', 'overdue'].map((state) => value(`honnin_holds{state="${state}"}`))).toEqual([0, 0]);
    expect(value('honnin_data_free_bytes')).toBeGreaterThan(0);
  });

  itUnless(peer('promtool'), 'are in a form and under names that Prometheus likes', () => {
    const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: figures, encoding: 'utf8' });
    // 3: it reads them and dislikes names. Those that the library gives to figures of Node are not ours to change.
    const disliked = `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !line.startsWith('nodejs_'));
    expect({ isRead: status === 0 || status === 3, disliked }).toEqual({ isRead: true, disliked: [] });
  });

  it('are all that alarms and dashboard name', () => {
    const there = new Set([...figures.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
    const asked = [
      ...rules.map(({ alert, expr }) => [alert, expr] as const),
      ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
    ];
    for (const [name, expr] of asked) {
      const missing = metricsIn(expr).filter((metric) => !there.has(metric) && !there.has(bare(metric)));
      expect({ name, missing }).toEqual({ name, missing: [] });
    }
    expect(asked.flatMap(([, expr]) => metricsIn(expr)).length).toBeGreaterThan(30);
  });
});
