// Node opens a debugger to whoever may send this signal, and runs what it is told there; a listener takes its place
process.on('SIGUSR1', () => undefined);
