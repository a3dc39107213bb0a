import { Controller, Get, Header, Module, StreamableFile, type DynamicModule } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Open } from '../auth/roles.js';
import { Problems } from '../openapi.js';

/** The offline verifier as one HTML file. */
export abstract class VerifierPage {
  abstract html(): string;
}

/** Gives the offline verifier out to be kept. Open to everybody: it holds nothing but a program that is published anyway. It comes as a file
 *  and never as a page of this server, so that it neither runs under the server's address nor needs one. */
@ApiTags('Audit')
@Controller('v1/audit')
export class VerifierPageController {
  constructor(private readonly page: VerifierPage) {}

  @Get('verifier')
  @Open()
  @Header('cache-control', 'no-cache')
  @ApiOperation({ operationId: 'offlineVerifier', summary: 'The offline verifier: one HTML file to be kept and opened without a network. Who does not trust this server takes it from somewhere else' })
  @ApiResponse({ status: 200, description: 'The file', content: { 'text/html': { schema: { type: 'string' } } } })
  @Problems()
  verifier(): StreamableFile {
    return new StreamableFile(Buffer.from(this.page.html()), { type: 'text/html; charset=utf-8', disposition: 'attachment; filename="honnin-verifier.html"' });
  }
}

/** @param html makes the page; called once, at the first request */
@Module({})
export class VerifierPageModule {
  static with(html: () => string): DynamicModule {
    let made: string | null = null;
    return { module: VerifierPageModule, controllers: [VerifierPageController], providers: [{ provide: VerifierPage, useValue: { html: () => (made ??= html()) } satisfies VerifierPage }] };
  }
}
