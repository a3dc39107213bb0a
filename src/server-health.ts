import { Injectable } from '@nestjs/common';
import { HealthChecks, type Readiness } from './api/health-checks.js';
import { Background } from './application/background.js';
import { LogWatch } from './application/audit/log-watch.js';
import { CaseWatch } from './application/case/case-watch.js';
import { CurrentPolicy } from './application/decisions/current-policy.js';
import { ClockWatch } from './application/installation/clock-watch.js';
import { Intake } from './application/installation/intake.js';
import { CheckpointOutlets } from './application/ports/audit/checkpoint-outlets.js';
import { UnknownEvents } from './application/subscriptions/unknown-events.js';
import { EffectDispatcher } from './application/saga/effect-dispatcher.js';
import { EventStore } from './application/ports/store/event-store.js';
import { olderInWords } from './domain/policy/shipped-default.js';
import { Config } from './infrastructure/settings/config.js';
import { diskState } from './infrastructure/data-folder/disk-state.js';
import { VaultHealth } from './infrastructure/vault/vault-health.js';

const PUBLICATION = 'publication-relay';
const TROUBLED: ReadonlySet<string> = new Set(['retrying', 'failing', 'stopped']);
const LAG_MS_MAX = 30_000;
const HOUR_MS = 3_600_000;
const MEGABYTE = 1_000_000;
const STANDBY_MS_MAX = 60_000;

/** Whether the server can do its work now, part by part, in words for an operator. */
@Injectable()
export class ServerHealth extends HealthChecks {
  constructor(
    private readonly config: Config,
    private readonly store: EventStore,
    private readonly background: Background,
    private readonly dispatcher: EffectDispatcher,
    private readonly outlets: CheckpointOutlets,
    private readonly watch: CaseWatch,
    private readonly signed: LogWatch,
    private readonly policies: CurrentPolicy,
    private readonly intake: Intake,
    private readonly clocks: ClockWatch,
    private readonly vaults: VaultHealth,
    private readonly unknown: UnknownEvents,
  ) {
    super();
  }

  override async ready(): Promise<Readiness> {
    const [events, vault, disk, policy, cases, unknownEvents] = await Promise.all([
      answered(this.events()),
      answered(this.vault()),
      answered(this.disk()),
      answered(this.policy()),
      answered(this.cases()),
      answered(this.unknownEvents()),
    ]);
    const parts = {
      events,
      vault,
      disk,
      intake: this.intakePart(),
      clock: this.clock(),
      standby: this.standby(),
      ...this.consumers(),
      'signed-log': this.signed.status(),
      saga: this.saga(),
      policy,
      ...this.outside(),
      ...this.copies(),
    };
    const degrading = { cases, parked: this.parked(), 'unknown-events': unknownEvents };
    const isDegraded = Object.values(degrading).some((part) => !part.ok);
    return {
      ok: Object.values(parts).every((part) => part.ok),
      degraded: isDegraded,
      parts: { ...parts, ...degrading },
    };
  }

  override isAccepting(): boolean {
    return this.intake.reasons().length === 0;
  }

  private intakePart(): Part {
    const reasons = this.intake.reasons();
    if (reasons.length === 0) return { ok: true, detail: 'requests are taken in' };
    return { ok: false, detail: `nothing is accepted: ${reasons.join('; ')}` };
  }

  private clock(): Part {
    const trouble = this.clocks.trouble();
    return trouble === null ? { ok: true, detail: 'time goes forward' } : { ok: false, detail: trouble };
  }

  /** Some may stand by, because another server does their work; where all do, nobody here does any. */
  private standby(): Part {
    const all = this.background.status();
    const ms = Math.min(...all.map((status) => status.standbyMs));
    if (all.length === 0 || ms < STANDBY_MS_MAX) return { ok: true, detail: 'consumers of the log do their work' };
    return {
      ok: false,
      detail: `all consumers of the log have stood by for ${Math.round(ms / 1000)} s: another process has their leases`,
    };
  }

  private async events(): Promise<Part> {
    try {
      const head = await this.store.head();
      const refusal = this.store.refusesAppends();
      if (refusal)
        return { ok: false, detail: `the event log takes nothing any more; start again: ${refusal.message}` };
      return { ok: true, detail: head === null ? 'the log is empty' : `the log ends at position ${head}` };
    } catch (error) {
      return {
        ok: false,
        detail: `the event log cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      };
    }
  }

  private async vault(): Promise<Part> {
    const trouble = await this.vaults.trouble();
    return trouble === null ? { ok: true, detail: 'seals and opens' } : { ok: false, detail: trouble };
  }

  /** A full disk is no moment to find out: the log, the vault and what is signed all stop with it. */
  private async disk(): Promise<Part> {
    const { freeMegabytesMin } = this.config.values;
    try {
      const { free } = await diskState(this.config.inData());
      const megabytes = Math.floor(free / MEGABYTE);
      const words = `${megabytes} MB are free on the disk of the data`;
      return megabytes < freeMegabytesMin
        ? { ok: false, detail: `${words}, fewer than ${freeMegabytesMin} (HONNIN_FREE_MEGABYTES_MIN)` }
        : { ok: true, detail: words };
    } catch (error) {
      return {
        ok: false,
        detail: `the data folder cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      };
    }
  }

