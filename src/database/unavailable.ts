/** Error codes of SQLite, the system and PostgreSQL that mean the database is missing or does not answer now. */
const codes =
  /^(SQLITE_(BUSY|LOCKED|CANTOPEN|IOERR|READONLY)|E(CONNREFUSED|CONNRESET|TIMEDOUT|PIPE|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN)|57P0[1-3]|53300|08...)$/;

/** Error messages of pg that have no code. */
const words =
  /^(Connection terminated|Client (was closed|has encountered a connection error) and is not queryable|timeout exceeded when trying to connect|Query read timeout|timeout expired)/;

/** Whether a statement failed because the database is away or locked. It may succeed later. */
export function isUnavailable(error: unknown): boolean {
  const { driverError = error } = error as { driverError?: unknown };
  const { code, message } = driverError as { code?: unknown; message?: unknown };
  return (typeof code === 'string' && codes.test(code)) || (typeof message === 'string' && words.test(message));
}
