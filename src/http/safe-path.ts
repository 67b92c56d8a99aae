const anyOrigin = 'http://gatehouse.invalid';
/** Pages that would undo or repeat the login that comes before `next`. */
const dead = /^\/(?:login(?:\/.*)?|logout|register|setup)$/;

/**
 * The path (with query) that an untrusted `next` names on this site. The result is the fallback if `next` leads
 * elsewhere, is not a path, or is a page that makes no sense after a login. (ASVS 5.0 3.7.2: no open redirects.)
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

/** The path of a request, without its query. */
export const pathOf = ({ url }: { url: string }): string => url.split('?', 1)[0] ?? url;

/** The address of a login page that leads to `next` in the end, if `next` is a path of this site. */
export function withNext(page: string, next: unknown): string {
  const path = safePath(next, '');
  return path ? `${page}?next=${encodeURIComponent(path)}` : page;
}

/** The path as the router reads it. Undefined if it cannot be decoded, because it then leads nowhere. */
function decoded(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}
