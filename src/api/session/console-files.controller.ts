import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Controller, Get, Injectable, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Open } from '../auth/roles.js';
import { ApiSettings } from '../api-settings.js';
import { ProblemError } from '../contract/problems.js';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const PAGE = 'index.html';
/** Its own scripts and styles, nothing inline, nothing from elsewhere, and no text becomes a script. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');
/** Names of assets hold a digest of what is in them. */
const HASHED = /^assets\//;
const FOR_A_YEAR = 'public, max-age=31536000, immutable';

/** The built console, read once. */
@Injectable()
export class ConsoleFiles {
  private readonly files = new Map<string, Buffer>();

  constructor({ console: { folder } }: ApiSettings) {
    if (folder === null || !existsSync(folder)) return;
    for (const entry of globSync('**/*', { cwd: folder, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      this.files.set(path.relative(folder, file).split(path.sep).join('/'), readFileSync(file));
    }
  }

  /** A file, or the page for an address within the console. @returns null where the console is not built */
  find(name: string): { readonly name: string; readonly bytes: Buffer } | null {
    const found = this.files.get(name);
    if (found !== undefined) return { name, bytes: found };
    const page = HASHED.test(name) ? undefined : this.files.get(PAGE);
    return page === undefined ? null : { name: PAGE, bytes: page };
  }
}

/** The officers' console: one page with its scripts. Whoever is not signed in gets it too; it holds no data. */
@ApiExcludeController()
@Controller('console')
export class ConsoleFilesController {
  constructor(private readonly files: ConsoleFiles) {}

  @Get(['', '*'])
  @Open()
  async file(@Param('*') wanted: unknown, @Res() reply: FastifyReply): Promise<void> {
    const name = typeof wanted === 'string' ? wanted : PAGE;
    const found = this.files.find(name);
    if (found === null) throw new ProblemError('route_not_found');
    if (HASHED.test(found.name)) reply.header('cache-control', FOR_A_YEAR);
    await reply
      .header('content-type', TYPES[path.extname(found.name)] ?? 'application/octet-stream')
      .header('content-security-policy', POLICY)
      .header('cross-origin-opener-policy', 'same-origin')
      .send(found.bytes);
  }
}
