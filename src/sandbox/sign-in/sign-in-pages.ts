import { createHash } from 'node:crypto';
import type { SampleUser } from './sample-users.js';

const STYLE = `
body{font:1.125rem/1.6 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem;color:#1a1a1c;background:#fff}
h1{font-size:1.5rem}
.note{border-left:.5rem solid #c16800;padding:.25rem 1rem;background:#fff7ec}
ul{list-style:none;padding:0}
button,input[type=text]{font:inherit;padding:.75rem 1rem;border:1px solid #414143;border-radius:.5rem;background:#fff;color:inherit}
button{cursor:pointer;width:100%;text-align:left;margin:.25rem 0}
button:hover{background:#e8f1fe}
button:focus-visible,input:focus-visible,a:focus-visible{outline:.25rem solid #0017c1;outline-offset:.125rem}
button small{display:block;color:#414143}
code{font-size:1.25rem;letter-spacing:.1em}
`;

/** Nothing but these pages themselves: no script, no address elsewhere.
 *  @param destinations where forms may lead in the end: browsers hold redirects after a form against it too */
export function pagePolicy(destinations: readonly string[]): string {
  const style = createHash('sha256').update(STYLE).digest('base64');
  return [
    "default-src 'none'",
    `style-src 'sha256-${style}'`,
    // The library adds the digest of its one script, which sends a form on; this address serves none.
    "script-src 'self'",
    `form-action ${["'self'", ...destinations].join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Who signs in: a button for each person. */
export function usersPage({ users, of, action }: { users: readonly SampleUser[]; of: string; action: string }): string {
  const buttons = users.map(
    ({ username, displayName, roles }) =>
      `<li><button name="username" value="${safe(username)}">${safe(displayName)}` +
      `<small>${safe(username)}: ${safe(roles.join(', '))}</small></button>`,
  );
  return page(
    'Sign in',
    `<p>Who are you? You sign in to <strong>${safe(of)}</strong>. There are no passwords here.</p>
<form method="post" action="${safe(action)}"><ul>
${buttons.join('\n')}
</ul></form>`,
  );
}

/** @param token that ties the form to this browser */
export function deviceCodePage({ action, token, words }: { action: string; token: string; words: string }): string {
  return page(
    'Enter the code',
    `<p>${safe(words)}</p>
<form method="post" action="${safe(action)}"><input type="hidden" name="xsrf" value="${safe(token)}">
<label>Code <input type="text" name="user_code" autocomplete="off" autofocus></label>
<button>Continue</button></form>`,
  );
}

export interface DeviceConfirmation {
  readonly form: string;
  readonly of: string;
  readonly userCode: string;
  /** Who is signed in in this browser already. */
  readonly signedIn: string | null;
  readonly signOut: string;
}

export function deviceConfirmPage({ form, of, userCode, signedIn, signOut }: DeviceConfirmation): string {
  const who =
    signedIn === null
      ? ''
      : `<p>You are signed in here as <strong>${safe(signedIn)}</strong>. To be somebody else,
<a href="${safe(signOut)}">sign out</a> first.</p>`;
  return page(
    'Is this your code?',
    `<p><code>${safe(userCode)}</code></p>
<p>Continue only where your own terminal shows the same: it gets access as <strong>${safe(of)}</strong>.</p>${who}
${form}<button form="op.deviceConfirmForm" autofocus>Yes, continue</button>`,
  );
}

export function signOutPage(form: string): string {
  return page(
    'Sign out',
    `<p>Sign out here, and everywhere that you signed in to from here?</p>
${form}<button form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
<button form="op.logoutForm">Stay</button>`,
  );
}

export function wordsPage(title: string, words: string): string {
  return page(title, `<p>${safe(words)}</p>`);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${safe(title)} (sandbox)</title><link rel="icon" href="data:,"><style>${STYLE}</style></head>
<body><main><h1>${safe(title)}</h1>
<p class="note">This is a stand-in for trying Honnin. Whoever reaches this page can be anybody.</p>
${body}
</main></body></html>
`;
}

function safe(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (sign) => names[sign] ?? sign);
}
