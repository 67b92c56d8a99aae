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
 * What every answer carries, made once (ASVS 5.0 3.4 and 14.3.2). A download puts a stricter policy in its place, and
 * what no reader minds to have kept, such as an asset, says so itself.
 */
export const securityHeaders = ({ isSecure }: Settings): Readonly<Record<string, string>> => ({
  'cache-control': 'no-store',
  'content-security-policy': contentSecurityPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // 'no-referrer' would make a browser send `Origin: null` with our own forms (Fetch 3.2), which over plain HTTP is all
  // that tells them from another site's
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  ...(isSecure && { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }),
});
