// Node opens a debugger on this signal, and the debugger runs any code it is sent. A listener of our own stops that.
process.on('SIGUSR1', () => undefined);
