const anyOrigin = 'http://gatehouse.invalid';
/** Pages that would undo or repeat the login that `next` comes after. */
const dead = /^\/(?:login(?:\/.*)?|logout|register|setup)$/;

/**
 * The path (with query) that an untrusted `next` names on this site, or the fallback where it leads elsewhere, is no
 * path, or names a page that makes no sense after a login. (ASVS 5.0 3.7.2: no open redirects.)
 */
export function safePath(next: unknown, fallback: string): string {
  // a browser reads "\" as "/" and drops tabs and line breaks, so "/\evil" and "/<tab>/evil" would be hosts
  if (typeof next !== 'string' || next.length > 2_000 || !/^\/(?![/\\])[^\\\p{Cc}]*$/u.test(next)) return fallback;
  if (!URL.canParse(next, anyOrigin)) return fallback;
  const { origin, pathname, search } = new URL(next, anyOrigin);
  const path = decoded(pathname);
  if (origin !== anyOrigin || pathname.startsWith('//') || path === undefined || dead.test(path)) return fallback;
  return pathname + search;
}

/** The path that a request asks for, without its query. */
export const pathOf = ({ url }: { url: string }): string => url.split('?', 1)[0] ?? url;

/** A page of a login with where it leads in the end, as far as that is a path of this site. */
export function withNext(page: string, next: unknown): string {
  const path = safePath(next, '');
  return path ? `${page}?next=${encodeURIComponent(path)}` : page;
}

/** The path as the router will read it; undefined where it cannot, since that leads nowhere. */
function decoded(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}
