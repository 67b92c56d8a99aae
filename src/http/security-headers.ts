import type { Settings } from '../config/settings.js';

const contentSecurityPolicy = [
  "default-src 'none'",
  "object-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The headers of every answer, made once (ASVS 5.0 3.4 and 14.3.2). A download sets a stricter policy. An answer that
 * may be cached, such as an asset, sets its own Cache-Control.
 */
export const securityHeaders = ({ isSecure }: Settings): Readonly<Record<string, string>> => ({
  'cache-control': 'no-store',
  'content-security-policy': contentSecurityPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // 'no-referrer' would make a browser send `Origin: null` with our own forms (Fetch 3.2). Over plain HTTP, only the
  // Origin header tells our forms from another site's.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  ...(isSecure && { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }),
});
