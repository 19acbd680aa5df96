// Errors that say what went wrong (code) and what to do (message).

// code: argument, unsupported, format, limit, hash, io, network, memory, model,
// runtime, worker. A cancelled call fails with the signal's reason instead.
export class DemucsError extends Error {
    constructor(code, message, options) {
        super(message, options);
        this.name = 'DemucsError';
        this.code = code;
    }
}

// To pass errors through postMessage.
export const packError = error =>
    ({ code: error?.code ?? 'worker', message: String(error?.message ?? error) });
export const unpackError = ({ code, message }) => new DemucsError(code, message);
