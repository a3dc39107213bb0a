/** A browser as far as sign-in needs one: cookies, forms, redirects. No scripts run in it. */
export class FormBrowser {
  /** By site and name. */
  private readonly cookies = new Map<string, { readonly value: string; readonly path: string }>();

  /** Goes to an address and follows redirects.
   *  @param stopAt an address below which nothing is asked any more: that of a program without a server here */
  async go(address: string, stopAt?: string, form?: Record<string, string>): Promise<Page> {
    let url = new URL(address);
    for (let body = form && new URLSearchParams(form), hops = 0; hops < 20; hops++) {
      if (stopAt !== undefined && url.href.startsWith(stopAt))
        return { url, status: 0, html: '', headers: new Headers() };
      const response = await fetch(url, {
        redirect: 'manual',
        headers: { cookie: this.cookiesFor(url) },
        ...(body && { method: 'POST', body }),
      });
      for (const line of response.headers.getSetCookie()) this.keep(url, line);
      const to = response.headers.get('location');
      if (to === null) return { url, status: response.status, html: await response.text(), headers: response.headers };
      await response.body?.cancel();
      url = new URL(to, url);
      body = undefined;
    }
    throw new Error(`${address} leads round in a circle`);
  }

  /** Sends the form of a page, with its hidden fields. */
  send(page: Page, fields: Record<string, string>, stopAt?: string): Promise<Page> {
    const action = /<form[^>]* action="([^"]*)"/.exec(page.html)?.[1];
    if (action === undefined) throw new Error(`no form in: ${page.html}`);
    const hidden = [...page.html.matchAll(/<input\s+type="hidden" name="([^"]*)" value="([^"]*)"/g)];
    const form = { ...Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value])), ...fields };
    return this.go(new URL(action.replaceAll('&amp;', '&'), page.url).href, stopAt, form);
  }

  private cookiesFor(url: URL): string {
    const isFor = (key: string, path: string): boolean =>
      key.startsWith(`${url.host} `) && url.pathname.startsWith(path);
    const kept = [...this.cookies].filter(([key, { path }]) => isFor(key, path));
    return kept.map(([key, { value }]) => `${key.split(' ')[1]}=${value}`).join('; ');
  }

  private keep(url: URL, line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/';
    const key = `${url.host} ${name} ${path}`;
    if (value === '') this.cookies.delete(key);
    else this.cookies.set(key, { value, path });
  }
}

export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly html: string;
  readonly headers: Headers;
}
