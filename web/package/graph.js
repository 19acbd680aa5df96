// Separation with a network that the caller runs; graph.d.ts documents it.
import { compile } from './compile.js';
import { GraphDemucsOf } from './lib/graph.js';
import { DemucsError } from './lib/errors.js';

export { DemucsError };

export class GraphDemucs extends GraphDemucsOf {
    static open(options) {
        return this.start(compile, options);
    }
}
