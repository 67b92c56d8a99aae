/**
 * Who may do what: a line a live route, a cell each of `roles` (in their order), for a request with an empty body on
 * what belongs to `member`. `ok` is a 2xx, an arrow a redirect; 422 and 404 come after the door has opened. A new route
 * is added here with care: `matrix.spec.ts` fails where one is missing, or answers anybody otherwise.
 *
 * stranger, member, other member, admin, disabled, second factor pending, read token, write token, admin token
 */
const lines = `
GET /                                          ok       ok                  ok                  ok                   ok       ok       ok       ok       ok
GET /account                                   →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
GET /account/activity                          →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
GET /account/deletion                          →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
POST /account/deletion                         →/login  422                 422                 422                  →/login  →/login  →/login  →/login  →/login
GET /account/email                             →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
POST /account/email                            →/login  422                 422                 422                  →/login  →/login  →/login  →/login  →/login
POST /account/email/verification               →/login  →/account           →/account           →/account            →/login  →/login  →/login  →/login  →/login
GET /account/export                            →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
POST /account/export                           →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
GET /account/factors                           →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
GET /account/factors/authenticator             →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
POST /account/factors/authenticator            →/login  422                 422                 422                  →/login  →/login  →/login  →/login  →/login
POST /account/factors/authenticator/removal    →/login  404                 404                 404                  →/login  →/login  →/login  →/login  →/login
GET /account/factors/passkeys                  →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
POST /account/factors/passkeys                 →/login  422                 422                 422                  →/login  →/login  →/login  →/login  →/login
GET /account/factors/passkeys/:id/name         →/login  ok                  404                 404                  →/login  →/login  →/login  →/login  →/login
POST /account/factors/passkeys/:id/name        →/login  422                 422                 422                  →/login  →/login  →/login  →/login  →/login
POST /account/factors/passkeys/:id/removal     →/login  →/account/factors   404                 404                  →/login  →/login  →/login  →/login  →/login
POST /account/factors/recovery-codes           →/login  ok                  ok                  409                  →/login  →/login  →/login  →/login  →/login
POST /account/factors/recovery-codes/download  →/login  422                 422                 422                  →/login  →/login  →/login  →/login  →/login
GET /account/name                              →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
POST /account/name                             →/login  422                 422                 422                  →/login  →/login  →/login  →/login  →/login
GET /account/password                          →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
POST /account/password                         →/login  422                 422                 422                  →/login  →/login  →/login  →/login  →/login
GET /account/proof                             →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
POST /account/proof                            →/login  →/account/proof     →/account/proof     →/account/proof      →/login  →/login  →/login  →/login  →/login
POST /account/proof/passkey                    →/login  →/account/proof     →/account/proof     →/account/proof      →/login  →/login  →/login  →/login  →/login
GET /account/sessions                          →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
POST /account/sessions/:id/end                 →/login  →/account/sessions  404                 404                  →/login  →/login  →/login  →/login  →/login
POST /account/sessions/end-others              →/login  →/account/sessions  →/account/sessions  →/account/sessions   →/login  →/login  →/login  →/login  →/login
GET /account/tokens                            →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
POST /account/tokens                           →/login  422                 422                 422                  →/login  →/login  →/login  →/login  →/login
GET /admin                                     →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
GET /admin/activity                            →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
GET /admin/activity.csv                        →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
GET /admin/files/:id/audience                  →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
POST /admin/files/:id/audience                 →/login  403                 403                 422                  →/login  →/login  →/login  →/login  →/login
GET /admin/groups                              →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
POST /admin/groups                             →/login  403                 403                 422                  →/login  →/login  →/login  →/login  →/login
GET /admin/groups/new                          →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
GET /admin/groups/:id                          →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
GET /admin/groups/:id/name                     →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
POST /admin/groups/:id/name                    →/login  403                 403                 422                  →/login  →/login  →/login  →/login  →/login
GET /admin/groups/:id/members                  →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
POST /admin/groups/:id/members                 →/login  403                 403                 422                  →/login  →/login  →/login  →/login  →/login
POST /admin/groups/:id/members/:memberId/removal  →/login  403                 403                 →/admin/groups/:id   →/login  →/login  →/login  →/login  →/login
POST /admin/groups/:id/deletion                →/login  403                 403                 →/admin/groups       →/login  →/login  →/login  →/login  →/login
GET /api/v1/files/:id/audience                 401      403                 403                 ok                   401      401      403      403      ok
PUT /api/v1/files/:id/audience                 401      403                 403                 422                  401      401      403      403      422
GET /api/v1/groups                             401      403                 403                 ok                   401      401      403      403      ok
POST /api/v1/groups                            401      403                 403                 422                  401      401      403      403      422
GET /api/v1/groups/:id                         401      403                 403                 ok                   401      401      403      403      ok
PATCH /api/v1/groups/:id                       401      403                 403                 422                  401      401      403      403      422
DELETE /api/v1/groups/:id                      401      403                 403                 ok                   401      401      403      403      ok
GET /api/v1/groups/:id/members                 401      403                 403                 ok                   401      401      403      403      ok
POST /api/v1/groups/:id/members                401      403                 403                 422                  401      401      403      403      422
DELETE /api/v1/groups/:id/members/:memberId    401      403                 403                 ok                   401      401      403      403      ok
GET /admin/files                               →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
GET /admin/files/:id                           →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
POST /admin/files/:id/deletion                 →/login  403                 403                 →/admin/files/:id    →/login  →/login  →/login  →/login  →/login
POST /admin/files/:id/featuring                →/login  403                 403                 →/admin/files/:id    →/login  →/login  →/login  →/login  →/login
GET /admin/files/:id/details                   →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
POST /admin/files/:id/details                  →/login  403                 403                 422                  →/login  →/login  →/login  →/login  →/login
GET /admin/files/:id/replacement               →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
POST /admin/files/:id/replacement              →/login  403                 403                 422                  →/login  →/login  →/login  →/login  →/login
POST /admin/files/:id/restoration              →/login  403                 403                 →/admin/files/:id    →/login  →/login  →/login  →/login  →/login
POST /admin/files/:id/unfeaturing              →/login  403                 403                 →/admin/files/:id    →/login  →/login  →/login  →/login  →/login
POST /admin/files/selection                    →/login  403                 403                 422                  →/login  →/login  →/login  →/login  →/login
GET /admin/files/upload                        →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
POST /admin/files/upload                       →/login  403                 403                 422                  →/login  →/login  →/login  →/login  →/login
GET /admin/invites                             →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
POST /admin/invites                            →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
POST /admin/invites/:id/withdrawal             →/login  403                 403                 →/admin/invites      →/login  →/login  →/login  →/login  →/login
GET /admin/members                             →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
GET /admin/members/:id                         →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
POST /admin/members/:id/approval               →/login  403                 403                 →/admin/members/:id  →/login  →/login  →/login  →/login  →/login
POST /admin/members/:id/disabling              →/login  403                 403                 →/admin/members/:id  →/login  →/login  →/login  →/login  →/login
POST /admin/members/:id/enabling               →/login  403                 403                 →/admin/members/:id  →/login  →/login  →/login  →/login  →/login
POST /admin/members/:id/factors/reset          →/login  403                 403                 →/admin/members/:id  →/login  →/login  →/login  →/login  →/login
POST /admin/members/:id/reset-link             →/login  403                 403                 →/admin/members/:id  →/login  →/login  →/login  →/login  →/login
POST /admin/members/:id/role                   →/login  403                 403                 422                  →/login  →/login  →/login  →/login  →/login
POST /admin/members/:id/sessions/end           →/login  403                 403                 →/admin/members/:id  →/login  →/login  →/login  →/login  →/login
GET /admin/registration                        →/login  403                 403                 ok                   →/login  →/login  →/login  →/login  →/login
POST /admin/registration                       →/login  403                 403                 422                  →/login  →/login  →/login  →/login  →/login
GET /api/docs                                  ok       ok                  ok                  ok                   ok       ok       ok       ok       ok
GET /api/v1/activity                           401      403                 403                 ok                   401      401      403      403      ok
GET /api/v1/activity/export                    401      403                 403                 ok                   401      401      403      403      ok
POST /api/v1/auth/login                        422      422                 422                 422                  422      422      422      422      422
POST /api/v1/auth/logout                       401      ok                  ok                  ok                   401      401      403      ok       ok
POST /api/v1/auth/register                     422      422                 422                 422                  422      422      422      422      422
PUT /api/v1/email-confirmations                422      422                 422                 422                  422      422      422      422      422
GET /api/v1/files                              401      ok                  ok                  ok                   401      401      ok       ok       ok
POST /api/v1/files                             401      403                 403                 422                  401      401      403      403      422
GET /api/v1/files/:id                          401      ok                  ok                  ok                   401      401      ok       ok       ok
DELETE /api/v1/files/:id                       401      403                 403                 ok                   401      401      403      403      ok
PATCH /api/v1/files/:id                        401      403                 403                 ok                   401      401      403      403      ok
PUT /api/v1/uploads/:name                      401      403                 403                 ok                   401      401      403      403      ok
PUT /api/v1/files/:id/content                  401      403                 403                 ok                   401      401      403      403      ok
POST /api/v1/files/:id/versions                401      403                 403                 422                  401      401      403      403      422
GET /api/v1/files/:id/content                  401      ok                  ok                  ok                   401      401      ok       ok       ok
GET /api/v1/files/:id/versions                 401      ok                  ok                  ok                   401      401      ok       ok       ok
GET /api/v1/invites                            401      403                 403                 ok                   401      401      403      403      ok
POST /api/v1/invites                           401      403                 403                 ok                   401      401      403      403      ok
DELETE /api/v1/invites/:id                     401      403                 403                 ok                   401      401      403      403      ok
GET /api/v1/openapi.json                       ok       ok                  ok                  ok                   ok       ok       ok       ok       ok
POST /api/v1/password-resets                   422      422                 422                 422                  422      422      422      422      422
PUT /api/v1/password-resets                    422      422                 422                 422                  422      422      422      422      422
GET /api/v1/registration                       401      403                 403                 ok                   401      401      403      403      ok
PUT /api/v1/registration                       401      403                 403                 422                  401      401      403      403      422
GET /api/v1/users                              401      403                 403                 ok                   401      401      403      403      ok
GET /api/v1/users/:id                          401      403                 403                 ok                   401      401      403      403      ok
PATCH /api/v1/users/:id                        401      403                 403                 ok                   401      401      403      403      ok
GET /api/v1/users/:id/activity                 401      403                 403                 ok                   401      401      403      403      ok
DELETE /api/v1/users/:id/factors               401      403                 403                 ok                   401      401      403      403      ok
POST /api/v1/users/:id/password-resets         401      403                 403                 ok                   401      401      403      403      ok
DELETE /api/v1/users/:id/sessions              401      403                 403                 ok                   401      401      403      403      ok
GET /api/v1/users/:id/sessions                 401      403                 403                 ok                   401      401      403      403      ok
DELETE /api/v1/users/me                        401      422                 422                 422                  401      401      403      403      403
GET /api/v1/users/me                           401      ok                  ok                  ok                   401      401      ok       ok       ok
PATCH /api/v1/users/me                         401      422                 422                 422                  401      401      403      422      422
GET /api/v1/users/me/activity                  401      ok                  ok                  ok                   401      401      ok       ok       ok
POST /api/v1/users/me/email-changes            401      422                 422                 422                  401      401      403      403      403
POST /api/v1/users/me/email-verifications      401      ok                  ok                  ok                   401      401      403      ok       ok
GET /api/v1/users/me/export                    401      ok                  ok                  ok                   401      401      403      403      403
GET /api/v1/users/me/factors                   401      ok                  ok                  ok                   401      401      ok       ok       ok
DELETE /api/v1/users/me/factors/authenticator  401      404                 404                 404                  401      401      403      403      403
POST /api/v1/users/me/factors/authenticator    401      ok                  ok                  ok                   401      401      403      403      403
PUT /api/v1/users/me/factors/authenticator     401      422                 422                 422                  401      401      403      403      403
GET /api/v1/users/me/factors/passkeys          401      ok                  ok                  ok                   401      401      ok       ok       ok
DELETE /api/v1/users/me/factors/passkeys/:id   401      ok                  404                 404                  401      401      403      403      403
PATCH /api/v1/users/me/factors/passkeys/:id    401      422                 422                 422                  401      401      403      403      403
POST /api/v1/users/me/factors/recovery-codes   401      ok                  ok                  409                  401      401      403      403      403
PUT /api/v1/users/me/password                  401      422                 422                 422                  401      401      403      422      422
PUT /api/v1/users/me/proof                     401      422                 422                 422                  401      401      403      403      403
DELETE /api/v1/users/me/sessions               401      ok                  ok                  ok                   401      401      403      403      403
GET /api/v1/users/me/sessions                  401      ok                  ok                  ok                   401      401      ok       ok       ok
DELETE /api/v1/users/me/sessions/:id           401      ok                  404                 404                  401      401      403      403      403
POST /api/v1/users/me/tokens                   401      422                 422                 422                  401      401      403      403      403
GET /assets/:name                              404      404                 404                 404                  404      404      404      404      404
GET /download                                  →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
GET /email/confirmation                        404      404                 404                 404                  404      404      404      404      404
POST /email/confirmation                       422      422                 422                 422                  422      422      422      422      422
GET /files/:id                                 →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
GET /files/:id/download                        →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
GET /health                                    ok       ok                  ok                  ok                   ok       ok       ok       ok       ok
GET /login                                     ok       →/secrets           →/secrets           →/secrets            ok       ok       ok       ok       ok
POST /login                                    422      422                 422                 422                  422      422      422      422      422
GET /login/factor                              →/login  →/secrets           →/secrets           →/secrets            →/login  ok       →/login  →/login  →/login
POST /login/factor                             422      →/secrets           →/secrets           →/secrets            422      422      422      422      422
GET /login/link                                ok       →/secrets           →/secrets           →/secrets            ok       ok       ok       ok       ok
POST /login/link                               422      →/secrets           →/secrets           →/secrets            422      422      422      422      422
GET /login/open                                404      →/secrets           →/secrets           →/secrets            404      404      404      404      404
POST /login/open                               422      →/secrets           →/secrets           →/secrets            422      422      422      422      422
POST /login/passkey                            →/login  →/secrets           →/secrets           →/secrets            →/login  →/login  →/login  →/login  →/login
GET /logout                                    →/       →/                  →/                  →/                   →/       →/       →/       →/       →/
POST /logout                                   →/       →/                  →/                  →/                   →/       →/       →/       →/       →/
GET /password/forgot                           ok       ok                  ok                  ok                   ok       ok       ok       ok       ok
POST /password/forgot                          422      422                 422                 422                  422      422      422      422      422
GET /password/reset                            404      404                 404                 404                  404      404      404      404      404
POST /password/reset                           422      422                 422                 422                  422      422      422      422      422
GET /ready                                     ok       ok                  ok                  ok                   ok       ok       ok       ok       ok
GET /register                                  ok       →/secrets           →/secrets           →/secrets            ok       ok       ok       ok       ok
POST /register                                 422      →/secrets           →/secrets           →/secrets            422      422      422      422      422
GET /secrets                                   →/login  ok                  ok                  ok                   →/login  →/login  →/login  →/login  →/login
GET /setup                                     404      404                 404                 404                  404      404      404      404      404
POST /setup                                    422      422                 422                 422                  422      422      422      422      422
`;

/** What each role is answered at each route, by the route's name, such as `GET /secrets`. */
export const table: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  lines
    .trim()
    .split('\n')
    .map((line) => {
      const [method = '', path = '', ...cells] = line.split(/\s+/);
      return [`${method} ${path}`, cells];
    }),
);
