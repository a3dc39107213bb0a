import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Open } from '../auth/roles.js';

const PLACES: readonly (readonly [path: string, ja: string, en: string])[] = [
  ['/receipt', '控えの番号で受付の状況を見る', 'the status of a receipt'],
  ['/docs', 'インターフェースの説明', 'interface description, to read and to try'],
  ['/openapi.json', '同、プログラム用（OpenAPI）', 'the same for programs (OpenAPI)'],
  ['/asyncapi', '公開イベントの説明（AsyncAPI）', 'published events (AsyncAPI)'],
  ['/verifier', '記録を検証するページ', 'the page that verifies records'],
  ['/health/ready', '稼働状況', 'whether it can do its work now'],
];

const PAGE = `<!doctype html>
<html lang="ja">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>本人 Honnin</title>
<h1>本人 <span lang="en">Honnin</span></h1>
<p>行政手続用の顔写真を登録するサーバーです。<br><span lang="en">Registers face photographs for administrative
procedures.</span></p>
<ul>
${PLACES.map(([path, ja, en]) => `<li><a href="${path}">${path}</a> ${ja}<br><span lang="en">${en}</span>`).join('\n')}
</ul>
</html>
`;

/** What somebody sees who opens the address of the server. */
@ApiExcludeController()
@Controller()
export class FirstPageController {
  @Get()
  @Open()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
  page(): string {
    return PAGE;
  }
}
