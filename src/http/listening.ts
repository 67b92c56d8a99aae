import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * The addresses at which other machines in the network reach a site that listens on all interfaces (`0.0.0.0`, `::`),
 * such as `http://192.168.1.5:3000`. Empty if the site listens on one address.
 */
export function networkAddresses(host: string, port: number): string[] {
  if (!['0.0.0.0', '::', '[::]'].includes(host)) return [];
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address))
    .filter(({ address }) => host !== '0.0.0.0' || !isIPv6(address))
    .map(({ address }) => `http://${isIPv6(address) ? `[${address}]` : address}:${port}`);
}

/** One sentence that says why the site cannot listen on a port, and what to do. */
export function wordsOfListening({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `Another program listens on port ${port} already, maybe another Gatehouse: end it, or set PORT to another port.`,
    EACCES: `This user may not listen on port ${port}: set PORT to one of 1024 or more, and put a proxy in front.`,
    EADDRNOTAVAIL: `HOST is ${host}, which is no address of this machine: set it to one, or to 0.0.0.0 for all.`,
    ENOTFOUND: `HOST is ${host}, a name that nobody knows here: set it to an address of this machine, or to 0.0.0.0 for all.`,
  };
  return reasons[code ?? ''] ?? `HOST and PORT cannot be listened on: ${message}`;
}

/**
 * How many connections a process can hold if it may open this many files. Each connection may need one more file. The
 * rest is for the database, the log and other files of the site.
 */
export const connectionsWithin = (openFiles: number): number => Math.floor((openFiles - 100) / 2);

/** How many files the system lets this process open, or Infinity if the system does not say. */
export function openFilesLimit(): number {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  report.excludeNetwork = true;
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } };
  const soft = Number(userLimits?.open_files?.soft);
  return Number.isInteger(soft) && soft > 0 ? soft : Infinity;
}
