import { Controller, Get, Header, Module, StreamableFile, type DynamicModule } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { VerifierPageRecord, type PageDigests } from '../../application/audit/verifier-page-record.js';
import { Open } from '../auth/roles.js';
import { Problems } from '../contract/openapi.js';

/** The offline verifier as one HTML file, and what it is known by. */
export interface VerifierPageFile {
  readonly html: string;
  readonly digests: PageDigests;
}

export abstract class VerifierPage {
  abstract file(): VerifierPageFile;
}

const SUMMARY =
  'The offline verifier: one HTML file to be kept and opened without a network. Its digest stands in the log. ' +
  'Who does not trust this server takes it from somewhere else';

/** Gives the offline verifier out to be kept. Open to everybody: it holds nothing but a program that is published
 *  anyway. It
 *  comes as a file and never as a page of this server, so that it neither runs under the server's address nor needs
 *  one. */
@ApiTags('Audit')
@Controller('v1/audit')
export class VerifierPageController {
  constructor(
    private readonly page: VerifierPage,
    private readonly record: VerifierPageRecord,
  ) {}

  @Get('verifier')
  @Open()
  @Header('cache-control', 'no-cache')
  @ApiOperation({ operationId: 'offlineVerifier', summary: SUMMARY })
  @ApiResponse({ status: 200, description: 'The file', content: { 'text/html': { schema: { type: 'string' } } } })
  @Problems()
  async verifier(): Promise<StreamableFile> {
    const { html, digests } = this.page.file();
    await this.record.before(digests);
    const disposition = 'attachment; filename="honnin-verifier.html"';
    return new StreamableFile(Buffer.from(html), { type: 'text/html; charset=utf-8', disposition });
  }
}

/** @param make the page; called once, at the first request */
@Module({})
export class VerifierPageModule {
  static with(make: () => VerifierPageFile, imports: NonNullable<DynamicModule['imports']>): DynamicModule {
    let made: VerifierPageFile | null = null;
    const page: VerifierPage = { file: () => (made ??= make()) };
    const providers = [{ provide: VerifierPage, useValue: page }];
    return { module: VerifierPageModule, imports, controllers: [VerifierPageController], providers };
  }
}
