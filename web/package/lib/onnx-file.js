// What an ONNX file says about itself: its ports and its metadata. The file is
// untrusted; weights are skipped. Numbers of fields: onnx.proto.
import { DemucsError } from './errors.js';

const decoder = new TextDecoder();
const broken = () => new DemucsError('format', 'the graph is no ONNX file, or it is damaged');

// Yields [field, value] of a message: numbers, or bytes.
function* fields(bytes) {
    let at = 0;
    const varint = () => {
        let value = 0n;
        for (let shift = 0n; shift < 70n; shift += 7n) {
            if (at >= bytes.length)
                throw broken();
            const byte = bytes[at++];
            value |= BigInt(byte & 127) << shift;
            if (byte < 128)
                return Number(BigInt.asIntN(64, value));
        }
        throw broken();
    };
    const take = size => {
        if (!(size >= 0 && size <= bytes.length - at))
            throw broken();
        at += size;
        return bytes.subarray(at - size, at);
    };
    const readers = { 0: varint, 1: () => take(8), 2: () => take(varint()), 5: () => take(4) };
    while (at < bytes.length) {
        const key = varint(), read = readers[key & 7];
        if (read === undefined)
            throw broken();
        yield [Math.floor(key / 8), read()];
    }
}

const all = (bytes, field) => [...fields(bytes)].filter(([f]) => f === field).map(([, value]) => value);

// The bytes of a message inside; empty where there is none.
function inner(bytes, field) {
    const value = all(bytes, field).at(-1) ?? new Uint8Array();
    if (!(value instanceof Uint8Array))
        throw broken();
    return value;
}

const textOf = bytes => {
    if (!(bytes instanceof Uint8Array))
        throw broken();
    return decoder.decode(bytes);
};

const FLOAT32 = 1;

function portOf(bytes) {
    const tensor = inner(inner(bytes, 2), 1); // ValueInfoProto.type.tensor_type
    const dims = all(inner(tensor, 2), 1).map(dim => {
        if (!(dim instanceof Uint8Array))
            throw broken();
        return all(dim, 1).at(-1) ?? -1;
    });
    return { name: textOf(inner(bytes, 1)), float32: all(tensor, 1).at(-1) === FLOAT32, dims };
}

const ports = (graph, field) => all(graph, field).map(port => {
    if (!(port instanceof Uint8Array))
        throw broken();
    return portOf(port);
});

// { inputs, outputs: [{ name, float32, dims (-1: free) }], metadata: { key: text } }
export function describeOnnx(bytes) {
    const graph = inner(bytes, 7);
    const metadata = all(bytes, 14).map(entry => {
        if (!(entry instanceof Uint8Array))
            throw broken();
        return [textOf(inner(entry, 1)), textOf(inner(entry, 2))];
    });
    if (graph.length === 0)
        throw broken();
    return { inputs: ports(graph, 11), outputs: ports(graph, 12), metadata: Object.fromEntries(metadata) };
}
