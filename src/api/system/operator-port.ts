import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ApiSettings } from '../api-settings.js';
import { HealthChecks, troublesOf } from '../health-checks.js';
import { Metrics } from '../metrics.js';
import { SECURITY_HEADERS } from '../edge/security-headers.js';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Measurements and the words of what is wrong, on a port of their own: for those who watch the server, out of the
 * reach of booths and of everybody else. Nothing is there unless the settings name a port. */
@Injectable()
export class OperatorPort implements OnApplicationBootstrap, OnApplicationShutdown {
  private server: Server | null = null;

  constructor(
    private readonly settings: ApiSettings,
    private readonly health: HealthChecks,
    private readonly metrics: Metrics,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { operatorPort } = this.settings;
    if (operatorPort === null) return;
    const server = createServer((request, response) => void this.answer(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(operatorPort.port, operatorPort.host, resolve);
    });
    this.server = server;
  }

  async onApplicationShutdown(): Promise<void> {
    const { server } = this;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, text } = await this.answerTo(request).catch((error: unknown): Answer => ({
      status: 500,
      type: 'text/plain; charset=utf-8',
      text: error instanceof Error ? error.message : String(error),
    }));
    response.writeHead(status, { ...SECURITY_HEADERS, 'content-type': type }).end(text);
  }

  private async answerTo({ method, url = '' }: IncomingMessage): Promise<Answer> {
    const path = method === 'GET' ? url.split('?')[0] : '';
    if (path === '/health/live') return json(200, { status: 'ok' });
    if (path === '/metrics') {
      return { status: 200, type: this.metrics.registry.contentType, text: await this.metrics.registry.metrics() };
    }
    if (path !== '/health/ready')
      return json(404, { status: 404, paths: ['/metrics', '/health/live', '/health/ready'] });
    const readiness = await this.health.ready();
    const status = !readiness.ok ? 'not_ready' : readiness.degraded ? 'degraded' : 'ok';
    return json(readiness.ok ? 200 : 503, { status, troubles: troublesOf(readiness), parts: readiness.parts });
  }
}

function json(status: number, body: object): Answer {
  return { status, type: 'application/json', text: JSON.stringify(body) };
}