  private consumers(): Record<string, Part> {
    return Object.fromEntries(
      this.background.status().map(({ consumer, state, progress, lagMs, lastError }) => {
        // Its rows answer nothing yet.
        if (state === 'building') return [consumer, { ok: false, detail: `building: ${progress}` }];
        // While the broker is away registrations go on and events wait: shown, and no reason to take this server out of
        // service. One that stands still waits for no broker.
        const isWaiting = consumer === PUBLICATION && state !== 'stopped';
        const ok = isWaiting || (state !== 'stopped' && state !== 'failing' && lagMs < LAG_MS_MAX);
        return [
          consumer,
          {
            ok,
            detail:
              ok && !TROUBLED.has(state)
                ? state
                : `${state}, ${Math.round(lagMs / 1000)} s behind${lastError ? `: ${lastError.message}` : ''}`,
          },
        ];
      }),
    );
  }

  /** Events that a consumer could not take, while it goes on with others: a person has to look, and another server
   * would do no better. */
  private parked(): Part {
    const waiting = this.background.status().filter(({ parkedStreams }) => parkedStreams > 0);
    if (waiting.length === 0) return { ok: true, detail: 'every event could be handled' };
    const each = waiting.map(({ consumer, parkedStreams }) => `${parkedStreams} of ${consumer}`).join(', ');
    return {
      ok: false,
      detail: `cases that wait at an event that could not be handled: ${each}; './honnin consumers list' names them`,
    };
  }

  /** What a later version wrote is not heard here: the program was put back, or another one works on this log. */
  private async unknownEvents(): Promise<Part> {
    try {
      const met = await this.unknown.met();
      if (met.length === 0) return { ok: true, detail: 'every event of the log is of a kind that this program knows' };
      return {
        ok: false,
        detail: `the log holds events that this program does not know: ${met.join(', ')}; run the newer release`,
      };
    } catch (error) {
      return { ok: false, detail: `nobody can tell: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  private saga(): Part {
    const { open, running, stuck, retained } = this.dispatcher.status();
    const { openCasesMax } = this.config.values;
    // Stuck cases need a person, not another server: they are shown and do not take this one out of service. Too many
    // open ones do: more requests would only wait behind them.
    const many = open > openCasesMax ? `more than ${openCasesMax} (HONNIN_OPEN_CASES_MAX): ` : '';
    const cases = `${open} open cases, ${running} being worked on, ${stuck} waiting for an operator`;
    return { ok: many === '', detail: `${many}${cases}; evidence of ${retained} refused ones is retained` };
  }

  /** Cases that need a person. Another server would do no better with them: this one is degraded and stays in
   * service. */
  private async cases(): Promise<Part> {
    try {
      const watched = await this.watch.look();
      if (watched === null) return { ok: true, detail: 'being counted' };
      const { stopped, overdue, oldestMs, hoursMax } = watched;
      const oldest = `the oldest for ${Math.floor(oldestMs / HOUR_MS)} h`;
      const troubles = [
        ...(stopped.material_differed > 0
          ? [
              `material of ${stopped.material_differed} is not what was received: stopped until an administrator ends them`,
            ]
          : []),
        ...(stopped.material_missing > 0
          ? [`material of ${stopped.material_missing} is gone: stopped until an administrator ends them`]
          : []),
        ...(overdue > 0 ? [`${overdue} are open for longer than ${hoursMax} h, ${oldest}`] : []),
      ];
      return troubles.length > 0
        ? { ok: false, detail: troubles.join('; ') }
        : {
            ok: true,
            detail: watched.oldestReceivedAtUtc === null ? 'none is open' : `open as long as they may be, ${oldest}`,
          };
    } catch (error) {
      return { ok: false, detail: `nobody can tell: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  /** An older policy is a matter for administrators, and no reason to take this server out of service. */
  private async policy(): Promise<Part> {
    try {
      const older = await this.policies.olderThanShipped();
      return {
        ok: true,
        detail: older
          ? olderInWords(older)
          : 'it asks for what the default of this version asks for, or was decided since',
      };
    } catch (error) {
      return {
        ok: false,
        detail: `the policy cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      };
    }
  }

  /** Without these the server takes requests and lets them wait; it should get none. */
  private outside(): Record<string, Part> {
    const { governmentUrl, cardIssuerKeysFile } = this.config.values;
    const missing = (name: string): Part => ({
      ok: false,
      detail: `${name} is not configured; './honnin doctor' says what to set`,
    });
    const there: Part = { ok: true, detail: 'configured' };
    return {
      authenticationServer: this.config.canCheckCertificates ? there : missing('the authentication server'),
      cardIssuerKeys: cardIssuerKeysFile !== null ? there : missing('the list of card issuer keys'),
      governmentServer: governmentUrl !== null ? there : missing('the government server'),
    };
  }

  /** Timestamps, copies and cosignatures of checkpoints: shown, and no reason to take this server out of service, for
   * the next one would do no better. Another history under the same name is one. */
  private copies(): Record<string, Part> {
    return Object.fromEntries(
      this.outlets.status().map(({ outlet, deliveredSize, behindMs, isLate, lastError, isFork }) => {
        const reached = deliveredSize === null ? 'no checkpoint got there yet' : `${deliveredSize} entries are covered`;
        return [
          `checkpoint-${outlet}`,
          {
            ok: !isFork,
            detail: `${isFork ? 'FORK: ' : isLate ? 'LATE: ' : ''}${reached}${behindMs > 0 ? `, the next one waits for ${Math.round(behindMs / 1000)} s` : ''}${lastError ? `: ${lastError}` : ''}`,
          },
        ];
      }),
    );
  }
}

/** Asked often, readiness answers within a second, also while something stands still. */
const ANSWER_MS = 1_000;

async function answered(part: Promise<Part>): Promise<Part> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Part>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: 'no answer within a second' }), ANSWER_MS);
  });
  try {
    return await Promise.race([part, late]);
  } finally {
    clearTimeout(timer);
  }
}

type Part = { readonly ok: boolean; readonly detail: string };
